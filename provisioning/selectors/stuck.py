"""Machines that do not go on by themselves: in error, wanting a person, in a state nobody works on; idle slots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel import clock
from portal.kernel.stored_text import translated
from portal.kernel.stuck import Remedy, Sight, StuckItem
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID
from portal.models import Operation
from portal.states import OPEN_STATUSES
from provisioning.models import Deployment, Slot
from provisioning.states import BUSY, DeploymentStatus

_MOST: Final = 50
_SETTLED: Final = timedelta(minutes=5)


def stuck_deployments(sight: Sight) -> Iterator[StuckItem]:
    """Machines nothing is under way for, though their state says otherwise or wants somebody."""
    rows = Deployment.across_tenants if sight.is_everywhere else Deployment.objects
    alias = PLATFORM if sight.is_everywhere else rows.db
    under_way = Operation.objects.using(alias).filter(
        tenant_id=OuterRef("tenant_id"), target_id=OuterRef("pk"), status__in=OPEN_STATUSES
    )
    is_wanting = Q(attention__isnull=False) | Q(status=DeploymentStatus.ERROR)
    is_limbo = Q(status__in=BUSY, updated_at__lt=clock.now() - _SETTLED)
    found = (
        rows.exclude(status=DeploymentStatus.DELETED)
        .filter(is_wanting | is_limbo)
        .exclude(Exists(under_way))
    )
    for row in found.order_by("updated_at", "id")[:_MOST]:
        yield _item(row)


def stuck_slots(sight: Sight) -> Iterator[StuckItem]:
    """Slots on storages that are held though nothing is under way; for who looks everywhere."""
    if not sight.is_everywhere:
        return
    under_way = Operation.objects.using(PLATFORM).filter(
        target_id=OuterRef("deployment_id"), status__in=OPEN_STATUSES
    )
    found = Slot.objects.using(PLATFORM).filter(renewed_at__lt=clock.now() - _SETTLED)
    for slot in found.exclude(Exists(under_way)).order_by("renewed_at")[:_MOST]:
        yield StuckItem(
            kind="slot",
            subject=f"slot:{slot.pk}",
            tenant_id=PLATFORM_TENANT_ID,
            title=slot.storage,
            reason=_("A slot is held though nothing is under way; the next sweep frees it."),
            since=slot.renewed_at,
            url=reverse("provisioning:infrastructure"),
        )


def _item(row: Deployment) -> StuckItem:
    attention = row.attention or {}
    is_limbo = row.is_busy
    if is_limbo:
        reason = _("Its state is “%(status)s” and nothing is under way for it.") % {
            "status": DeploymentStatus(row.status).label
        }
    else:
        reason = translated(attention.get("message") or "") or _("It is in error.")
    can_end = not row.hold and row.status != DeploymentStatus.DELETING
    return StuckItem(
        kind="limbo" if is_limbo else "attention",
        subject=f"deployment:{row.pk}",
        tenant_id=row.tenant_id,
        title=row.name,
        reason=reason,
        since=row.updated_at,
        log=str(attention.get("command") or ""),
        url=reverse("provisioning:deployment_detail", args=[row.pk]),
        remedies=(Remedy.ROLLBACK,) if can_end else (),
    )
