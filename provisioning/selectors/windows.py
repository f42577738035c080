"""Planned maintenance, for who sees the infrastructure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from provisioning.logic.windows import Occurrence, Plan
from provisioning.models import MaintenanceWindow
from provisioning.permissions import Permission
from provisioning.states import Recurrence


def window_list(*, actor: Actor) -> QuerySet[MaintenanceWindow]:
    """Those that are neither canceled nor over for good are at the front; the rest is history."""
    authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    return MaintenanceWindow.objects.select_related("cluster", "created_by").order_by(
        "-starts_at", "-id"
    )


def window_get(*, actor: Actor, window_id: UUID | str) -> MaintenanceWindow:
    """One of them. Raises NotFound, Refused."""
    rows = window_list(actor=actor)
    try:
        row = rows.filter(pk=UUID(str(window_id))).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(_("There is no such maintenance window."))
    return row


def window_plan(row: MaintenanceWindow) -> Plan:
    """Its times, as the logic reads them."""
    return Plan(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        time_zone=row.time_zone,
        is_weekly=row.recurrence == Recurrence.WEEKLY,
        repeats_until=row.repeats_until,
    )


def window_next(row: MaintenanceWindow, at: datetime) -> Occurrence | None:
    """When it is open now or next, None when it never is again."""
    return None if row.canceled_at is not None else window_plan(row).occurrence(at)
