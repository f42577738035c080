"""Reserving, changing and releasing quota: counters and reservations change together under one row lock."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from audit.services import trail
from billing.errors import QuotaExceeded
from billing.events import QuotaNearlyFull
from billing.logic.quota import DIMENSIONS, UNITS, Amounts, Verdict, nearly_full, verdicts
from billing.models import QuotaReservation, QuotaUsage
from billing.selectors.quotas import quota_limits, quota_recomputed
from billing.tags import Tag
from portal.kernel import clock, events
from portal.kernel.authz import Actor


@transaction.atomic
def quota_reserve(*, actor: Actor, tenant_id: UUID, subject_id: UUID, amounts: Amounts) -> None:
    """Holds `amounts` for a subject. Reserving again for the same subject is a no-op.

    Raises:
        QuotaExceeded: a dimension has not enough left; nothing was reserved.
    """
    usage = _lock(tenant_id)
    if QuotaReservation.objects.filter(tenant_id=tenant_id, subject_id=subject_id).exists():
        return
    found = _check(actor, tenant_id, usage.amounts, amounts)
    QuotaReservation.objects.create(tenant_id=tenant_id, subject_id=subject_id, **amounts.as_dict())
    _move(usage, amounts)
    _tell(found, actor, tenant_id)


@transaction.atomic
def quota_adjust(*, actor: Actor, tenant_id: UUID, subject_id: UUID, amounts: Amounts) -> None:
    """Changes what a subject holds; only dimensions that grow are checked.

    Raises:
        QuotaExceeded: a growing dimension has not enough left; nothing changed.
    """
    usage = _lock(tenant_id)
    reservation = QuotaReservation.objects.select_for_update().get(
        tenant_id=tenant_id, subject_id=subject_id, released_at__isnull=True
    )
    change = amounts.minus(reservation.amounts)
    found = _check(actor, tenant_id, usage.amounts, change)
    QuotaReservation.objects.filter(pk=reservation.pk).update(
        updated_at=clock.now(), **amounts.as_dict()
    )
    _move(usage, change)
    _tell(found, actor, tenant_id)


@transaction.atomic
def quota_release(*, tenant_id: UUID, subject_id: UUID) -> bool:
    """Gives back what a subject holds, once; answers whether there was something to give back."""
    usage = _lock(tenant_id)
    reservation = (
        QuotaReservation.objects.select_for_update()
        .filter(tenant_id=tenant_id, subject_id=subject_id, released_at__isnull=True)
        .first()
    )
    if reservation is None:
        return False
    now = clock.now()
    QuotaReservation.objects.filter(pk=reservation.pk).update(released_at=now, updated_at=now)
    _move(usage, Amounts().minus(reservation.amounts))
    return True


def quota_transfer(*, source_id: UUID, target_id: UUID, subject_ids: Collection[UUID]) -> Amounts:
    """Moves what subjects hold from one tenant's books to another's, in the open transaction.

    Both usage rows are locked, the smaller id first, so that two of these never wait for one another.
    Needs an alias that sees both tenants.

    Raises:
        QuotaExceeded: the target has not enough left in a dimension; nothing moved.
    """
    usages = {key: _lock(key) for key in sorted({source_id, target_id})}
    rows = QuotaReservation.objects.select_for_update().filter(
        tenant_id=source_id, subject_id__in=subject_ids, released_at__isnull=True
    )
    held = list(rows)
    total = Amounts(**{name: sum(row.amounts.of(name) for row in held) for name in DIMENSIONS})
    found = verdicts(quota_limits(target_id), usages[target_id].amounts, total)
    refused = [verdict for verdict in found if not verdict.is_allowed]
    if refused:
        raise quota_exceeded(refused)
    keys = [row.subject_id for row in held]
    QuotaReservation.objects.filter(
        tenant_id=target_id, subject_id__in=keys, released_at__isnull=False
    ).delete()
    QuotaReservation.objects.filter(pk__in=[row.pk for row in held]).update(
        tenant_id=target_id, updated_at=clock.now()
    )
    _move(usages[source_id], Amounts().minus(total))
    _move(usages[target_id], total)
    return total


@transaction.atomic
def quota_repair(*, actor: Actor, tenant_id: UUID) -> dict[str, int]:
    """Sets the counters to the sum of the reservations; answers the differences found per dimension."""
    usage = _lock(tenant_id)
    truth = quota_recomputed(tenant_id)
    difference = {k: v for k, v in truth.minus(usage.amounts).as_dict().items() if v}
    if difference:
        QuotaUsage.objects.filter(pk=usage.pk).update(updated_at=clock.now(), **truth.as_dict())
        trail.record(tag=Tag.QUOTA_REPAIRED, target=usage, actor=actor, detail=difference)
    return difference


def _lock(tenant_id: UUID) -> QuotaUsage:
    QuotaUsage.objects.bulk_create([QuotaUsage(tenant_id=tenant_id)], ignore_conflicts=True)
    return QuotaUsage.objects.select_for_update().get(tenant_id=tenant_id)


def _check(actor: Actor, tenant_id: UUID, used: Amounts, requested: Amounts) -> tuple[Verdict, ...]:
    found = verdicts(quota_limits(tenant_id), used, requested)
    refused = [verdict for verdict in found if not verdict.is_allowed]
    if refused:
        trail.refuse(
            tag=Tag.QUOTA_REFUSED,
            actor=actor,
            target_type="billing.quota",
            detail={v.dimension: [v.limit, v.used, v.requested] for v in refused},
        )
        raise quota_exceeded(refused)
    return found


def _tell(found: tuple[Verdict, ...], actor: Actor, tenant_id: UUID) -> None:
    for verdict in nearly_full(found):
        events.publish(
            QuotaNearlyFull(
                tenant_id=tenant_id,
                actor_id=actor.user_id,
                dimension=verdict.dimension,
                used=verdict.after,
                limit=verdict.limit or 0,
                on=clock.now().date(),
            )
        )


def quota_exceeded(refused: list[Verdict]) -> QuotaExceeded:
    """The error that names dimension, limit, used and requested, and who can raise the limit."""
    words = "; ".join(
        gettext("%(what)s: %(requested)s requested, %(used)s of %(limit)s used")
        % {
            "what": v.dimension,
            "requested": f"{v.requested} {UNITS[v.dimension]}".strip(),
            "used": v.used,
            "limit": v.limit,
        }
        for v in refused
    )
    return QuotaExceeded(
        gettext("Over quota. %(words)s. A platform administrator can raise the limit.")
        % {"words": words},
        field=refused[0].dimension,
        verdicts=[
            {"dimension": v.dimension, "limit": v.limit, "used": v.used, "requested": v.requested}
            for v in refused
        ],
    )


def _move(usage: QuotaUsage, change: Amounts) -> None:
    QuotaUsage.objects.filter(pk=usage.pk).update(
        updated_at=clock.now(), **{name: F(name) + change.of(name) for name in DIMENSIONS}
    )
