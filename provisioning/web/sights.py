"""What several parts of the first page look at, asked once while it is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db.models import Count, Window
from django.http import HttpRequest

from billing.logic.quota import Amounts, Verdict
from billing.selectors.quotas import quota_verdicts
from portal.kernel import context
from portal.kernel.authz import ANONYMOUS, Actor
from portal.kernel.dashboard import NEEDS_PER_SOURCE
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.ui import once
from portal.web.periods import period_of_request
from provisioning.logic.figures import History
from provisioning.models import Deployment, Finding
from provisioning.permissions import Permission
from provisioning.selectors.figures import (
    LiveFigures,
    deployment_history,
    deployments_ending,
    deployments_troubled,
    deployments_unwell,
    live_figures,
)
from provisioning.selectors.findings import findings_open
from provisioning.selectors.overview import ClusterOverview, cluster_overviews

ENDING_WITHIN: Final = timedelta(hours=72)


def actor() -> Actor:
    """Whoever reads the page."""
    return context.current().actor or ANONYMOUS


def live(request: HttpRequest) -> LiveFigures:
    """All machines there are."""
    return once(
        request, "dashboard.live", lambda: live_figures(actor=actor(), within=ENDING_WITHIN)
    )


def history(request: HttpRequest) -> History:
    """What the period made of them."""
    period = period_of_request(request)
    return once(
        request, "dashboard.history", lambda: deployment_history(actor=actor(), period=period)
    )


def troubled(request: HttpRequest) -> Sequence[Deployment]:
    """The first of those that failed or need a person."""
    if not live(request).troubled:
        return ()
    return once(
        request,
        "dashboard.troubled",
        lambda: list(deployments_troubled(actor=actor())[:NEEDS_PER_SOURCE]),
    )


def unwell(request: HttpRequest) -> Sequence[Deployment]:
    """The first of those whose health failed."""
    if not live(request).unwell:
        return ()
    return once(
        request,
        "dashboard.unwell",
        lambda: list(deployments_unwell(actor=actor())[:NEEDS_PER_SOURCE]),
    )


def ending(request: HttpRequest) -> Sequence[Deployment]:
    """The first of those whose lease ends soon."""
    return once(
        request,
        "dashboard.ending",
        lambda: list(deployments_ending(actor=actor(), within=ENDING_WITHIN)[:NEEDS_PER_SOURCE]),
    )


def findings(request: HttpRequest) -> Sequence[Finding]:
    """The first open findings; each knows how many there are (`total`). None for who may not see them."""
    if not actor().may(Permission.FINDINGS_VIEW):
        return ()
    rows = findings_open(actor=actor())
    return once(
        request,
        "dashboard.findings",
        lambda: list(rows.annotate(total=Window(Count("id")))[:NEEDS_PER_SOURCE]),
    )


def clusters(request: HttpRequest) -> Sequence[ClusterOverview]:
    """The clusters, for who may see infrastructure."""
    return once(request, "dashboard.clusters", lambda: cluster_overviews(actor=actor()))


def quota(request: HttpRequest) -> Sequence[Verdict]:
    """The tenant's limits and what is used of them; nothing without a tenant."""
    tenant_id = current_tenant_id()
    if tenant_id is None:
        return ()
    return once(request, "dashboard.quota", lambda: quota_verdicts(tenant_id, Amounts()))


def is_empty(request: HttpRequest) -> bool:
    """Whether the tenant has no machine and had none lately."""
    return live(request).total == 0 and not any([*history(request).made, *history(request).gone])
