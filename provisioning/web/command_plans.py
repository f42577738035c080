"""What would follow from a line about machines: figures, price, quota, verdicts, and the form that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.logic.pricing import amount
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.commands import Asking, Availability, Fact, Offer, Plan, Planner, Row
from portal.kernel.dates import date_and_time
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.ui import Text
from portal.permissions import Permission as PortalPermission
from portal.templatetags.ui import gib, mib, money
from provisioning.logic.leases import end_moved, rule_broken
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import (
    deployment_get,
    deployment_list,
    is_in_hands_of,
    name_suggestion,
)
from provisioning.services.leases import extension_rules
from provisioning.services.plan import deployment_plan
from provisioning.services.resize_plan import FIGURES, deployment_resize_plan
from provisioning.states import DeploymentStatus
from provisioning.web.presentation import actions, changing_meters
from provisioning.web.search import keys


def offer_of(action: str) -> Offer:
    """Which machines the actor may do it to, and why not now."""

    def offer(asking: Asking, ids: Sequence[str]) -> Mapping[str, Availability]:
        machines = machines_of(asking, ids)
        return {str(one.pk): _available(asking.actor, one, action) for one in machines}

    return offer


def machines_of(asking: Asking, ids: Sequence[str]) -> list[Deployment]:
    """The machines of a list, asked for once for all commands."""
    return asking.once(
        ("machines", tuple(ids)),
        lambda: list(deployment_list(actor=asking.actor).filter(pk__in=keys(ids))),
    )


def _available(actor: Actor, machine: Deployment, action: str) -> Availability:
    if not is_in_hands_of(actor, machine):
        reason = _("It belongs to %(owner)s.") % {"owner": machine.owner}
        return Availability(reason, Permission.MANAGE, is_listed=False)
    offered = actions(actor, machine).get(action)
    if offered is None:
        state = DeploymentStatus(machine.status).label.lower()
        reason = _("Its state does not allow it: %(state)s.") % {"state": state}
        return Availability(reason, is_listed=False)
    helper = Permission.MANAGE if machine.hold else ""
    return Availability(offered["reason"], helper if offered["reason"] else "")


def machine_of(asking: Asking, values: Mapping[str, Any]) -> Deployment:
    """The machine that a line is about."""
    row: Row = values["machine"]
    return asking.once(
        ("machine", row.id), lambda: deployment_get(actor=asking.actor, deployment_id=row.id)
    )


def _address(machine: Deployment, action: str) -> str:
    return reverse("provisioning:deployment_action", args=[machine.pk, action])


def _when(value: Any) -> str:
    return date_and_time(value)


def hours_text(hours: int) -> str:
    """A span of whole hours as people say it: "36 h", "3 days"."""
    if hours % 24 or abs(hours) < 48:
        return _("%(hours)s h") % {"hours": hours}
    return ngettext("%(days)s day", "%(days)s days", hours // 24) % {"days": hours // 24}


def power_plan(
    action: str,
    *,
    title: Text,
    text: Text,
    confirm: Text,
    fields: Mapping[str, str],
    is_dangerous: bool,
    is_final: bool,
) -> Planner:
    """Plans of an action without figures; `title` names the machine, what is final wants its name typed."""

    def plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
        machine = machine_of(asking, values)
        reason = {"reason": str(values["reason"])} if values.get("reason") else {}
        return Plan(
            title=str(title) % {"name": machine.name},
            text=str(text),
            confirm=str(confirm),
            action=_address(machine, action),
            fields={**fields, **reason},
            is_dangerous=is_dangerous or is_final,
            word=machine.name if is_final else "",
        )

    return plan


def extend_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """More time: the new end, what it costs, and whether somebody has to decide."""
    return _moved(asking, values, int(values["hours"]))


def shorten_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """Less time."""
    return _moved(asking, values, -abs(int(values["hours"])))


def _moved(asking: Asking, values: Mapping[str, Any], hours: int) -> Plan:
    machine = machine_of(asking, values)
    told = str(values.get("reason", ""))
    end = end_moved(machine.expires_at, clock.now(), hours)
    named = {"name": machine.name, "span": hours_text(abs(hours))}
    is_longer = hours > 0
    pattern = _("Extend %(name)s by %(span)s") if is_longer else _("Shorten %(name)s by %(span)s")
    price = amount(machine.price_hour, abs(hours))
    extra = _("+ %(money)s") if is_longer else _("- %(money)s")
    facts = (
        Fact(_("Lease ends"), _when(end), before=_when(machine.expires_at)),
        Fact(_("Cost"), extra % {"money": money(price)}, tone="warn" if is_longer else "ok"),
    )
    base: dict[str, Any] = {
        "title": pattern % named,
        "confirm": _("Extend") if is_longer else _("Shorten"),
        "facts": facts,
    }
    if hours == 0:
        return Plan(**base, reason=_("Give hours above zero."))
    fields = {"hours": str(hours), "reason": told}
    action = _address(machine, "extend")
    rules = extension_rules()
    breach = rule_broken(rules, created_at=machine.created_at, new_end=end, hours=hours)
    if breach is None:
        return Plan(**base, action=action, fields=fields, text=_("Within the rules."))
    beyond = _("%(asked)s h are beyond the %(limit)s h that the rules give.") % {
        "asked": breach.asked_hours,
        "limit": breach.limit_hours,
    }
    if not told:
        way = _("Add “because …”: then somebody decides on it.")
        return Plan(**base, reason=f"{beyond} {way}", permission=Permission.APPROVE)
    base["confirm"] = _("Ask for it")
    text = f"{beyond} {_('It becomes a request that somebody else decides on.')}"
    return Plan(**base, action=action, fields=fields, text=text)


def resize_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """Other figures: before and after, price and quota; the very plan of the machine's dialog."""
    machine = machine_of(asking, values)
    typed = {name: int(values[name]) for name in FIGURES if name in values}
    found = deployment_resize_plan(actor=asking.actor, deployment_id=machine.pk, **typed)
    was = {name: int(getattr(machine, name)) for name in FIGURES}
    wanted = {name: found.amounts.of(name) for name in FIGURES}
    base: dict[str, Any] = {
        "title": _("Resize %(name)s") % {"name": machine.name},
        "confirm": _("Resize"),
        "text": _("vCPU and memory change with the next start; a disk only grows."),
        "facts": (
            *_figure_facts(was, wanted),
            _month_fact(found.month_before, found.cost.per_month),
        ),
        "meters": changing_meters(found.quota),
    }
    if not typed:
        return Plan(**base, reason=_("Say what: “4 cpu”, “8 gb”, “disk 40 gb”."))
    if found.faults:
        return Plan(**base, reason=found.faults[0].message)
    if not all(verdict.is_allowed for verdict in found.quota):
        return Plan(**base, **_quota_reason())
    if reason := found.obstacle or found.lacking:
        return Plan(**base, reason=reason)
    fields = {name: str(value) for name, value in wanted.items()}
    return Plan(**base, action=_address(machine, "resize"), fields=fields)


