"""The tabs of a machine's page: a table that each part of the page adds its line to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_verdicts
from portal.kernel.authz import Actor
from portal.kernel.web.paging import page_of
from portal.permissions import Permission as Shell
from portal.selectors.operations import operations_about
from portal.web.operations import BACKGROUND_QUEUE, operation_card, operation_cards
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.states import DeploymentStatus
from provisioning.web.application import application_tab, has_application
from provisioning.web.backups import copies_tab
from provisioning.web.health import health_tab
from provisioning.web.hook_tab import hooks_tab
from provisioning.web.leases import lease_card, lease_history
from provisioning.web.measures import metrics_tab
from provisioning.web.names import names_tab
from provisioning.web.presentation import costs, own_meters
from provisioning.web.timelines import BRIEF, activity, history
from provisioning.web.volumes import volumes_cost, volumes_tab

OVERVIEW: Final = "overview"
_RECENT: Final = 4


@dataclass(frozen=True, slots=True)
class TabContext:
    """Who looks at which machine."""

    request: HttpRequest
    actor: Actor
    deployment: Deployment


@dataclass(frozen=True, slots=True)
class DeploymentTab:
    """One tab: `values` are what its template `provisioning/deployment/_tab_<code>.html` needs.

    `permission` hides it from roles without; `is_for_tombstones` says whether a deleted machine has it.
    `has_dialogs`: its questions stand in `_dialogs_<code>.html`, beside what changes by itself.
    `is_wanted` says which machines have it.
    """

    code: str
    label: str | Promise
    icon: str
    values: Callable[[TabContext], dict[str, Any]]
    permission: str = Permission.VIEW
    is_for_tombstones: bool = True
    has_dialogs: bool = False
    is_wanted: Callable[[Deployment], bool] = lambda _deployment: True

    @property
    def template_name(self) -> str:
        return f"provisioning/deployment/_tab_{self.code}.html"

    @property
    def dialogs_name(self) -> str:
        return f"provisioning/deployment/_dialogs_{self.code}.html"

    def is_shown(self, actor: Actor, deployment: Deployment) -> bool:
        """Whether this person sees it for this machine."""
        is_gone = deployment.status == DeploymentStatus.DELETED
        is_possible = (self.is_for_tombstones or not is_gone) and self.is_wanted(deployment)
        return actor.may(self.permission) and is_possible


def tab_links(
    deployment: Deployment, tabs: Sequence[DeploymentTab], here: DeploymentTab
) -> list[dict[str, Any]]:
    """Entries of `<c-tabs>`: tabs are addresses."""
    address = reverse("provisioning:deployment_detail", args=[deployment.pk])
    return [
        {
            "label": tab.label,
            "icon": tab.icon,
            "url": address if tab.code == OVERVIEW else f"{address}?tab={tab.code}",
            "is_current": tab is here,
        }
        for tab in tabs
    ]


def _overview(at: TabContext) -> dict[str, Any]:
    deployment = at.deployment
    card = operation_card(actor=at.actor, target_id=deployment.pk)
    operation = card["operation"]
    leads = operation is not None and (
        card["is_live"] or operation.row.status in {"failed", "dead"}
    )
    is_gone = deployment.status == DeploymentStatus.DELETED
    verdicts = () if is_gone else quota_verdicts(deployment.tenant_id, Amounts())
    return {
        **card,
        "leads": leads,
        "recent": [] if leads else _recent(at),
        "costs": costs(deployment),
        "meters": own_meters(deployment, verdicts),
        "lease": lease_card(at.actor, deployment),
        "entries": history(deployment.pk, most=BRIEF),
    }


def _recent(at: TabContext) -> list[Any]:
    if not at.actor.may(Shell.OPERATIONS_VIEW):
        return []
    rows = operations_about(actor=at.actor, target_id=at.deployment.pk)
    return operation_cards(rows.exclude(queue=BACKGROUND_QUEUE)[:_RECENT])


def _operations(at: TabContext) -> dict[str, Any]:
    rows = operations_about(actor=at.actor, target_id=at.deployment.pk)
    page = page_of(at.request, rows.exclude(queue=BACKGROUND_QUEUE))
    shown = {"operations": operation_cards(page.rows)}
    return shown | {"previous": page.previous, "next": page.next}


def _lease(at: TabContext) -> dict[str, Any]:
    return {
        "lease": lease_card(at.actor, at.deployment),
        **lease_history(at.actor, at.deployment),
    }


def _health(at: TabContext) -> dict[str, Any]:
    return health_tab(at.actor, at.deployment)


def _costs(at: TabContext) -> dict[str, Any]:
    verdicts = quota_verdicts(at.deployment.tenant_id, Amounts())
    return {
        "costs": costs(at.deployment),
        "volumes": volumes_cost(at.deployment),
        "meters": own_meters(at.deployment, verdicts),
    }


def _activity(at: TabContext) -> dict[str, Any]:
    try:
        before = parse_datetime(at.request.GET.get("before", ""))
    except ValueError:
        before = None
    before = before if before is not None and before.tzinfo is not None else None
    entries, older = activity(at.actor, at.deployment, before=before)
    return {"entries": entries, "older": older, "is_older": before is not None}


def _names(at: TabContext) -> dict[str, Any]:
    return names_tab(at.actor, at.deployment)


def _volumes(at: TabContext) -> dict[str, Any]:
    return volumes_tab(at.actor, at.deployment)


def _copies(at: TabContext) -> dict[str, Any]:
    return copies_tab(at.actor, at.deployment)


TABS: Final[tuple[DeploymentTab, ...]] = (
    DeploymentTab(OVERVIEW, _("Overview"), "layout-dashboard", _overview),
    DeploymentTab(
        "operations", _("Operations"), "square-terminal", _operations, Shell.OPERATIONS_VIEW
    ),
    DeploymentTab(
        "application", _("Application"), "package", application_tab, is_wanted=has_application
    ),
    DeploymentTab("volumes", _("Volumes"), "hard-drive", _volumes, has_dialogs=True),
    DeploymentTab("metrics", _("Metrics"), "chart-line", metrics_tab),
    DeploymentTab("lease", _("Lease"), "calendar-clock", _lease, is_for_tombstones=False),
    DeploymentTab(
        "copies",
        _("Snapshots and backups"),
        "archive",
        _copies,
        Permission.BACKUPS_VIEW,
        has_dialogs=True,
    ),
    DeploymentTab(
        "health",
        _("Health"),
        "heart-pulse",
        _health,
        Permission.HEALTH_VIEW,
        is_for_tombstones=False,
    ),
    DeploymentTab("costs", _("Costs"), "receipt", _costs),
    DeploymentTab("names", _("Names"), "at-sign", _names, Permission.DNS_VIEW, has_dialogs=True),
    DeploymentTab(
        "hooks", _("Hooks"), "webhook", hooks_tab, Permission.HOOKS_VIEW, has_dialogs=True
    ),
    DeploymentTab("activity", _("Activity"), "history", _activity),
)
