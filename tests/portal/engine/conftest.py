from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing.models import Tenant
from portal.kernel.authz import Actor, ActorKind
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.operations import operation_enqueue
from tests import kinds  # noqa: F401 - registers the test types

ALIASES = ("default", "owner", "platform", "dispatch")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "portal/engine" in str(item.path):
            item.add_marker(pytest.mark.django_db(transaction=True, databases=ALIASES))


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    return Tenant.objects.using("platform").create(slug=f"t-{uuid4().hex[:12]}", name="Tenant")


@pytest.fixture
def actor(tenant: Tenant) -> Actor:
    return Actor(kind=ActorKind.USER, label="ada", user_id=uuid4(), tenant_id=tenant.pk)


@pytest.fixture
def enqueue(tenant: Tenant, actor: Actor) -> Callable[..., Operation]:
    def _enqueue(type_: str, **more: Any) -> Operation:
        payload = more.pop("payload", {}) | {
            name: str(more.pop(name)) for name in ("file", "gate") if name in more
        }
        who = more.pop("actor", actor)
        with tenant_scope(more.pop("tenant_id", tenant.pk)):
            return operation_enqueue(actor=who, type=type_, payload=payload, **more)

    return _enqueue


@pytest.fixture
def row() -> Callable[[Operation | UUID], Operation]:
    """The row as it is now, whoever's it is."""

    def _row(operation: Operation | UUID) -> Operation:
        key = operation.pk if isinstance(operation, Operation) else operation
        return Operation.across_tenants.get(pk=key)

    return _row
