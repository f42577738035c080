"""What people are told of their operations, through the engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from portal.models import Notification, Operation
from portal.services.operations import operation_enqueue
from tests import kinds  # noqa: F401 - registers the test types
from tests.conftest import World
from tests.engine import run_until_idle
from tests.portal.notices.conftest import rows


def enqueue(world: World, type_: str, **more: Any) -> Operation:
    with tenant_scope(world.north.pk):
        return operation_enqueue(actor=world.actor("support"), type=type_, **more)


@pytest.mark.parametrize(
    ("type_", "payload", "kind"),
    [
        ("test.hopeless", {}, "operation.failed"),
        ("test.flaky", {"failures": 99}, "operation.failed"),
        ("test.operator", {}, "operation.attention"),
        ("test.noop", {}, None),
    ],
)
def test_who_asked_is_told_how_it_ended(
    world: World, type_: str, payload: dict[str, Any], kind: str | None
) -> None:
    operation = enqueue(world, type_, payload=payload)
    run_until_idle()
    operation.refresh_from_db(using="platform")
    cause = f"operation:{operation.pk}:{operation.status}"
    assert rows() == ([("support-north", kind, cause)] if kind else [])


def test_what_took_more_than_a_minute_is_told_when_it_is_done(world: World) -> None:
    operation = enqueue(world, "test.noop")
    Operation.objects.using("dispatch").filter(pk=operation.pk).update(
        created_at=clock.now() - timedelta(seconds=61)
    )
    run_until_idle()
    assert rows() == [
        ("support-north", "operation.finished", f"operation:{operation.pk}:completed")
    ]
    notice = Notification.objects.using("platform").get()
    assert notice.path == f"/operations/{operation.pk}"
