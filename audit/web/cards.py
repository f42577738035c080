"""The latest entries of the audit, for the first page of who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from audit.models import Entry, Outcome
from audit.permissions import Permission
from audit.selectors.entries import entries
from portal.kernel import context
from portal.kernel.audit_tags import Category, tag_specs
from portal.kernel.authz import ANONYMOUS, ActorKind
from portal.kernel.ui import DashboardCard, Place, Tone

_SHOWN: Final = 6
_ICONS: Final = {
    Category.LIFECYCLE: "server",
    Category.HEALTH: "heart-pulse",
    Category.BACKUP: "archive",
    Category.QUOTA: "gauge",
    Category.SECURITY: "shield",
    Category.BILLING: "receipt",
    Category.PROJECT: "folder",
    Category.SETTINGS: "sliders-horizontal",
}
_TONES: Final = {
    Category.LIFECYCLE: Tone.OK,
    Category.HEALTH: Tone.WARN,
    Category.QUOTA: Tone.WARN,
    Category.BILLING: Tone.VIOLET,
    Category.SECURITY: Tone.VIOLET,
}


def _activity(_request: HttpRequest) -> Mapping[str, Any]:
    actor = context.current().actor or ANONYMOUS
    return {"entries": [_entry(entry) for entry in entries(actor)[:_SHOWN]], "is_audit": True}


def _entry(entry: Entry) -> dict[str, Any]:
    spec = tag_specs().get(entry.tag)
    icon, tone = _look(entry, spec.category if spec else Category.LIFECYCLE)
    what = str(spec.label) if spec else entry.tag
    who = _("uHub") if entry.actor_kind == ActorKind.SYSTEM else entry.actor_label
    return {
        "icon": icon,
        "tone": tone,
        "title": entry.target_label or what,
        "text": f"{what} · {who}" if entry.target_label else who,
        "url": "",
        "at": entry.created_at,
    }


def _look(entry: Entry, category: Category) -> tuple[str, str]:
    if entry.outcome == Outcome.REFUSED:
        return "ban", str(Tone.WARN)
    if entry.outcome == Outcome.FAILED:
        return "octagon-x", str(Tone.DANGER)
    return _ICONS[category], str(_TONES.get(category, Tone.INFO))


CARDS: Final = (
    DashboardCard(
        "activity",
        "portal/cards/activity.html",
        Permission.AUDIT_VIEW,
        _activity,
        55,
        topics="deployment operation",
        place=Place.ANYWHERE,
    ),
)
