"""Planned maintenance of clusters: people plan it, a tick begins and ends it by the cluster's own switch.

What parks operations, leases and heals asks that switch alone. Each occurrence begins once, so whoever ends it
early is not overruled; one whose beginning nobody was there for begins late, and one that is over never.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from provisioning.logic.windows import Occurrence
from provisioning.models import Cluster, MaintenanceWindow
from provisioning.permissions import Permission
from provisioning.selectors.windows import window_next
from provisioning.states import Recurrence
from provisioning.tags import Tag

LONGEST: Final = timedelta(days=7)
# Beyond, some zone has no time of day for it: neither page nor tick could read such a row again.
FARTHEST: Final = timedelta(days=3653)
REASON_MOST: Final = 300


def window_plan_new(
    *,
    actor: Actor,
    cluster_id: UUID | str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    recurrence: str = Recurrence.NONE,
    time_zone: str = "UTC",
    repeats_until: datetime | None = None,
) -> MaintenanceWindow:
    """Plans maintenance of a cluster. Raises NotFound, Refused, InvalidInput."""
    authorize(actor, Permission.INFRASTRUCTURE_MANAGE)
    reason = " ".join(reason.split())
    row = MaintenanceWindow(
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        recurrence=recurrence,
        time_zone=time_zone,
        repeats_until=repeats_until,
        created_by_id=actor.user_id,
    )
    _demand(row)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        try:
            cluster = Cluster.objects.filter(pk=UUID(str(cluster_id))).first()
        except ValueError:
            cluster = None
        if cluster is None:
            raise NotFound(_("There is no such cluster."))
        row.cluster = cluster
        row.save(using=PLATFORM)
        _record(Tag.WINDOW_PLANNED, row, actor)
    return row


def window_cancel(*, actor: Actor, window_id: UUID | str) -> MaintenanceWindow:
    """Takes it back; what it has begun ends with it. Raises NotFound, Refused, Conflict."""
    authorize(actor, Permission.INFRASTRUCTURE_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        row = _locked(window_id)
        if row.canceled_at is not None:
            raise Conflict(_("This maintenance is canceled already."), code="window_canceled")
        if row.is_begun:
            _finish(row, actor)
        row.canceled_at = clock.now()
        row.save(using=PLATFORM, update_fields=["canceled_at", "is_begun", "updated_at"])
        _record(Tag.WINDOW_CANCELED, row, actor)
    return row


def windows_tick() -> None:
    """Begins what is open and ends what is over, one by one."""
    now = clock.now()
    rows = MaintenanceWindow.objects.using(PLATFORM).filter(canceled_at=None)
    keys = [row.pk for row in rows if row.is_begun or _is_due(row, now)]
    for key in keys:
        with platform_alias(), transaction.atomic(using=PLATFORM):
            row = MaintenanceWindow.objects.select_for_update(of=("self",)).filter(pk=key).first()
            if row is not None and row.canceled_at is None:
                _move(row, now)


def _is_due(row: MaintenanceWindow, now: datetime) -> bool:
    return _open_now(row, now) is not None


def _open_now(row: MaintenanceWindow, now: datetime) -> Occurrence | None:
    found = window_next(row, now)
    return found if found is not None and found.is_open(now) else None


def _move(row: MaintenanceWindow, now: datetime) -> None:
    actor = Actor.system("maintenance", tenant_id=PLATFORM_TENANT_ID)
    found = _open_now(row, now)
    if row.is_begun and (found is None or found.starts_at != row.begun_for):
        _finish(row, actor)
    if found is not None and row.begun_for != found.starts_at:
        _begin(row, found, actor)
    row.save(using=PLATFORM, update_fields=["begun_for", "is_begun", "updated_at"])


def _begin(row: MaintenanceWindow, found: Occurrence, actor: Actor) -> None:
    """A cluster that people have put into maintenance themselves stays theirs."""
    cluster = Cluster.objects.select_for_update(of=("self",)).get(pk=row.cluster_id)
    row.begun_for, row.is_begun = found.starts_at, not cluster.is_in_maintenance
    if cluster.is_in_maintenance:
        return
    cluster.is_in_maintenance, cluster.maintenance_reason = True, row.reason
    cluster.maintenance_by_id, cluster.maintenance_since = row.created_by_id, clock.now()
    _store(cluster)
    _record(Tag.MAINTENANCE_SET, row, actor, ends_at=found.ends_at)


def _finish(row: MaintenanceWindow, actor: Actor) -> None:
    """Ends what it has begun, unless a person has ended it, or begun another, meanwhile."""
    cluster = Cluster.objects.select_for_update(of=("self",)).get(pk=row.cluster_id)
    row.is_begun = False
    others = MaintenanceWindow.objects.filter(cluster_id=row.cluster_id, is_begun=True)
    if not cluster.is_in_maintenance or cluster.maintenance_reason != row.reason:
        return
    if others.exclude(pk=row.pk).exists():
        return
    cluster.is_in_maintenance, cluster.maintenance_reason = False, ""
    cluster.maintenance_by_id = cluster.maintenance_since = None
    _store(cluster)
    _record(Tag.MAINTENANCE_CLEARED, row, actor)


def _store(cluster: Cluster) -> None:
    fields = ("is_in_maintenance", "maintenance_reason", "maintenance_by", "maintenance_since")
    cluster.save(using=PLATFORM, update_fields=[*fields, "updated_at"])


def _locked(window_id: UUID | str) -> MaintenanceWindow:
    try:
        rows = MaintenanceWindow.objects.select_for_update(of=("self",))
        row = rows.filter(pk=UUID(str(window_id))).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(_("There is no such maintenance window."))
    return row


def _demand(row: MaintenanceWindow) -> None:
    faults = _remote(row)
    if faults:
        raise InvalidInput(faults=tuple(faults))
    if row.ends_at <= row.starts_at:
        faults.append(Fault("ends_at", "invalid", _("It must end after it begins.")))
    elif row.ends_at - row.starts_at > LONGEST:
        faults.append(Fault("ends_at", "too_long", _("It may last 7 days at most.")))
    elif row.recurrence == Recurrence.NONE and row.ends_at <= clock.now():
        faults.append(Fault("ends_at", "past", _("It is over already.")))
    if row.recurrence not in Recurrence.values:
        known = ", ".join(Recurrence.values)
        message = _("Must be one of %(choices)s.") % {"choices": known}
        faults.append(Fault("recurrence", "invalid_choice", message))
    if row.repeats_until is not None and row.repeats_until <= row.starts_at:
        faults.append(Fault("repeats_until", "invalid", _("It must be after the first beginning.")))
    try:
        ZoneInfo(row.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = _("Use the name of a time zone such as Europe/Paris.")
        faults.append(Fault("time_zone", "invalid", message))
    if not 3 <= len(row.reason) <= REASON_MOST:
        message = _("Say why, in 3 to %(most)s characters.") % {"most": REASON_MOST}
        faults.append(Fault("reason", "invalid", message))
    if faults:
        raise InvalidInput(faults=tuple(faults))


def _remote(row: MaintenanceWindow) -> list[Fault]:
    """Times that nobody can mean."""
    message = _("It must lie within ten years from now.")
    now = clock.now()
    return [
        Fault(field, "out_of_range", message)
        for field in ("starts_at", "ends_at", "repeats_until")
        if (at := getattr(row, field)) is not None and abs(at - now) > FARTHEST
    ]


def _record(
    tag: Tag, row: MaintenanceWindow, actor: Actor, *, ends_at: datetime | None = None
) -> None:
    trail.record(
        tag=tag,
        target=row.cluster,
        actor=actor,
        tenant_id=PLATFORM_TENANT_ID,
        after={
            "starts_at": row.starts_at.isoformat(),
            "ends_at": (ends_at or row.ends_at).isoformat(),
            "recurrence": row.recurrence,
            "reason": row.reason,
        },
    )
