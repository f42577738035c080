"""The API answers what its schema says, whatever it is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal.models import User
from provisioning.models import Deployment
from tests.api.fuzzing import NEGATIVE, POSITIVE, Fuzzer, kept_connections
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, TeamFactory, UserFactory

SHORT, LONG = {POSITIVE: 2, NEGATIVE: 1}, {POSITIVE: 80, NEGATIVE: 80}


@pytest.fixture
def people(world: World, owned: Callable[..., Deployment]) -> dict[str, User]:
    """Somebody who operates, an administrator, and platform staff; and something to call them about."""
    owned(), owned(status="stopped", name="stopped-1"), owned(status="error", name="broken-1")
    TeamFactory(tenant=world.north)
    root = UserFactory(username="root", is_platform_admin=True)
    MembershipFactory(user=root, tenant=world.north, role="admin")
    return {"admin": world.people["admin"], "ops": world.people["ops"], "root": root}


def judged(wrong: dict[str, str]) -> None:
    """Fails with everything that was wrong, untruncated."""
    if wrong:
        text = "\n\n".join(f"{name}\n{faults}" for name, faults in wrong.items())
        pytest.fail(text, pytrace=False)


@pytest.mark.timeout(900)
def test_answers_are_as_the_schema_says(people: dict[str, User]) -> None:
    with kept_connections():
        fuzzer = Fuzzer(people, examples=SHORT)
        wrong = fuzzer.run()

    judged(wrong)
    assert fuzzer.sent >= 2 * len(fuzzer.operations())


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_answers_are_as_the_schema_says(people: dict[str, User]) -> None:
    with kept_connections():
        fuzzer = Fuzzer(people, examples=LONG)
        wrong = fuzzer.run()

    judged(wrong)
    assert fuzzer.sent >= 10_000
