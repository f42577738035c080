"""Pages of one deployment: its tabs, and the actions on it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel.errors import NotFound
from portal.kernel.web.views import ActionView, PortalView
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.services import creation, lifecycle
from provisioning.services.copies.final import delete_after_backup
from provisioning.web.forms import DeleteForm, values_of
from provisioning.web.health import HEALTH_ACTIONS, probe_form
from provisioning.web.leases import (
    LEASE_ACTIONS,
    extensions_offered,
    lease_forms,
)
from provisioning.web.presentation import actions, followed, permitted
from provisioning.web.resizing import resize_answer, resize_values
from provisioning.web.tabs import OVERVIEW, TABS, TabContext, tab_links
from provisioning.web.volumes import attached_to


class DeploymentDetail(PortalView):
    """`/deployments/{id}?tab=`; the fragment is what changes by itself."""

    permission = Permission.VIEW
    template_name = "provisioning/deployment/detail.html"
    fragment_name = "provisioning/deployment/_answer.html"

    def get(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        tabs = [tab for tab in TABS if tab.is_shown(self.actor, deployment)]
        wanted = request.GET.get("tab", OVERVIEW)
        tab = next((tab for tab in tabs if tab.code == wanted), tabs[0])
        may = permitted(self.actor, deployment)
        values = {
            "deployment": deployment,
            "tab": tab,
            "tabs": tab_links(deployment, tabs, tab),
            "here": request.get_full_path(),
            "actions": actions(self.actor, deployment),
            "may": may,
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
            "extensions": extensions_offered(deployment) if "extend" in may else [],
            **tab.values(TabContext(request, self.actor, deployment)),
        }
        if not request.htmx:  # type: ignore[attr-defined]
            values |= lease_forms()
            values |= resize_values(deployment)
            values["probe_form"] = probe_form(deployment)
            asks_about_volumes = "delete" in may or tab.code == "copies"
            values["attached_volumes"] = attached_to(deployment) if asks_about_volumes else []
            values["delete_form"] = DeleteForm(
                name=deployment.name,
                has_volumes=bool(values["attached_volumes"]),
                auto_id="delete_%s",
            )
        return self.page(values)


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
            case wanted if wanted in HEALTH_ACTIONS:
                return HEALTH_ACTIONS[wanted](request, **key)
            case wanted if wanted in LEASE_ACTIONS:
                return LEASE_ACTIONS[wanted](request, **key)
            case _:
                return self._with_form(request, kwargs["action"], key)

    def _with_form(self, request: HttpRequest, action: str, key: dict[str, Any]) -> str:
        if action == "resize":
            return resize_answer(request, **key)
        if action != "delete":
            raise NotFound
        deployment = deployment_get(**key)
        if action in permitted(self.actor, deployment):
            wanted = values_of(DeleteForm(request.POST, name=deployment.name))
            if wanted["is_backed_up_first"]:
                text = _("It is deleted when its last backup is complete.")
                fate = request.POST.get("volumes", "keep")
                return followed(text, *delete_after_backup(**key, volumes=fate))
        fate = request.POST.get("volumes", "keep")
        done = lifecycle.deployment_delete(**key, volumes=fate)
        return followed(_("It is being deleted."), *done)
