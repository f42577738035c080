"""Alerts and thresholds: an organisation's own, and the platform's for its staff."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from provisioning.logic.alerting import AlertStatus
from provisioning.models import Alert, AlertRule
from provisioning.permissions import Permission


def is_platforms(actor: Actor) -> bool:
    """Whether the actor looks after the platform's thresholds, beside those of his organisation."""
    return actor.is_platform_admin or actor.tenant_id is None


def _wide(actor: Actor) -> list[UUID]:
    return [PLATFORM_TENANT_ID, *([actor.tenant_id] if actor.tenant_id else [])]


def alert_list(*, actor: Actor) -> QuerySet[Alert]:
    """Alerts that people are told of, newest first. Raises Refused."""
    authorize(actor, Permission.ALERTS_VIEW)
    is_wide = is_platforms(actor)
    rows = (
        Alert.across_tenants.filter(tenant_id__in=_wide(actor)) if is_wide else Alert.objects.all()
    )
    shown = rows.exclude(status=AlertStatus.PENDING)
    return shown.select_related("rule").order_by("-created_at", "-id")


def alert_get(*, actor: Actor, alert_id: UUID | str) -> Alert:
    """One alert. Raises Refused, NotFound (also for another tenant's)."""
    try:
        return alert_list(actor=actor).get(pk=UUID(str(alert_id)))
    except (ValueError, Alert.DoesNotExist):
        raise NotFound(gettext("There is no such alert.")) from None


def alerts_firing(*, actor: Actor) -> QuerySet[Alert]:
    """Those that stand."""
    return alert_list(actor=actor).filter(status=AlertStatus.FIRING)


def rule_list(*, actor: Actor) -> QuerySet[AlertRule]:
    """The thresholds of the organisation, or of the platform for its staff. Raises Refused."""
    authorize(actor, Permission.ALERTS_VIEW)
    is_wide = is_platforms(actor)
    wide = AlertRule.across_tenants.filter(tenant_id__in=_wide(actor))
    return (wide if is_wide else AlertRule.objects.all()).order_by("name", "id")


def rule_get(*, actor: Actor, rule_id: UUID | str) -> AlertRule:
    """One threshold. Raises Refused, NotFound."""
    try:
        return rule_list(actor=actor).get(pk=UUID(str(rule_id)))
    except (ValueError, AlertRule.DoesNotExist):
        raise NotFound(gettext("There is no such rule.")) from None


@contextmanager
def rule_rows(actor: Actor) -> Iterator[QuerySet[AlertRule]]:
    """The thresholds an actor may write, inside a transaction of the role that writes them."""
    if is_platforms(actor):
        with platform_alias(), transaction.atomic(using=PLATFORM):
            yield AlertRule.across_tenants.filter(tenant_id__in=_wide(actor))
    else:
        with transaction.atomic():
            yield AlertRule.objects.all()
