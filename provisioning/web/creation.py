"""Pages that make a deployment: four steps, each with an address of its own, and the plan beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.errors import QuotaExceeded
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, InvalidInput, NotFound, ServiceUnavailable
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import UNPROCESSABLE, PortalView
from portal.services.settings import setting_get
from provisioning.models import Template
from provisioning.permissions import Permission
from provisioning.selectors.deployments import name_suggestion
from provisioning.selectors.templates import template_get
from provisioning.services.creation import deployment_create_once
from provisioning.services.plan import DeploymentPlan, deployment_plan
from provisioning.web.application import installs
from provisioning.web.catalogue import offers_of
from provisioning.web.drafts import FIELDS, PARAMETER_PREFIX, Draft, Step
from provisioning.web.forms import DeploymentForm
from provisioning.web.plans import (
    options,
    quota_faults,
    sizes,
    spans,
    step_url,
    stepper,
    verdicts_of,
)
from provisioning.web.presentation import meters


@dataclass
class Wish:
    """A draft, read: the form it fills and the plan that follows. Raises NotFound for its template."""

    actor: Actor
    draft: Draft

    @cached_property
    def template(self) -> Template:
        return template_get(actor=self.actor, code=self.draft.template)

    @cached_property
    def blank(self) -> DeploymentForm:
        """The form with its defaults."""
        ttl = int(setting_get("cloudpods.lease.default_hours"))
        is_named = self.draft.has(Step.NETWORK)
        name = "" if is_named else name_suggestion(self.template.code)
        return DeploymentForm(template=self.template, ttl_default=ttl, initial={"name": name})

    @cached_property
    def typed(self) -> dict[str, str]:
        """Every field's value as text."""
        return self.blank.typed(self.draft)

    @cached_property
    def form(self) -> DeploymentForm:
        """The form as it was sent, checked by itself."""
        form = DeploymentForm(self.typed, template=self.template, ttl_default=0)
        form.is_valid()
        return form

    @property
    def quiet_form(self) -> DeploymentForm:
        """The form as it is shown before anybody sent it: filled, without faults."""
        return DeploymentForm(template=self.template, ttl_default=0, initial=self.typed)

    @cached_property
    def plan(self) -> DeploymentPlan | None:
        """What would follow, None outside an organisation or for a template that has just gone."""
        tenant_id = current_tenant_id()
        if tenant_id is None:
            return None
        try:
            return deployment_plan(
                actor=self.actor, tenant_id=tenant_id, request=self.form.request()
            )
        except InvalidInput:
            return None

    def check(self, step: Step) -> bool:
        """Whether a step may be left forwards; its faults are put beside its fields."""
        names = {field.name for field in self.form.fields_of(step)}
        if self.plan is not None:
            faults = list(self.plan.faults)
            if step is Step.RESOURCES:
                faults += quota_faults(self.plan)
            shown = [one for one in faults if _field(one.field) in names or one.field is None]
            self.form.show(shown)
        return not names & set(self.form.errors) and not self.form.non_field_errors()


def _field(name: str | None) -> str:
    return (name or "").replace("parameters.", PARAMETER_PREFIX)


class _CreationView(PortalView):
    permission = Permission.CREATE

    def plan_values(self, wish: Wish | None) -> dict[str, Any]:
        """Values of `provisioning/deployment/_plan.html`."""
        plan = wish.plan if wish else None
        return {
            "plan": plan,
            "installs": installs(plan.template, plan.parameters) if plan else [],
            "is_named": wish is not None and wish.draft.has(Step.NETWORK),
            "meters": meters(plan.quota) if plan else [],
            "verdicts": verdicts_of(plan) if plan else [],
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
        }


