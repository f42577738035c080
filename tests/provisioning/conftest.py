"""A receiver on this machine, an organisation whose messages may reach it, and hosts that nobody gave up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.base.registry import HOSTS
from portal.kernel.tenancy import tenant_scope
from tests.conftest import World
from tests.locks import locks_witnessed
from tests.provisioning.webhook_scenes import allow_loopback
from tests.receiver import Receiver


@pytest.fixture(autouse=True)
def one_order_of_locks() -> Iterator[None]:
    """Whatever a test plays, its transactions lock in the one order (docs/provisioning.md)."""
    with locks_witnessed() as breaches:
        yield
    assert breaches == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as server:
        yield server


@pytest.fixture
def north(world: World) -> Iterator[World]:
    """`north` in scope, with this machine as an allowed receiver."""
    allow_loopback()
    with tenant_scope(world.north.pk):
        yield world


@pytest.fixture
def fresh_gates() -> Iterator[None]:
    """A host that failed in one test is asked again in the next."""
    HOSTS._gates.clear()
    yield
    HOSTS._gates.clear()
