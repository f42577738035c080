"""The tab about a machine's health, and what can be decided there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.stored_text import translated
from provisioning.logic.probes import PATH_MOST, TIMEOUT_MOST_S, probe_of
from provisioning.logic.styles import HEAL_STYLES, VERDICT_STYLES
from provisioning.models import Deployment, HealAttempt, HealthObservation
from provisioning.selectors.health import HealthReport, heals_of, health_report, observations_of
from provisioning.services import lifecycle
from provisioning.states import HealAction
from provisioning.web.forms import values_of

_SPANS, _HEALS = 12, 8
_PART_LABELS: Final = {
    "power": gettext_lazy("Power state"),
    "agent": gettext_lazy("Guest agent"),
    "tcp": gettext_lazy("Connection"),
    "http": gettext_lazy("Web page"),
}
_PART_ICONS: Final = {"power": "power", "agent": "bot", "tcp": "plug", "http": "globe"}


class ProbeForm(forms.Form):
    """How a machine is asked whether its service works."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What is asked"),
        choices=[
            ("", gettext_lazy("What the template says")),
            ("none", gettext_lazy("Nothing")),
            ("http", gettext_lazy("A web page")),
            ("tcp", gettext_lazy("Whether a port is open")),
        ],
        required=False,
    )
    port = forms.IntegerField(
        label=gettext_lazy("Port"), min_value=1, max_value=65_535, required=False
    )
    path = forms.CharField(label=gettext_lazy("Path"), max_length=PATH_MOST, required=False)
    expected_status = forms.IntegerField(
        label=gettext_lazy("Expected status"),
        help_text=gettext_lazy("Leave empty to take any from 200 to 399."),
        min_value=100,
        max_value=599,
        required=False,
    )
    timeout_s = forms.IntegerField(
        label=gettext_lazy("Patience"), min_value=1, max_value=TIMEOUT_MOST_S, required=False
    )

    def probe(self) -> dict[str, Any] | None:
        """What was typed, as a row keeps it."""
        values = values_of(self)
        kind = values["kind"]
        if kind in {"", "none"}:
            return {} if kind else None
        names = ("port", "timeout_s") if kind == "tcp" else tuple(values)
        wanted = {name: values[name] for name in names if values[name] not in {None, ""}}
        return {**wanted, "kind": kind}


def probe_form(deployment: Deployment) -> ProbeForm:
    """The form with what is in force for this machine alone."""
    own = deployment.health_probe
    kind = "" if own is None else own.get("kind", "none")
    initial = {"path": "/", "timeout_s": 5, **(own or {}), "kind": kind}
    return ProbeForm(initial=initial, auto_id="probe_%s")


def health_tab(actor: Actor, deployment: Deployment) -> dict[str, Any]:
    """What the tab shows."""
    report = health_report(actor=actor, deployment=deployment, now=clock.now())
    spans = observations_of(actor=actor, deployment=deployment)[:_SPANS]
    heals = heals_of(actor=actor, deployment=deployment)[:_HEALS]
    return {
        "report": report,
        "parts": _parts(report),
        "doubt": _doubt(report),
        "probe": probe_of(report.probe),
        "spans": [_span(row) for row in spans],
        "heals": [_heal(row) for row in heals],
        "window_hours": report.rules.window // timedelta(hours=1),
    }


def _parts(report: HealthReport) -> list[dict[str, Any]]:
    """What the last look asked, as entries of a timeline."""
    return [_part(part) for part in (report.state.checks if report.state else [])]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    style = VERDICT_STYLES[part["verdict"]]
    took = "" if part["elapsed_ms"] is None else f" · {part['elapsed_ms']} ms"
    return {
        "icon": _PART_ICONS.get(part["kind"], "activity"),
        "tone": style.tone,
        "title": f"{_PART_LABELS.get(part['kind'], part['kind'])}: {style.label}",
        "text": f"{translated(part['text'])}{took}",
        "at": datetime.fromisoformat(part["at"]),
    }


def _doubt(report: HealthReport) -> str:
    """Why the last look could not be taken, where that is not what one of its parts says."""
    state = report.state
    if state is None or any(part["text"] == state.reason for part in state.checks):
        return ""
    return state.reason


def _span(row: HealthObservation) -> dict[str, Any]:
    style = VERDICT_STYLES[row.verdict]
    looks = ngettext("%(count)s look", "%(count)s looks", row.count) % {"count": row.count}
    return {
        "icon": style.icon,
        "tone": style.tone,
        "title": style.label,
        "text": f"{translated(row.reason)} · {looks}" if row.reason else looks,
        "at": row.created_at,
    }


def _heal(row: HealAttempt) -> dict[str, Any]:
    style = HEAL_STYLES[row.status]
    known = row.operation_id
    return {
        "icon": style.icon,
        "tone": style.tone,
        "title": f"{HealAction(row.action).label}: {style.label}",
        "text": translated(row.detail or row.reason),
        "at": row.created_at,
        "url": reverse("portal:operation_detail", args=[known]) if known else "",
    }


def _auto_heal(request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    is_on = request.POST.get("is_on") == "1"
    lifecycle.deployment_change(actor=actor, deployment_id=deployment_id, auto_heal=is_on)
    return _("It is healed by itself from now on.") if is_on else _("It is left as it is.")


def _probe(request: HttpRequest, *, actor: Actor, deployment_id: UUID | str) -> str:
    probe = ProbeForm(request.POST).probe()
    lifecycle.deployment_change(actor=actor, deployment_id=deployment_id, health_probe=probe)
    return _("It is asked so from now on.")


HEALTH_ACTIONS: dict[str, Callable[..., str]] = {"auto-heal": _auto_heal, "probe": _probe}
