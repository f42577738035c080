"""What provisioning shows on the dashboard and beside its navigation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_verdicts
from portal.kernel import context, ui
from portal.kernel.authz import ANONYMOUS
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.ui import DashboardCard
from provisioning.models import Deployment, LeaseWarning
from provisioning.permissions import Permission
from provisioning.selectors.deployments import (
    deployment_counts,
    deployment_list,
    deployments_expiring,
)
from provisioning.selectors.findings import findings_open
from provisioning.selectors.leases import extensions_waiting

_FINDINGS_SHOWN = 5
EXPIRING_WITHIN = timedelta(hours=72)


def _counts(request: HttpRequest) -> dict[str, int]:
    actor = context.current().actor or ANONYMOUS
    return ui.once(request, "deployments", lambda: deployment_counts(actor=actor))


def deployments_count(request: HttpRequest) -> int | None:
    """Live deployments of the tenant."""
    return sum(_counts(request).values()) if current_tenant_id() else None


def _totals(request: HttpRequest) -> Mapping[str, Any]:
    actor = context.current().actor or ANONYMOUS
    counts = _counts(request)
    attention = deployment_list(actor=actor).filter(attention__isnull=False)
    return {
        "counts": counts,
        "total": sum(counts.values()),
        "attention": list(attention[:5]),
    }


def _quota(_request: HttpRequest) -> Mapping[str, Any]:
    tenant_id = current_tenant_id()
    return {"quota": quota_verdicts(tenant_id, Amounts()) if tenant_id else ()}


def _recent(_request: HttpRequest) -> Mapping[str, Any]:
    actor = context.current().actor or ANONYMOUS
    return {"deployments": list(deployment_list(actor=actor)[:6])}


def _expiring(_request: HttpRequest) -> Mapping[str, Any]:
    actor = context.current().actor or ANONYMOUS
    return {"deployments": list(deployments_expiring(actor=actor, within=EXPIRING_WITHIN)[:5])}


def _requests(_request: HttpRequest) -> Mapping[str, Any]:
    actor = context.current().actor or ANONYMOUS
    return {"requests": list(extensions_waiting(actor=actor)[:5])}


def _findings(_request: HttpRequest) -> Mapping[str, Any]:
    actor = context.current().actor or ANONYMOUS
    rows = list(findings_open(actor=actor)[: _FINDINGS_SHOWN + 1])
    total = len(rows) if len(rows) <= _FINDINGS_SHOWN else findings_open(actor=actor).count()
    return {"findings": rows[:_FINDINGS_SHOWN], "total": total}


_PATH = "provisioning/cards/"
CARDS = (
    DashboardCard("totals", f"{_PATH}totals.html", Permission.VIEW, _totals, 10, "full"),
    DashboardCard("recent", f"{_PATH}recent.html", Permission.VIEW, _recent, 20, "two-thirds"),
    DashboardCard("quota", f"{_PATH}quota.html", "quota.view", _quota, 30, "third"),
    DashboardCard("expiring", f"{_PATH}expiring.html", Permission.VIEW, _expiring, 40, "third"),
    DashboardCard(
        "findings", f"{_PATH}findings.html", Permission.FINDINGS_VIEW, _findings, 45, "third"
    ),
    DashboardCard("requests", f"{_PATH}requests.html", Permission.APPROVE, _requests, 50, "third"),
)


def deployment_links(ids: Collection[UUID]) -> Mapping[UUID, ui.TargetLink]:
    """Names and pages of deployments, for the pages of operations."""
    rows = Deployment.objects.filter(pk__in=ids).values_list("pk", "name")
    return {
        pk: ui.TargetLink(name, reverse("provisioning:deployment_detail", args=[pk]))
        for pk, name in rows
    }


def warning_links(ids: Collection[UUID]) -> Mapping[UUID, ui.TargetLink]:
    """The deployments that warnings are about, for the pages of operations."""
    rows = LeaseWarning.objects.filter(pk__in=ids).values_list(
        "pk", "deployment_id", "deployment__name"
    )
    return {
        pk: ui.TargetLink(name, reverse("provisioning:deployment_detail", args=[deployment_id]))
        for pk, deployment_id, name in rows
    }