def _quota_reason() -> dict[str, Any]:
    return {
        "reason": _("The quota of your organisation is too small for this."),
        "permission": PortalPermission.MEMBERS_MANAGE,
    }


def _figure_facts(was: Mapping[str, int], wanted: Mapping[str, int]) -> tuple[Fact, ...]:
    shown: dict[str, tuple[str, Callable[[int], str]]] = {
        "cpu_cores": (_("vCPU"), str),
        "memory_mb": (_("Memory"), mib),
        "disk_gb": (_("Disk"), gib),
    }
    return tuple(
        Fact(label, text(wanted[name]), before=text(was[name]))
        for name, (label, text) in shown.items()
        if was[name] != wanted[name]
    )


def _month_fact(old: Decimal, new: Decimal) -> Fact:
    return Fact(_("Per month"), money(new), before=money(old), tone="warn" if new > old else "ok")


def create_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """A new machine: the very plan that decides its creation."""
    row: Row = values["template"]
    request = DeploymentRequest(
        template=row.id,
        name=str(values.get("name") or name_suggestion(row.id)),
        ttl_hours=values.get("ttl_hours"),
        cpu_cores=values.get("cpu_cores"),
        memory_mb=values.get("memory_mb"),
        disk_gb=values.get("disk_gb"),
    )
    tenant_id = current_tenant_id()
    assert tenant_id is not None  # objects are found in an organisation only
    plan = deployment_plan(actor=asking.actor, tenant_id=tenant_id, request=request)
    figures = plan.amounts
    size = f"{figures.cpu_cores} vCPU · {mib(figures.memory_mb)} · {gib(figures.disk_gb)}"
    base: dict[str, Any] = {
        "title": _("Create %(name)s from %(template)s")
        % {"name": plan.name, "template": plan.template.name},
        "confirm": _("Create"),
        "facts": (
            Fact(_("Figures"), size),
            Fact(_("Lease ends"), _when(plan.expires_at)),
            Fact(_("Cost until then"), money(plan.cost.total)),
        ),
        "meters": changing_meters(plan.quota),
    }
    if plan.faults:
        return Plan(**base, reason=" ".join(fault.message for fault in plan.faults))
    if not all(verdict.is_allowed for verdict in plan.quota):
        return Plan(**base, **_quota_reason())
    if plan.placement is not None and not plan.placement.fits:
        return Plan(**base, reason=plan.placement.reason, permission=Permission.INFRASTRUCTURE_VIEW)
    fields = {
        "template": row.id,
        "name": plan.name,
        "ttl_hours": str(plan.ttl_hours),
        **{name: str(figures.of(name)) for name in FIGURES},
    }
    return Plan(**base, action=reverse("provisioning:deployment_quick"), fields=fields)
