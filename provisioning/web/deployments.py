"""Pages of deployments: detail, creation with its live plan, actions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.logic.pricing import cost
from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_verdicts
from portal.kernel.errors import NotFound
from portal.kernel.web.views import ActionView, PortalView
from portal.web.operations import operation_card
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.services import creation, lifecycle
from provisioning.web.forms import ResizeForm, values_of
from provisioning.web.leases import LEASE_ACTIONS, lease_card, lease_forms
from provisioning.web.presentation import actions, followed, history, meters


class DeploymentDetail(PortalView):
    """`/deployments/{id}`; the fragment is what changes by itself."""

    permission = Permission.VIEW
    template_name = "provisioning/deployment/detail.html"
    fragment_name = "provisioning/deployment/_live.html"

    def get(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        offered = actions(self.actor, deployment)
        values: dict[str, Any] = {
            "deployment": deployment,
            "is_busy": deployment.is_busy,
            "actions": offered,
            "cost": cost(deployment.price_hour, hours=None, currency="EUR"),
            "meters": meters(quota_verdicts(deployment.tenant_id, Amounts()), with_change=False),
            "entries": history(deployment.pk),
            "lease": lease_card(self.actor, deployment),
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
            **operation_card(actor=self.actor, target_id=deployment.pk),
        }
        values["is_busy"] = deployment.is_busy or bool(values.get("is_live"))
        if not request.htmx:  # type: ignore[attr-defined]
            values |= lease_forms()
            values["resize_form"] = ResizeForm(deployment=deployment)
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
            case "delete":
                return followed(_("It is being deleted."), *lifecycle.deployment_delete(**key))
            case wanted if wanted in LEASE_ACTIONS:
                return LEASE_ACTIONS[wanted](request, **key)
            case _:
                return self._with_form(request, kwargs["action"], key)

    def _with_form(self, request: HttpRequest, action: str, key: dict[str, Any]) -> str:
        if action == "resize":
            deployment = deployment_get(actor=self.actor, deployment_id=key["deployment_id"])
            figures = values_of(ResizeForm(request.POST, deployment=deployment))
            done = lifecycle.deployment_resize(
                actor=self.actor, deployment_id=deployment.pk, **figures
            )
            return followed(_("It is being resized."), *done)
        raise NotFound
