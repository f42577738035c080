"""Pages of deployments: detail, creation with its live plan, actions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.logic.pricing import cost
from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_verdicts
from portal.kernel.errors import Conflict, InvalidInput, NotFound, ServiceUnavailable
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import UNPROCESSABLE, ActionView, PortalView
from portal.services.settings import setting_get
from portal.web.operations import operation_card
from provisioning.models import Template
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get, name_suggestion
from provisioning.selectors.templates import template_get, template_list
from provisioning.services import creation, lifecycle
from provisioning.services.plan import DeploymentPlan, deployment_plan
from provisioning.web.forms import DeploymentForm, ResizeForm, values_of
from provisioning.web.leases import LEASE_ACTIONS, lease_card, lease_forms
from provisioning.web.presentation import actions, followed, history, meters, offer


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
            "entries": history(deployment),
            "lease": lease_card(self.actor, deployment),
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
            **operation_card(actor=self.actor, target_id=deployment.pk),
        }
        values["is_busy"] = deployment.is_busy or bool(values.get("is_live"))
        if not request.htmx:  # type: ignore[attr-defined]
            values |= lease_forms()
            values["resize_form"] = ResizeForm(deployment=deployment)
        return self.page(values)


class _CreationView(PortalView):
    permission = Permission.CREATE

    def form_of(self, request: HttpRequest, code: str | None) -> DeploymentForm:
        """The form for a template. Raises NotFound."""
        template = template_get(actor=self.actor, code=code or "")
        data = request.POST if request.method == "POST" else None
        ttl = int(setting_get("cloudpods.lease.default_hours"))
        name = name_suggestion(template.code)
        return DeploymentForm(data, template=template, ttl_default=ttl, initial={"name": name})

    def plan_of(self, form: DeploymentForm) -> DeploymentPlan | None:
        """The plan of what is typed so far, None while figures cannot be read."""
        tenant_id = current_tenant_id()
        if tenant_id is None:
            return None
        if form.is_bound:
            form.is_valid()
        else:
            form.cleaned_data = {
                name: form.get_initial_for_field(field, name) for name, field in form.fields.items()
            }
        try:
            return deployment_plan(actor=self.actor, tenant_id=tenant_id, request=form.request())
        except InvalidInput:
            return None


class DeploymentNew(_CreationView):
    """`/deployments/new`: choose a template, then the figures with the plan beside them."""

    template_name = "provisioning/deployment/new.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        code = request.GET.get("template")
        if not code:
            offers = [offer(template) for template in template_list(actor=self.actor)]
            return self.page({"template": None, "templates": offers})
        try:
            form = self.form_of(request, code)
        except NotFound:
            messages.error(request, _("This template is no longer offered."))
            return HttpResponseRedirect(reverse("provisioning:deployment_new"))
        return self._show(form, self.plan_of(form))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_of(request, request.POST.get("template"))
        plan = self.plan_of(form)
        tenant_id, user_id = current_tenant_id(), self.actor.user_id
        if not form.is_valid() or tenant_id is None or user_id is None:
            return self._show(form, plan, status=UNPROCESSABLE)
        try:
            deployment, _operation = creation.deployment_create(
                actor=self.actor, tenant_id=tenant_id, owner_id=user_id, request=form.request()
            )
        except InvalidInput as error:
            form.show(error.faults)
        except (Conflict, ServiceUnavailable) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("%(name)s is being created.") % {"name": deployment.name})
            target = reverse("provisioning:deployment_detail", args=[deployment.pk])
            return HttpResponseRedirect(target, status=303)
        return self._show(form, self.plan_of(form), status=UNPROCESSABLE)

    def _show(
        self, form: DeploymentForm, plan: DeploymentPlan | None, *, status: int = 200
    ) -> HttpResponse:
        values = {
            "template": form.blueprint,
            "form": form,
            "parameter_fields": form.parameter_fields,
            "plan": plan,
            "meters": meters(plan.quota) if plan else [],
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
        }
        return self.page(values, status=status)


class DeploymentPlanView(_CreationView):
    """`/deployments/plan`: the plan of the form as it is being filled in."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_of(request, request.POST.get("template"))
        plan = self.plan_of(form)
        values = {
            "plan": plan,
            "meters": meters(plan.quota) if plan else [],
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
        }
        response = render(request, "provisioning/deployment/_plan.html", values)
        response["Cache-Control"] = "no-store"
        return response


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


class TemplateList(PortalView):
    """`/templates`."""

    permission = Permission.TEMPLATES_VIEW
    template_name = "provisioning/template/list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows: QuerySet[Template] = template_list(actor=self.actor)
        return self.page(
            {
                "templates": [offer(template) for template in rows],
                "may_create": self.actor.may(Permission.CREATE),
            }
        )
