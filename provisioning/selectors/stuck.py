"""What does not go on by itself: machines, half clones, messages that were given up, idle slots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Exists, Max, Min, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel import clock
from portal.kernel.stored_text import translated
from portal.kernel.stuck import Remedy, Sight, StuckItem
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID
from portal.models import Operation
from portal.states import OPEN_STATUSES
from provisioning.logic.hook_states import DeliveryStatus, WebhookState
from provisioning.logic.webhook_events import TEST
from provisioning.models import Deployment, Finding, Slot, Webhook
from provisioning.states import BUSY, DeploymentStatus, FindingKind, FindingStatus

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


def stuck_half_clones(sight: Sight) -> Iterator[StuckItem]:
    """Locks of machines that nothing makes any more, which only a person at the node can take away."""
    rows = Finding.across_tenants if sight.is_everywhere else Finding.objects
    found = rows.filter(kind=FindingKind.HALF_CLONE, status=FindingStatus.OPEN)
    for row in found.select_related("deployment").order_by("first_seen_at", "id")[:_MOST]:
        machine = row.deployment
        is_idle = machine is not None and not machine.hold and not machine.is_busy
        yield StuckItem(
            kind="half_clone",
            subject=f"finding:{row.pk}",
            tenant_id=row.tenant_id,
            title=machine.name if machine else str(row.found.get("name") or row.vmid),
            reason=_("The lock of a clone is left and nothing makes the machine any more."),
            since=row.first_seen_at,
            about=f"deployment:{row.deployment_id}" if row.deployment_id else "",
            log=str(row.found.get("command") or ""),
            url=reverse("provisioning:finding_detail", args=[row.pk]),
            remedies=(
                *((Remedy.ROLLBACK,) if is_idle else ()),
                Remedy.DISMISS,
                *((Remedy.FORCE,) if is_idle else ()),
            ),
        )


def stuck_messages(sight: Sight) -> Iterator[StuckItem]:
    """Receivers with messages that were given up and neither sent again nor left so by somebody."""
    rows = Webhook.across_tenants if sight.is_everywhere else Webhook.objects
    given_up = Q(deliveries__status=DeliveryStatus.DEAD, deliveries__replays__isnull=True)
    wanted = given_up & ~Q(deliveries__event=TEST)
    found = rows.filter(wanted).annotate(
        dead=Count("deliveries", filter=wanted, distinct=True),
        since=Min("deliveries__ended_at", filter=wanted),
        last=Max("deliveries__reason", filter=wanted),
    )
    for row in found.order_by("since", "id")[:_MOST]:
        yield _messages(row)


def _messages(row: Any) -> StuckItem:
    count = ngettext(
        "%(count)d message was given up.", "%(count)d messages were given up.", row.dead
    ) % {"count": row.dead}
    is_sending = row.is_active and row.state == WebhookState.ACTIVE
    how = "" if is_sending else _("Nothing is sent until the webhook is switched on or resumed.")
    return StuckItem(
        kind="undelivered",
        subject=f"webhook:{row.pk}",
        tenant_id=row.tenant_id,
        title=row.name,
        reason=" ".join(part for part in (count, translated(row.last), how) if part),
        since=row.since,
        url=reverse("provisioning:webhook_detail", args=[row.pk]),
        remedies=(*((Remedy.RETRY,) if is_sending else ()), Remedy.DISMISS),
    )


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
