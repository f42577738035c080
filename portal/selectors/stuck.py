"""What of the engine is stuck: operations that failed for good, do not move or lost their worker; schedules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel import clock
from portal.kernel.queue import operation_kind, schedules
from portal.kernel.stored_text import translated
from portal.kernel.stuck import Remedy, Sight, StuckItem, rollback_of
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.models import Operation, Schedule
from portal.states import OPEN_STATUSES, OperationStatus

MOST: Final = 50
_REMEMBERED: Final = timedelta(days=30)
_PERIODS_MISSED: Final = 3
_LEAST_SILENCE_S: Final = 120
_NEVER_SHOWN: Final = ("state", "result", "payload", "ending")


def stuck_operations(sight: Sight) -> Iterator[StuckItem]:
    """Two statements: what ended badly and was left, and what is open and does not go on."""
    rows = Operation.across_tenants if sight.is_everywhere else Operation.objects
    yield from _left(rows.defer(*_NEVER_SHOWN))
    yield from _unmoved(rows.defer(*_NEVER_SHOWN), sight)


def stuck_schedules(sight: Sight) -> Iterator[StuckItem]:
    """Periodic work that was not started for several of its periods; for who looks everywhere."""
    if not sight.is_everywhere:
        return
    now, known = clock.now(), schedules()
    for row in Schedule.objects.filter(is_enabled=True, name__in=known):
        silence = timedelta(seconds=max(_PERIODS_MISSED * row.every_s, _LEAST_SILENCE_S))
        last = row.last_due_at or row.created_at
        if last < now - silence:
            yield StuckItem(
                kind="schedule",
                subject=f"schedule:{row.name}",
                tenant_id=PLATFORM_TENANT_ID,
                title=str(known[row.name].label),
                reason=_("This periodic work was not started for several of its periods."),
                since=last,
                url=reverse("portal:worker_list"),
            )


def _left(rows: QuerySet[Operation]) -> Iterator[StuckItem]:
    """What wants a person, or ran out of tries, and nobody has tried again."""
    retried = Operation.objects.using(rows.db).filter(
        tenant_id=OuterRef("tenant_id"), retry_of_id=OuterRef("pk")
    )
    wanted = Q(status=OperationStatus.DEAD) | Q(
        status=OperationStatus.FAILED, attention__isnull=False
    )
    found = rows.filter(wanted, completed_at__gt=clock.now() - _REMEMBERED)
    for row in found.exclude(Exists(retried)).order_by("-completed_at")[:MOST]:
        is_dead = row.status == OperationStatus.DEAD
        message = translated((row.attention or {}).get("message") or row.last_error or "")
        why = _("All its tries failed.") if is_dead else _("Only a person can go on.")
        yield _item(
            row,
            kind="dead" if is_dead else "attention",
            reason=f"{why} {message}".strip(),
            remedies=(Remedy.RETRY, *_rollback(row)),
        )


def _unmoved(rows: QuerySet[Operation], sight: Sight) -> Iterator[StuckItem]:
    """What was begun and stands still, or is due and nobody takes."""
    now = clock.now()
    patience = timedelta(seconds=sight.patience_s)
    lost = now - timedelta(seconds=2 * settings.ENGINE["LEASE_S"])
    is_lost = Q(status=OperationStatus.RUNNING, lease_expires_at__lt=lost)
    is_late = Q(status=OperationStatus.PENDING, scheduled_at__lt=now - patience)
    is_slow = Q(status__in=OPEN_STATUSES, started_at__lt=now - patience)
    found = rows.filter(status__in=OPEN_STATUSES).filter(is_lost | is_late | is_slow)
    for row in found.order_by(F("started_at").asc(nulls_last=True), "id")[:MOST]:
        yield _item(row, *_standing(row, sight), remedies=(*_rollback(row), Remedy.FORCE))


def _standing(row: Operation, sight: Sight) -> tuple[str, str]:
    now = clock.now()
    is_running = row.status == OperationStatus.RUNNING
    if is_running and row.lease_expires_at is not None and row.lease_expires_at < now:
        return "lease_lost", _("Its worker %(worker)s is silent and nobody took it over.") % {
            "worker": row.worker
        }
    patience = timedelta(seconds=sight.patience_s)
    if not is_running and row.scheduled_at < now - patience:
        return "not_taken", _("It is due and no worker takes it.")
    detail = next((one.get("detail") for one in row.steps if one.get("name") == row.step), "")
    words = _("It has been under way for longer than expected.")
    return "slow", f"{words} {translated(detail or row.last_error or '')}".strip()


def _item(row: Operation, kind: str, reason: str, remedies: tuple[Remedy, ...]) -> StuckItem:
    try:
        label = str(operation_kind(row.type).label)
    except KeyError:
        label, remedies = row.type, ()
    return StuckItem(
        kind=kind,
        subject=f"operation:{row.pk}",
        tenant_id=row.tenant_id,
        title=label,
        reason=reason,
        since=row.completed_at or row.started_at or row.scheduled_at,
        about=f"{row.target_type}:{row.target_id}" if row.target_id else "",
        log=row.log[-1] if row.log else "",
        url=reverse("portal:operation_detail", args=[row.pk]),
        remedies=remedies,
    )


def _rollback(row: Operation) -> tuple[Remedy, ...]:
    can = row.target_id is not None and rollback_of(row.target_type) is not None
    return (Remedy.ROLLBACK,) if can else ()
