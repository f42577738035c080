"""A machine with other figures: what its dialog shows while one types, and the answer to its submit."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing.errors import QuotaExceeded
from billing.logic.pricing import cost
from billing.logic.quota import Verdict
from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.web.views import PortalView
from portal.templatetags.ui import money
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.services.lifecycle import deployment_resize
from provisioning.services.resize_plan import FIGURES, ResizePlan, deployment_resize_plan
from provisioning.states import DeploymentStatus
from provisioning.web.forms import ResizeForm, labelled, values_of
from provisioning.web.plans import quota_left, quota_words, verdict_shown
from provisioning.web.presentation import changing_meters, followed

_INFO: Final = ("info", "rotate-cw")
_MINUS: Final = "\N{MINUS SIGN}"


def resize_values(deployment: Deployment) -> dict[str, Any]:
    """Values of the dialog as it is opened: its form, and what a month costs now."""
    return {
        "resize_form": ResizeForm(deployment=deployment, auto_id="resize_%s"),
        "cost_now": cost(deployment.price_hour, hours=None, currency="EUR"),
    }


class DeploymentResizePlan(PortalView):
    """`/deployments/{id}/resize/plan`: the plan of the figures being typed."""

    permission = Permission.OPERATE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        form = ResizeForm(request.POST, deployment=deployment)
        form.is_valid()
        plan = deployment_resize_plan(
            actor=self.actor, deployment_id=deployment_id, **form.cleaned_data
        )
        values = {
            "deployment_id": deployment_id,
            "plan": plan,
            "cost": plan.cost,
            "change": _change(plan),
            "meters": changing_meters(plan.quota),
            "verdicts": _verdicts(plan, sees_places=self.actor.may(Permission.INFRASTRUCTURE_VIEW)),
            "is_allowed": plan.is_allowed and not form.errors,
            "marks": _marks(form, plan),
        }
        response = render(request, "provisioning/deployment/_resize_plan.html", values)
        response["Cache-Control"] = "no-store"
        return response


def resize_answer(request: HttpRequest, **key: Any) -> str:
    """Does it; refused in the words of the plan, at the fields as people see them."""
    form = ResizeForm(request.POST, deployment=deployment_get(**key))
    try:
        done = deployment_resize(**key, **values_of(form))
    except QuotaExceeded as error:
        refused = [Verdict(**verdict) for verdict in error.data["verdicts"]]
        faults = [Fault(one.dimension, "quota", quota_words(one)) for one in refused]
        raise InvalidInput(faults=labelled(form, faults)) from error
    except InvalidInput as error:
        raise InvalidInput(faults=labelled(form, error.faults)) from error
    return followed(_("It is being resized."), *done)


def _marks(form: ResizeForm, plan: ResizePlan) -> dict[str, str]:
    """What stands beside each field: why it cannot be read, its limits, what the quota has left."""
    found = dict.fromkeys(FIGURES, "")
    found |= {v.dimension: quota_left(v) for v in plan.quota if not v.is_allowed}
    found |= {fault.field: fault.message for fault in plan.faults if fault.field}
    return found | {name: str(errors[0]) for name, errors in form.errors.items()}


def _verdicts(plan: ResizePlan, *, sees_places: bool) -> list[dict[str, Any]]:
    """What was asked and what was answered: {label, text, tone, icon}."""
    rules = [plan.obstacle, *(fault.message for fault in plan.faults if fault.field is None)]
    refused = [quota_words(verdict) for verdict in plan.quota if not verdict.is_allowed]
    place = [plan.lacking, _way(plan, sees_places=sees_places)] if plan.lacking else []
    found = [
        verdict_shown(_("Quota"), refused, _("Enough is left.")),
        verdict_shown(_("Place"), place, _("There is room where the machine is.")),
    ]
    if any(rules):
        found.insert(0, verdict_shown(_("Rules"), filter(None, rules), ""))
    tone, icon = _INFO if plan.waits_for_start else ("ok", "circle-check")
    label = pgettext("what follows from a resize", "Restart")
    restart = {"label": label, "text": _restart(plan), "tone": tone, "icon": icon}
    return [*found, restart]


def _way(plan: ResizePlan, *, sees_places: bool) -> str:
    """Whether moving the machine would make room."""
    if not plan.others:
        return _("No other node of its cluster could take it either.")
    if sees_places:
        nodes = ", ".join(plan.others)
        return _("Moved to another node it would fit: %(nodes)s.") % {"nodes": nodes}
    return _("It would fit on another node: an operator can move it there.")


def _restart(plan: ResizePlan) -> str:
    if not plan.waits_for_start:
        return _("None is needed.")
    if plan.deployment.status == DeploymentStatus.STOPPED:
        return _("It has the new figures when it is started.")
    return _("It has the new vCPU and memory once somebody restarts it.")


def _change(plan: ResizePlan) -> dict[str, str]:
    """By how much a month changes, with its sign, and what it costs now: {text, before}."""
    change = plan.month_change
    text = f"{'+' if change > 0 else _MINUS}{money(abs(change))}" if change else ""
    return {"text": text, "before": money(plan.month_before)}
