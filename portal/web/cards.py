"""The cards of the first page that belong to the platform: what needs somebody, what runs, what was begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from audit.permissions import Permission as AuditPermission
from portal.kernel import context
from portal.kernel.authz import ANONYMOUS, SIGNED_IN
from portal.kernel.dashboard import Urgency, needs
from portal.kernel.ui import DashboardCard, Place, status_style
from portal.permissions import Permission
from portal.selectors.engagements import operations_begun, operations_of_actor
from portal.web.operations import OperationCard, operation_cards

_NEEDS_SHOWN, _ALERTS_SHOWN, _RUNNING_SHOWN, _OWN_SHOWN = 6, 4, 4, 6
_ACTING: Final = ("cloudpods.operate", "operations.manage", "findings.manage")


def _needs(request: HttpRequest) -> Mapping[str, Any] | None:
    """Alerts, then the list; roles that only read are told of nothing they could not do."""
    actor = context.current().actor or ANONYMOUS
    found = needs(request, actor)
    alerts = [need for need in found if need.urgency is Urgency.CRITICAL]
    rest = [need for need in found if need.urgency is not Urgency.CRITICAL]
    if not found and not any(actor.may(permission) for permission in _ACTING):
        return None
    return {
        "alerts": alerts[:_ALERTS_SHOWN],
        "alerts_more": max(len(alerts) - _ALERTS_SHOWN, 0),
        "needs": rest[:_NEEDS_SHOWN],
        "more": max(len(rest) - _NEEDS_SHOWN, 0),
    }


def _running(_request: HttpRequest) -> Mapping[str, Any] | None:
    """What is under way, with its progress; nothing while nothing is."""
    actor = context.current().actor or ANONYMOUS
    rows = list(operations_begun(actor=actor)[:_RUNNING_SHOWN])
    return {"operations": operation_cards(rows)} if rows else None


def _own(_request: HttpRequest) -> Mapping[str, Any] | None:
    """What the actor began lately, if anything; who may read the audit has that instead."""
    actor = context.current().actor or ANONYMOUS
    if actor.may(AuditPermission.AUDIT_VIEW):
        return None
    rows = operation_cards(list(operations_of_actor(actor=actor)[:_OWN_SHOWN]))
    return {"entries": [_entry(card) for card in rows]} if rows else None


def _entry(card: OperationCard) -> dict[str, Any]:
    style = status_style("operation", card.status)
    return {
        "icon": style.icon,
        "tone": str(style.tone),
        "title": card.target_label or card.label,
        "text": f"{card.label} · {style.label}",
        "url": reverse("portal:operation_detail", args=[card.row.pk]),
        "at": card.row.completed_at or card.row.created_at,
    }


_PATH: Final = "portal/cards/"
_BOTH: Final = "deployment operation"
CARDS: Final = (
    DashboardCard(
        "needs",
        f"{_PATH}needs.html",
        SIGNED_IN,
        _needs,
        10,
        "full",
        topics=_BOTH,
        place=Place.ANYWHERE,
    ),
    DashboardCard(
        "running",
        f"{_PATH}running.html",
        Permission.OPERATIONS_VIEW,
        _running,
        52,
        "two-thirds",
        topics="operation",
    ),
    DashboardCard(
        "own",
        f"{_PATH}activity.html",
        Permission.OPERATIONS_VIEW,
        _own,
        56,
        topics="operation",
    ),
)
