"""Pages of one deployment: its tabs, and the actions on it."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_verdicts
from portal.kernel.errors import NotFound
from portal.kernel.web.paging import page_of
from portal.kernel.web.views import ActionView, PortalView
from portal.permissions import Permission as Shell
from portal.selectors.operations import operations_about
from portal.web.operations import BACKGROUND_QUEUE, operation_card, operation_cards
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.services import creation, lifecycle
from provisioning.states import DeploymentStatus
from provisioning.web.forms import DeleteForm, ResizeForm, values_of
from provisioning.web.leases import (
    LEASE_ACTIONS,
    extensions_offered,
    lease_card,
    lease_forms,
    lease_history,
)
from provisioning.web.presentation import actions, costs, followed, own_meters, permitted
from provisioning.web.timelines import BRIEF, activity, history

OVERVIEW: Final = "overview"
TABS: Final = {
    OVERVIEW: (gettext_lazy("Overview"), "layout-dashboard"),
    "operations": (gettext_lazy("Operations"), "square-terminal"),
    "lease": (gettext_lazy("Lease"), "calendar-clock"),
    "costs": (gettext_lazy("Costs"), "receipt"),
    "activity": (gettext_lazy("Activity"), "history"),
}
_RECENT = 4


class DeploymentDetail(PortalView):
    """`/deployments/{id}?tab=`; the fragment is what changes by itself."""

    permission = Permission.VIEW
    template_name = "provisioning/deployment/detail.html"
    fragment_name = "provisioning/deployment/_answer.html"

    def get(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        tab = request.GET.get("tab", OVERVIEW)
        tab = tab if tab in self._tabs(deployment) else OVERVIEW
        may = permitted(self.actor, deployment)
        values = {
            "deployment": deployment,
            "tab": tab,
            "tabs": self._links(deployment, tab),
            "here": request.get_full_path(),
            "actions": actions(self.actor, deployment),
            "may": may,
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
            "extensions": extensions_offered(deployment) if "extend" in may else [],
            **getattr(self, f"_{tab}")(deployment),
        }
        if not request.htmx:  # type: ignore[attr-defined]
            values |= lease_forms()
            values["resize_form"] = ResizeForm(deployment=deployment)
            values["delete_form"] = DeleteForm(name=deployment.name, auto_id="delete_%s")
        return self.page(values)

    def _tabs(self, deployment: Deployment) -> list[str]:
        """Those the role may see; a tombstone has no lease."""
        hidden = set() if self.actor.may(Shell.OPERATIONS_VIEW) else {"operations"}
        if deployment.status == DeploymentStatus.DELETED:
            hidden.add("lease")
        return [code for code in TABS if code not in hidden]

    def _links(self, deployment: Deployment, here: str) -> list[dict[str, Any]]:
        address = reverse("provisioning:deployment_detail", args=[deployment.pk])
        return [
            {
                "label": TABS[code][0],
                "icon": TABS[code][1],
                "url": address if code == OVERVIEW else f"{address}?tab={code}",
                "is_current": code == here,
            }
            for code in self._tabs(deployment)
        ]

    def _overview(self, deployment: Deployment) -> dict[str, Any]:
        card = operation_card(actor=self.actor, target_id=deployment.pk)
        operation = card["operation"]
        leads = operation is not None and (
            card["is_live"] or operation.row.status in {"failed", "dead"}
        )
        is_gone = deployment.status == DeploymentStatus.DELETED
        verdicts = () if is_gone else quota_verdicts(deployment.tenant_id, Amounts())
        return {
            **card,
            "leads": leads,
            "recent": [] if leads else self._recent(deployment),
            "costs": costs(deployment),
            "meters": own_meters(deployment, verdicts),
            "lease": lease_card(self.actor, deployment),
            "entries": history(deployment.pk, most=BRIEF),
        }

    def _recent(self, deployment: Deployment) -> list[Any]:
        if not self.actor.may(Shell.OPERATIONS_VIEW):
            return []
        rows = operations_about(actor=self.actor, target_id=deployment.pk)
        return operation_cards(rows.exclude(queue=BACKGROUND_QUEUE)[:_RECENT])

    def _operations(self, deployment: Deployment) -> dict[str, Any]:
        rows = operations_about(actor=self.actor, target_id=deployment.pk)
        page = page_of(self.request, rows.exclude(queue=BACKGROUND_QUEUE))
        shown = {"operations": operation_cards(page.rows)}
        return shown | {"previous": page.previous, "next": page.next}

    def _lease(self, deployment: Deployment) -> dict[str, Any]:
        return {
            "lease": lease_card(self.actor, deployment),
            **lease_history(self.actor, deployment),
        }

    def _costs(self, deployment: Deployment) -> dict[str, Any]:
        verdicts = quota_verdicts(deployment.tenant_id, Amounts())
        return {"costs": costs(deployment), "meters": own_meters(deployment, verdicts)}

    def _activity(self, deployment: Deployment) -> dict[str, Any]:
        try:
            before = parse_datetime(self.request.GET.get("before", ""))
        except ValueError:
            before = None
        before = before if before is not None and before.tzinfo is not None else None
        entries, older = activity(self.actor, deployment, before=before)
        return {"entries": entries, "older": older, "is_older": before is not None}


class DeploymentAction(ActionView):
    """`/deployments/{id}/{action}`."""

    permission = Permission.VIEW

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:deployment_detail", args=[kwargs["deployment_id"]])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {"actor": self.actor, "deployment_id": kwargs["deployment_id"]}
        match kwargs["action"]:
            case "start":
                return followed(_("It is being started."), *lifecycle.deployment_start(**key))
            case "stop":
                mode = request.POST.get("mode", "shutdown")
                return followed(
                    _("It is being stopped."), *lifecycle.deployment_stop(**key, mode=mode)
                )
            case "restart":
                return followed(_("It is being restarted."), *lifecycle.deployment_restart(**key))
            case "retry":
                return followed(_("It is being created again."), *creation.deployment_retry(**key))
            case wanted if wanted in LEASE_ACTIONS:
                return LEASE_ACTIONS[wanted](request, **key)
            case _:
                return self._with_form(request, kwargs["action"], key)

    def _with_form(self, request: HttpRequest, action: str, key: dict[str, Any]) -> str:
        if action not in {"resize", "delete"}:
            raise NotFound
        deployment = deployment_get(actor=self.actor, deployment_id=key["deployment_id"])
        if action == "resize":
            figures = values_of(ResizeForm(request.POST, deployment=deployment))
            done = lifecycle.deployment_resize(**key, **figures)
            return followed(_("It is being resized."), *done)
        if action in permitted(self.actor, deployment):
            values_of(DeleteForm(request.POST, name=deployment.name))
        return followed(_("It is being deleted."), *lifecycle.deployment_delete(**key))
