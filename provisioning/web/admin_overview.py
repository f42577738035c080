"""`/admin-overview`: all organisations together, for platform administrators (seed 003 §2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.models import Entry, Outcome
from portal.kernel import clock
from portal.kernel.audit_tags import Category, tag_specs
from portal.kernel.web.charts import Chart, Series
from portal.kernel.web.views import PortalView
from portal.logic.periods import PeriodKey, period_of
from portal.selectors.queues import QueueFigures, queue_figures
from portal.services.readiness import silent_parts
from portal.templatetags.ui import gib, mib
from provisioning.permissions import Permission
from provisioning.selectors.admin_overview import (
    AdminOverview,
    Day,
    Resource,
    admin_history,
    admin_overview,
)
from provisioning.services.admin_views import overview_viewed

_ICONS: Final = {
    Category.LIFECYCLE: ("server", "ok"),
    Category.HEALTH: ("heart-pulse", "warn"),
    Category.BACKUP: ("archive", "info"),
    Category.QUOTA: ("gauge", "warn"),
}
_ALL: Final = "all"


class AdminOverviewPage(PortalView):
    """The page; looking at it is on record."""

    permission = Permission.OVERVIEW
    template_name = "provisioning/overview/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        found = admin_overview(actor=self.actor)
        period = period_of(PeriodKey.WEEK, clock.now(), timezone.get_current_timezone())
        days = admin_history(actor=self.actor, period=period)
        overview_viewed(actor=self.actor, page="admin-overview")
        chosen = request.GET.get("category", _ALL)
        return self.page(
            {
                "stats": _stats(found),
                "chart": _chart(days),
                "made": sum(day.made for day in days),
                "gone": sum(day.gone for day in days),
                "meters": _meters(found),
                "health": found,
                "silent": silent_parts(),
                "queues": [_queue(one) for one in queue_figures()],
                "tabs": _tabs(found, chosen),
                "events": [_event(one) for one in found.events if _is_in(one, chosen)],
                "tenants": found.top,
            }
        )


def _stats(found: AdminOverview) -> list[dict[str, Any]]:
    running = ngettext("%(count)s runs", "%(count)s run", found.active) % {"count": found.active}
    broken = ngettext("%(count)s in error", "%(count)s in error", found.error) % {
        "count": found.error
    }
    leaving = ngettext("%(count)s being deleted", "%(count)s being deleted", found.deleting) % {
        "count": found.deleting
    }
    healed = ngettext(
        "%(count)s restart by auto-heal in 24 h",
        "%(count)s restarts by auto-heal in 24 h",
        found.healed_24h,
    ) % {"count": found.healed_24h}
    failed = ngettext("%(count)s failed", "%(count)s failed", found.backups_failed_24h) % {
        "count": found.backups_failed_24h
    }
    return [
        {
            "label": _("Machines"),
            "icon": "server",
            "tone": "",
            "value": number_format(found.total, force_grouping=True),
            "note": f"{running} · {broken} · {leaving}",
        },
        {
            "label": _("Organisations"),
            "icon": "building-2",
            "tone": "violet",
            "value": number_format(found.tenants, force_grouping=True),
            "note": _("active"),
        },
        {
            "label": _("Unhealthy machines"),
            "icon": "heart-pulse",
            "tone": "danger" if found.unhealthy else "",
            "value": number_format(found.unhealthy, force_grouping=True),
            "note": healed,
        },
        {
            "label": _("Backups of 24 h"),
            "icon": "archive",
            "tone": "warn" if found.backups_failed_24h else "info",
            "value": number_format(found.backups_24h, force_grouping=True),
            "note": failed,
        },
    ]


def _meters(found: AdminOverview) -> list[dict[str, Any]]:
    return [
        _meter(_("vCPU"), found.cpu_cores, lambda value: f"{number_format(value)} vCPU"),
        _meter(_("Memory"), found.memory_mb, mib),
        _meter(_("Disk"), found.disk_gb, gib),
    ]


def _meter(label: str, resource: Resource, words: Any) -> dict[str, Any]:
    used = resource.used_approx
    if used is None:
        text = _("%(all)s given, use not measured") % {"all": words(resource.allocated)}
    else:
        text = _("%(used)s of %(all)s used") % {
            "used": words(used),
            "all": words(resource.allocated),
        }
    return {"label": label, "text": text, "value": used or 0, "max": resource.allocated}


def _chart(days: list[Day]) -> Chart:
    moments = [timezone.localtime(day.begins_at) for day in days]
    return Chart(
        _("Machines made and deleted"),
        [date_format(moment, "D") for moment in moments],
        [
            Series(_("Created"), [day.made for day in days]),
            Series(_("Destroyed"), [day.gone for day in days]),
        ],
        highlight=len(days) - 1,
        titles=[date_format(moment, "l j F") for moment in moments],
        id="overview",
    )


def _queue(one: QueueFigures) -> dict[str, Any]:
    return {
        "name": one.queue,
        "due": one.due,
        "running": one.running,
        "age": timedelta(seconds=round(one.oldest_due_s)) if one.oldest_due_at else None,
        "failed": one.failed_15_min,
    }


def _is_in(entry: Entry, chosen: str) -> bool:
    return chosen == entry.category or chosen not in {str(one) for one in _ICONS}


def _tabs(found: AdminOverview, chosen: str) -> list[dict[str, Any]]:
    """All, then each category with how many of the newest are its."""
    url = reverse("provisioning:admin_overview")
    counts = [(one, sum(entry.category == one for entry in found.events)) for one in _ICONS]
    known = {str(one) for one in _ICONS}
    first = {
        "label": _("All"),
        "url": url,
        "count": len(found.events),
        "is_current": chosen not in known,
    }
    rest = [
        {
            "label": one.label,
            "url": f"{url}?category={one}",
            "count": count,
            "is_current": chosen == one,
        }
        for one, count in counts
    ]
    return [first, *rest]


def _event(entry: Entry) -> dict[str, Any]:
    spec = tag_specs().get(entry.tag)
    icon, tone = _ICONS[Category(entry.category)]
    if entry.outcome == Outcome.FAILED:
        icon, tone = "octagon-x", "danger"
    elif entry.outcome == Outcome.REFUSED:
        icon, tone = "ban", "warn"
    what = str(spec.label) if spec else entry.tag
    return {
        "icon": icon,
        "tone": tone,
        "title": what,
        "text": " · ".join(part for part in (entry.target_label, entry.actor_label) if part),
        "at": entry.created_at,
    }
