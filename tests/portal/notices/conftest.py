"""People of `north`, and a way to tell them of something."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import transaction

from portal.kernel.tenancy import tenant_scope
from portal.models import Notification
from portal.services.notifications import Notice, notify
from tests.conftest import World

Tell = Callable[..., set[UUID]]


@pytest.fixture
def tell(world: World) -> Tell:
    """Tells people, by role, of a cause."""

    def _tell(
        *roles: str, cause: str = "operation:1:failed", kind: str = "operation.failed"
    ) -> set[UUID]:
        words = {"operation": "pod.start", "target": "web-04", "detail": "No such node."}
        notice = Notice(kind, cause, "/operations", words)
        people = [world.people[role].pk for role in roles]
        with tenant_scope(world.north.pk), transaction.atomic():
            return notify(notice, tenant_id=world.north.pk, user_ids=people)

    return _tell


def rows() -> list[tuple[str, str, str]]:
    """All notices there are: who, kind, cause."""
    found = Notification.objects.using("platform").order_by("user__username", "id")
    return [(row.user.username, row.kind, row.cause) for row in found.select_related("user")]