class DeploymentNew(_CreationView):
    """`/deployments/new`, `/deployments/new/{step}`."""

    template_name = "provisioning/deployment/new.html"

    def get(self, request: HttpRequest, step: str = Step.TEMPLATE) -> HttpResponse:
        here, draft = _step(step), Draft.read(request.GET)
        if here is Step.TEMPLATE:
            return self._choose(draft)
        wish = Wish(self.actor, draft.keyed())
        try:
            return self._show(here, wish, wish.quiet_form)
        except NotFound:
            return self._gone()

    def post(self, request: HttpRequest, step: str = Step.TEMPLATE) -> HttpResponse:
        here, draft = _step(step), Draft.read(request.POST).keyed()
        go = request.POST.get("go", "")
        if here is Step.TEMPLATE:
            return self._chosen(draft)
        if "fill" in request.POST:
            return _to(here, draft.changed(_filled(request.POST["fill"])))
        wish = Wish(self.actor, draft)
        try:
            form = wish.form
            target = Step(go) if go in set(Step) else here.after
            if list(Step).index(target) < list(Step).index(here):
                return _to(target, draft)
            if here is Step.REVIEW:
                return self._create(wish)
            if not wish.check(here):
                return self._show(here, wish, form, status=UNPROCESSABLE)
        except NotFound:
            return self._gone()
        return _to(target, draft)

    def _create(self, wish: Wish) -> HttpResponse:
        form, tenant_id, user_id = wish.form, current_tenant_id(), self.actor.user_id
        if form.is_valid() and tenant_id is not None and user_id is not None:
            try:
                made = self._made(wish, tenant_id, user_id)
            except InvalidInput as error:
                form.show(error.faults)
            except QuotaExceeded:
                wish.check(Step.RESOURCES)
            except (Conflict, ServiceUnavailable) as error:
                form.add_error(None, error.message)
            else:
                target = reverse("provisioning:deployment_detail", args=[made])
                return HttpResponseRedirect(target, status=303)
        here = form.faulty_step() or Step.REVIEW
        return self._show(here, wish, form, status=UNPROCESSABLE)

    def _made(self, wish: Wish, tenant_id: UUID, user_id: UUID) -> UUID:
        made = deployment_create_once(
            actor=self.actor,
            tenant_id=tenant_id,
            owner_id=user_id,
            request=wish.form.request(),
            key=wish.draft.key,
        )
        name = wish.form.cleaned_data["name"]
        messages.success(self.request, _("%(name)s is being created.") % {"name": name})
        return made

    def _choose(self, draft: Draft, *, fault: str = "") -> HttpResponse:
        offers = offers_of(self.actor)
        chosen = next((one for one in offers if one.template.code == draft.template), None)
        wish = Wish(self.actor, draft) if chosen else None
        values = {
            "step": Step.TEMPLATE,
            "steps": stepper(Step.TEMPLATE, draft, chosen.template if chosen else None, None),
            "offers": offers,
            "chosen": draft.template,
            "carried": draft.carried(Step.TEMPLATE),
            "fault": fault,
            **self.plan_values(wish),
        }
        return self._kept(self.page(values, status=UNPROCESSABLE if fault else 200))

    def _chosen(self, draft: Draft) -> HttpResponse:
        try:
            wish = Wish(self.actor, draft)
            template = wish.template
        except NotFound:
            return self._choose(draft, fault=_("Choose one of these templates."))
        # Figures that the template does not allow, and options it does not have, are not carried on.
        unfit = {
            name
            for name in FIELDS[Step.RESOURCES]
            if (text := draft.values.get(name, "")) and not _fits(template, name, text)
        }
        if unfit:
            draft = draft.without(FIELDS[Step.RESOURCES])
        return _to(Step.RESOURCES, draft)

    def _show(
        self, step: Step, wish: Wish, form: DeploymentForm, *, status: int = 200
    ) -> HttpResponse:
        fields = form.fields_of(step)
        _focus(form, [field.name for field in fields])
        values = {
            "step": step,
            "steps": stepper(step, wish.draft, wish.template, wish.plan),
            "template": wish.template,
            "form": form,
            "fields": {field.name: field for field in fields},
            "parameter_fields": form.parameter_fields,
            "carried": wish.draft.carried(step),
            "query": wish.draft.query(),
            "before": step.before,
            "sizes": sizes(wish.template) if step is Step.RESOURCES else [],
            "spans": spans(int(setting_get("cloudpods.lease.max_hours"))),
            "options": options(wish.form) if step is Step.REVIEW else [],
            **self.plan_values(wish),
        }
        return self._kept(self.page(values, status=status))

    def _gone(self) -> HttpResponse:
        messages.error(self.request, _("This template is no longer offered."))
        return HttpResponseRedirect(reverse("provisioning:deployment_new"), status=303)

    @staticmethod
    def _kept(response: HttpResponse) -> HttpResponse:
        """A step may be kept by the browser: Back then shows what was typed, also without scripts."""
        response["Cache-Control"] = "private, no-cache"
        return response


class DeploymentPlanView(_CreationView):
    """`/deployments/plan`: the plan of the form as it is being filled in."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        wish = Wish(self.actor, Draft.read(request.POST))
        values = {"template": wish.template, **self.plan_values(wish)}
        response = render(request, "provisioning/deployment/_plan.html", values)
        response["Cache-Control"] = "no-store"
        return response


def _step(name: str) -> Step:
    try:
        return Step(name)
    except ValueError:
        raise NotFound from None


def _to(step: Step, draft: Draft) -> HttpResponse:
    return HttpResponseRedirect(step_url(step, draft), status=303)


def _filled(pairs: str) -> dict[str, str]:
    """`cpu_cores=2,memory_mb=2048` of a button that fills in several fields."""
    known = {*FIELDS[Step.RESOURCES], "ttl_hours"}
    found = (pair.partition("=") for pair in pairs.split(","))
    return {name: value for name, _mark, value in found if name in known}


def _fits(template: Template, name: str, text: str) -> bool:
    low, _default, high = template.limits(name)
    return text.isdecimal() and len(text) < 10 and low <= int(text) <= high


def _focus(form: DeploymentForm, names: list[str]) -> None:
    """The first field at fault takes the focus, else the first field of the step."""
    first = next((name for name in names if name in form.errors), names[0] if names else None)
    if first is not None:
        form.fields[first].widget.attrs["autofocus"] = True
