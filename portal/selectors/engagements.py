"""Operations as the first page shows them: what runs, what failed and was left, what somebody began."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.models import Operation
from portal.selectors.operations import operation_list
from portal.states import OPEN_STATUSES, RETRYABLE_STATUSES, OperationStatus

FORGOTTEN_AFTER: Final = timedelta(days=7)
BACKGROUND: Final = ("metrics",)


def operations_begun(*, actor: Actor) -> QuerySet[Operation]:
    """What somebody asked for and is under way, the latest first.

    Only work with a concurrency key is asked for by people; the key's index knows all that has begun.
    """
    return (
        operation_list(actor=actor)
        .filter(status__in=OPEN_STATUSES, started_at__isnull=False)
        .exclude(concurrency_key="")
        .order_by("-started_at", "-id")
    )


def operations_left(*, actor: Actor) -> QuerySet[Operation]:
    """What failed lately, was not tried again, and nothing on the same object has gone well since."""
    retried = Operation.objects.filter(retry_of_id=OuterRef("pk"))
    better = Operation.objects.filter(
        target_id=OuterRef("target_id"),
        created_at__gt=OuterRef("created_at"),
        status=OperationStatus.COMPLETED,
    ).exclude(queue__in=BACKGROUND)
    return (
        operation_list(actor=actor)
        .filter(
            ~Exists(retried),
            ~Exists(better),
            status__in=RETRYABLE_STATUSES,
            completed_at__gte=clock.now() - FORGOTTEN_AFTER,
        )
        .exclude(queue__in=BACKGROUND)
        .order_by("-completed_at")
    )


def operations_of_actor(*, actor: Actor) -> QuerySet[Operation]:
    """What the actor himself began, the latest first."""
    rows = operation_list(actor=actor).filter(actor_id=actor.user_id)
    return rows.order_by("-created_at", "-id")
