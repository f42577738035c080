"""The lease on a deployment's page: its ends, who was warned, who asked for more, and the actions on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from billing.logic.pricing import amount
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.dates import date_and_time
from portal.kernel.stored_text import translated
from portal.services.settings import setting_get
from provisioning.errors import RequestClosed
from provisioning.logic.leases import end_moved, rule_broken
from provisioning.logic.styles import REQUEST_STYLES
from provisioning.models import Deployment, ExtensionRequest, LeaseWarning
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get
from provisioning.selectors.leases import extensions_about, lease_warnings
from provisioning.services import extensions, leases
from provisioning.states import RequestStatus
from provisioning.web.forms import DecisionForm, ExtendForm, HoldForm, ShortenForm, values_of

SHOWN = 5


def lease_card(actor: Actor, deployment: Deployment) -> dict[str, Any]:
    """Values of `provisioning/deployment/_lease.html`."""
    rows = extensions_about(actor=actor, deployment=deployment)
    waiting = rows.filter(status=RequestStatus.PENDING).first()
    is_own = waiting is not None and waiting.requester_id == actor.user_id
    deletes_at = deployment.delete_after or deployment.expires_at + _grace()
    return {
        "deletes_at": deletes_at,
        "percent": _passed(deployment, deletes_at),
        "waiting": waiting,
        "may_decide": waiting is not None and not is_own and actor.may(Permission.APPROVE),
        "may_withdraw": waiting is not None and (is_own or actor.may(Permission.MANAGE)),
    }


def lease_history(actor: Actor, deployment: Deployment) -> dict[str, Any]:
    """Who was warned and who asked for more: entries of timelines."""
    warnings = lease_warnings(actor=actor, deployment=deployment)[:SHOWN]
    requests = extensions_about(actor=actor, deployment=deployment)[:SHOWN]
    return {
        "warnings": [_warned(warning) for warning in warnings],
        "requests": [_asked(request) for request in requests],
    }


def extensions_offered(deployment: Deployment) -> list[dict[str, Any]]:
    """Extensions within the rules: {hours, label, until, price}."""
    rules, now = leases.extension_rules(), clock.now()
    found = []
    for hours, label in ((24, _("24 h")), (72, _("3 days")), (168, _("1 week"))):
        until = end_moved(deployment.expires_at, now, hours)
        breach = rule_broken(rules, created_at=deployment.created_at, new_end=until, hours=hours)
        if breach is None:
            price = amount(deployment.price_hour, hours)
            found.append({"hours": hours, "label": label, "until": until, "price": price})
    return found


def _grace() -> timedelta:
    return timedelta(hours=int(setting_get("cloudpods.lease.grace_hours")))


def _passed(deployment: Deployment, deletes_at: datetime) -> int:
    """How much of the span that runs now is over: the lease, or after its end the grace."""
    begin = deployment.lease_set_at or deployment.created_at
    end = deployment.expires_at
    if deployment.expired_at is not None:
        begin, end = deployment.expired_at, deletes_at
    now = deployment.held_at or clock.now()
    whole = max((end - begin).total_seconds(), 1)
    return max(0, min(100, round(100 * (now - begin).total_seconds() / whole)))


def _warned(warning: LeaseWarning) -> dict[str, Any]:
    """A warning as an entry of a timeline: which end, to whom, and whether it was delivered."""
    icon, tone, word = "mail", "warn", _("on its way")
    if warning.delivered_at:
        icon, tone, word = "mail-check", "ok", _("delivered")
    elif warning.failure:
        icon, tone, word = "mail-x", "danger", _("not delivered: %s") % translated(warning.failure)
    return {
        "icon": icon,
        "tone": tone,
        "title": f"{warning.get_kind_display()} · {warning.offset_hours} h",
        "text": word,
        "who": ", ".join(one["name"] for one in warning.recipients),
        "at": warning.delivered_at or warning.created_at,
    }


def _asked(request: ExtensionRequest) -> dict[str, Any]:
    """A request as an entry of a timeline: how much, by whom, and what became of it."""
    style = REQUEST_STYLES[request.status]
    decided = request.decided_by if request.decided_by_id != request.requester_id else None
    said = (request.reason, decided, request.decision_reason)
    return {
        "icon": style.icon,
        "tone": str(style.tone),
        "title": f"{request.hours} h · {style.label}",
        "text": " · ".join(str(part) for part in said if part),
        "who": str(request.requester),
        "at": request.decided_at or request.created_at,
    }


def lease_forms() -> dict[str, Any]:
    """The forms of the dialogs about the lease."""
    return {
        "extend_form": ExtendForm(step_hours=leases.extension_rules().step_hours),
        "shorten_form": ShortenForm(auto_id="shorten_%s"),
        "hold_form": HoldForm(auto_id="hold_%s"),
        "approve_form": DecisionForm(auto_id="approve_%s"),
        "deny_form": DecisionForm(auto_id="deny_%s"),
    }


def _extend(request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    wanted = values_of(ExtendForm(request.POST))
    hours, reason = wanted["hours"], wanted["reason"]
    deployment, asked = leases.deployment_extend(
        actor=actor, deployment_id=deployment_id, hours=hours, reason=reason
    )
    if asked is not None:
        return _("%(hours)s h are asked for. Somebody else decides.") % {"hours": asked.hours}
    return _ends(deployment)


def _shorten(request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    hours = values_of(ShortenForm(request.POST))["hours"]
    deployment, _asked = leases.deployment_extend(
        actor=actor, deployment_id=deployment_id, hours=-hours
    )
    return _ends(deployment)


def _ends(deployment: Deployment) -> str:
    end = date_and_time(deployment.expires_at)
    return _("The lease now ends on %(when)s.") % {"when": end}


def _hold(request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    reason = values_of(HoldForm(request.POST))["reason"]
    leases.deployment_hold(actor=actor, deployment_id=deployment_id, hold=True, reason=reason)
    return _("It is on hold.")


def _release(_request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    leases.deployment_hold(actor=actor, deployment_id=deployment_id, hold=False)
    return _("The hold is lifted.")


def _approve(request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    reason = values_of(DecisionForm(request.POST))["reason"]
    waiting = _waiting(actor, deployment_id)
    leases.extension_approve(actor=actor, request_id=waiting.pk, reason=reason)
    return _("The extension is approved.")


def _deny(request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    reason = values_of(DecisionForm(request.POST))["reason"]
    waiting = _waiting(actor, deployment_id)
    extensions.extension_deny(actor=actor, request_id=waiting.pk, reason=reason)
    return _("The extension is denied.")


def _withdraw(_request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    waiting = _waiting(actor, deployment_id)
    extensions.extension_withdraw(actor=actor, request_id=waiting.pk)
    return _("The request is withdrawn.")


def _waiting(actor: Actor, deployment_id: UUID | str) -> ExtensionRequest:
    deployment = deployment_get(actor=actor, deployment_id=deployment_id)
    rows = extensions_about(actor=actor, deployment=deployment)
    waiting = rows.filter(status=RequestStatus.PENDING).first()
    if waiting is None:
        raise RequestClosed(_("No request waits for a decision any more."))
    return waiting


LEASE_ACTIONS: dict[str, Callable[..., str]] = {
    "extend": _extend,
    "shorten": _shorten,
    "hold": _hold,
    "release": _release,
    "approve-extension": _approve,
    "deny-extension": _deny,
    "withdraw-extension": _withdraw,
}
