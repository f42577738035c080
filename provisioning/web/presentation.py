"""What the pages of provisioning show of quotas, costs and actions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from billing.logic.pricing import HOURS_PER_MONTH, amount
from billing.logic.quota import Verdict
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.models import Operation
from portal.templatetags.ui import gib, mib
from provisioning.logic.consoles import console_end, obstacle_text
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import is_in_hands_of
from provisioning.states import DeploymentStatus

_S = DeploymentStatus
_NEARLY_FULL = 85
_ROUNDING = Decimal("0.000001")


def followed(text: str, deployment: Deployment, operation: Operation) -> SafeString:
    """What a toast says about work that has begun, with the way to follow it."""
    address = reverse("portal:operation_detail", args=[operation.pk])
    label = _("Follow %(name)s") % {"name": deployment.name}
    return format_html('{} <a class="link" href="{}">{}</a>', text, address, label)


def meters(verdicts: Iterable[Verdict], *, with_change: bool = True) -> list[dict[str, Any]]:
    """Quota as bars: used → after / limit."""
    labels = {
        "deployments": _("Machines"),
        "cpu_cores": _("vCPU"),
        "memory_mb": _("Memory"),
        "disk_gb": _("Disk"),
    }
    return [_meter(labels[v.dimension], v, with_change=with_change) for v in verdicts]


def changing_meters(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """The dimensions that change and have a limit, as bars."""
    return meters(one for one in verdicts if one.requested and one.limit is not None)


def _meter(label: str, verdict: Verdict, *, with_change: bool) -> dict[str, Any]:
    name, asked = verdict.dimension, verdict.requested if with_change else 0
    limit = "∞" if verdict.limit is None else amount_text(name, verdict.limit)
    used, after = amount_text(name, verdict.used), amount_text(name, verdict.after)
    told = [_bare(used, limit), _bare(after, limit)] if asked else [_bare(used, limit)]
    full = verdict.percent_after or 0
    tone = "danger" if not verdict.is_allowed else "warn" if full >= _NEARLY_FULL else ""
    return {
        "label": label,
        "text": f"{' → '.join(told)} / {limit}",
        "value": min(verdict.after, verdict.limit if verdict.limit is not None else verdict.after),
        "max": verdict.limit or max(verdict.after, 1),
        "tone": tone,
    }


def _bare(text: str, other: str) -> str:
    """The figure without its unit where the figure after it has the same."""
    figure, _mark, unit = text.rpartition(" ")
    return figure if figure == "0" or other.endswith(f" {unit}") else text


def amount_text(dimension: str, value: int) -> str:
    """An amount of one dimension with its unit."""
    if dimension == "memory_mb":
        return mib(value)
    return gib(value) if dimension == "disk_gb" else str(value)


def permitted(actor: Actor, deployment: Deployment) -> frozenset[str]:
    """What the role allows to do with a deployment, whatever its state."""
    if deployment.status == _S.DELETED or not is_in_hands_of(actor, deployment):
        return frozenset()
    found: set[str] = set()
    if actor.may(Permission.OPERATE):
        found |= {"start", "stop", "restart", "retry", "extend", "shorten", "resize"}
        found |= {"console", "auto-heal", "probe"}
    if actor.may(Permission.MANAGE):
        found |= {"hold", "release"}
    if actor.may(Permission.DELETE):
        found.add("delete")
    return frozenset(found)


def actions(actor: Actor, deployment: Deployment) -> dict[str, dict[str, str]]:
    """What the role allows and the state offers, each with the reason why it cannot be done now, if any."""
    may = permitted(actor, deployment)
    return {code: {"reason": why} for code, why in _offered(deployment).items() if code in may}


def _offered(deployment: Deployment) -> dict[str, str]:
    if deployment.status == _S.DELETING:
        return {"delete": _("It is being deleted.")}
    offered = {
        "release" if deployment.hold else "hold": "",
        "extend": "",
        "shorten": _("The lease has ended.") if _has_ended(deployment) else "",
        "delete": _("It is on hold: lift the hold first.") if deployment.hold else "",
    }
    if deployment.status == _S.ERROR and deployment.ready_at is None:
        return {"retry": "", **offered}
    busy = _("Wait until the current action has ended.") if deployment.is_busy else ""
    is_on = deployment.status == _S.RUNNING
    if not is_on and deployment.status != _S.PROVISIONING:
        offered["start"] = busy or _start_reason(deployment)
    if deployment.status != _S.STOPPED:
        offered["stop"] = busy
    offered["restart"] = busy or ("" if is_on else _("It is not running."))
    offered["resize"] = busy
    offered["console"] = obstacle_text(
        console_end(
            status=deployment.status,
            expires_at=deployment.expires_at,
            is_held=deployment.hold,
            now=clock.now(),
        )
    )
    return offered


def _has_ended(deployment: Deployment) -> bool:
    return deployment.expired_at is not None or deployment.expires_at <= clock.now()


def _start_reason(deployment: Deployment) -> str:
    if deployment.expires_at <= clock.now() and not deployment.hold:
        return _("The lease has ended: extend it first.")
    return ""


def own_meters(deployment: Deployment, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Quota with this machine: what it takes is shown as a change while it is being made."""
    if deployment.status != _S.PROVISIONING:
        return meters(verdicts, with_change=False)
    return meters(
        Verdict(v.dimension, v.limit, max(0, v.used - own), own)
        for v in verdicts
        for own in (deployment.amounts.of(v.dimension),)
    )


def costs(deployment: Deployment) -> dict[str, Any]:
    """What a machine costs: {per_hour, per_month, so_far, until_end, lines, is_agreed}, at its present price.

    The lines say what the price is made of; they are those of the template today, so they only add up
    while nobody changed its rates since the price was agreed on.
    """
    price, rates = deployment.price_hour, deployment.template.rates
    end = deployment.deleted_at or clock.now()
    left = max(timedelta(), deployment.expires_at - end) if not deployment.deleted_at else None
    memory_gb = Decimal(deployment.memory_mb) / 1024
    lines = [
        (_("Base"), "", rates.base),
        (_("vCPU"), str(deployment.cpu_cores), rates.cpu_core * deployment.cpu_cores),
        (_("Memory"), mib(deployment.memory_mb), rates.memory_gb * memory_gb),
        (_("Disk"), gib(deployment.disk_gb), rates.disk_gb * deployment.disk_gb),
    ]
    return {
        "per_hour": price,
        "per_day": amount(price, 24),
        "per_month": amount(price, HOURS_PER_MONTH),
        "so_far": amount(price, _hours(end - deployment.created_at)),
        "until_end": None if left is None else amount(price, _hours(left)),
        "lines": [
            {
                "label": label,
                "count": count,
                "per_hour": line,
                "per_month": amount(line, HOURS_PER_MONTH),
            }
            for label, count, line in lines
        ],
        "is_agreed": abs(sum(line for _label, _count, line in lines) - price) < _ROUNDING,
    }


def _hours(span: timedelta) -> Decimal:
    return Decimal(int(span.total_seconds())) / 3600
