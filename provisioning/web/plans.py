"""What the steps of a creation show of a plan: verdicts in words, sizes to choose from, the stepper."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from billing.logic.pricing import HOURS_PER_MONTH, amount, hourly_price
from billing.logic.quota import Verdict
from portal.kernel.errors import Fault
from portal.templatetags.ui import gib, mib
from provisioning.models import Template
from provisioning.services.plan import DeploymentPlan
from provisioning.web.drafts import Draft, Step
from provisioning.web.forms import DeploymentForm
from provisioning.web.presentation import amount_text

_FIGURES = ("cpu_cores", "memory_mb", "disk_gb")
_LARGER = 4


def quota_words(verdict: Verdict) -> str:
    """Why a dimension refuses: what is asked for, what is left of which limit, and who can help."""
    labels = {
        "deployments": _("machines"),
        "cpu_cores": _("vCPU"),
        "memory_mb": _("memory"),
        "disk_gb": _("disk"),
    }
    limit = verdict.limit or 0
    values = {
        "label": labels[verdict.dimension],
        "asked": amount_text(verdict.dimension, verdict.requested),
        "left": amount_text(verdict.dimension, max(0, limit - verdict.used)),
        "limit": amount_text(verdict.dimension, limit),
    }
    text = _(
        "Of %(label)s, %(asked)s are asked for and %(left)s of %(limit)s are left. "
        "Ask for less, delete what is not needed, or have a platform administrator raise the limit."
    )
    return text % values


def quota_left(verdict: Verdict) -> str:
    """The same beside a field: what is left."""
    limit = verdict.limit or 0
    return _("Over the quota: %(left)s of %(limit)s are left.") % {
        "left": amount_text(verdict.dimension, max(0, limit - verdict.used)),
        "limit": amount_text(verdict.dimension, limit),
    }


def quota_faults(plan: DeploymentPlan) -> list[Fault]:
    """What the quota and the clusters refuse, each at the field that can change it."""
    told = {fault.field for fault in plan.faults}
    faults = [
        Fault(v.dimension if v.dimension in _FIGURES else None, "quota", quota_words(v))
        for v in plan.quota
        if not v.is_allowed and v.dimension not in told
    ]
    if plan.placement is not None and not plan.placement.fits:
        faults.append(Fault(None, "no_capacity", plan.placement.reason))
    return faults


def verdicts_of(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """What was asked and what was answered: {label, text, tone, icon}."""
    rules = [fault.message for fault in plan.faults]
    refused = [quota_words(v) for v in plan.quota if not v.is_allowed]
    agreed = " ".join(policy.message for policy in plan.policies if policy.level == "ok")
    found = [
        verdict_shown(_("Rules"), rules, agreed),
        verdict_shown(_("Quota"), refused, _("Enough is left.")),
    ]
    if plan.placement is not None:
        reason = plan.placement.reason
        found.append(verdict_shown(_("Place"), [] if plan.placement.fits else [reason], reason))
    return found


def verdict_shown(label: str, refused: Iterable[str], agreed: str) -> dict[str, Any]:
    """One of them: what forbids it, else what was agreed."""
    said = " ".join(refused)
    tone, icon = ("danger", "circle-x") if said else ("ok", "circle-check")
    return {"label": label, "text": said or agreed, "tone": tone, "icon": icon}


def sizes(template: Template) -> list[dict[str, Any]]:
    """Three sizes within the template's limits: half the defaults, the defaults, four times the defaults."""
    factors = (
        ("S", Decimal("0.5")),
        ("M", Decimal(1)),
        ("L", Decimal(_LARGER)),
    )
    found: list[dict[str, Any]] = []
    for label, factor in factors:
        figures = {name: _scaled(template, name, factor) for name in _FIGURES}
        if any(one["figures"] == figures for one in found):
            continue
        price = hourly_price(template.rates, **figures)
        words = (f"{figures['cpu_cores']} vCPU", mib(figures["memory_mb"]), gib(figures["disk_gb"]))
        found.append(
            {
                "label": label,
                "figures": figures,
                "text": " · ".join(words),
                "fill": ",".join(f"{name}={value}" for name, value in figures.items()),
                "per_month": amount(price, HOURS_PER_MONTH),
            }
        )
    return found


def spans(longest: int) -> list[tuple[int, str]]:
    """(hours, words) of the lifetimes that can be had with one click."""
    found = ((24, _("1 day")), (72, _("3 days")), (168, _("1 week")), (720, _("30 days")))
    return [(hours, words) for hours, words in found if hours <= longest]


def options(form: DeploymentForm) -> list[dict[str, str]]:
    """The template's options as they were answered: {label, text}."""
    words = {True: _("yes"), False: _("no")}
    return [
        {"label": str(field.label), "text": words[value] if isinstance(value, bool) else value}
        for field in form.parameter_fields
        if (value := form.cleaned_data.get(field.name)) not in (None, "")
    ]


def _scaled(template: Template, name: str, factor: Decimal) -> int:
    low, default, high = template.limits(name)
    return min(high, max(low, int(default * factor)))


def stepper(
    here: Step, draft: Draft, template: Template | None, plan: DeploymentPlan | None
) -> list[dict[str, Any]]:
    """The steps with what was answered; those that can be gone to are open."""
    labels = {
        Step.TEMPLATE: _("Template"),
        Step.RESOURCES: _("Resources"),
        Step.NETWORK: _("Network and lease"),
        Step.REVIEW: _("Review"),
    }
    order = list(Step)
    found = []
    for step in Step:
        is_done = draft.has(step) and template is not None and step is not here
        is_open = is_done or order.index(step) < order.index(here)
        found.append(
            {
                "label": labels[step],
                "detail": _answered(step, template, plan) if is_done else "",
                "step": step.value,
                "is_open": is_open,
                "state": "current" if step is here else "done" if is_done else "todo",
            }
        )
    return found


def _answered(step: Step, template: Template | None, plan: DeploymentPlan | None) -> str:
    if step is Step.TEMPLATE:
        return template.name if template else ""
    if plan is None:
        return ""
    if step is Step.RESOURCES:
        amounts = plan.amounts
        words = (f"{amounts.cpu_cores} vCPU", mib(amounts.memory_mb), gib(amounts.disk_gb))
        return " · ".join(words)
    return plan.name


def step_url(step: Step, draft: Draft) -> str:
    """The address of a step that carries the draft."""
    if step is Step.TEMPLATE:
        address = reverse("provisioning:deployment_new")
    else:
        address = reverse("provisioning:deployment_new_step", args=[step])
    return f"{address}?{draft.query()}"
