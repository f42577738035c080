"""What provisioning shows on the dashboard and beside its navigation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel import clock, ui
from portal.kernel.dashboard import Fact, Source
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.ui import DashboardCard, Place
from portal.kernel.web.charts import Chart, Series
from portal.templatetags.ui import duration
from provisioning.models import Deployment, LeaseWarning
from provisioning.permissions import Permission
from provisioning.selectors.deployments import (
    deployment_counts,
    deployment_list,
    is_in_hands_of,
)
from provisioning.selectors.measures import platform_load
from provisioning.web import capacity, figures, needs, sights

_RECENT, _ENDING = 7, 4


def deployments_count(request: HttpRequest) -> int | None:
    """Live deployments of the tenant; the first page has counted them already."""
    if current_tenant_id() is None:
        return None
    if ui.is_known(request, "dashboard.live"):
        return sights.live(request).total
    actor = sights.actor()
    counts = ui.once(request, "deployments", lambda: deployment_counts(actor=actor))
    return sum(counts.values())


def _facts(request: HttpRequest) -> Iterator[Fact]:
    """What is under way, what stands still, and when the next lease ends."""
    live = sights.live(request)
    if live.total == 0:
        yield Fact(10, _("no machines yet"))
        return
    if live.busy:
        text = ngettext(
            "%(count)s deployment in progress", "%(count)s deployments in progress", live.busy
        )
        yield Fact(10, text % {"count": live.busy})
    else:
        text = ngettext("%(count)s machine running", "%(count)s machines running", live.running)
        yield Fact(10, text % {"count": live.running})
    if live.troubled:
        text = ngettext("%(count)s needs a person", "%(count)s need a person", live.troubled)
        yield Fact(20, text % {"count": live.troubled})
    if live.next_end is not None:
        left = duration(live.next_end - clock.now())
        yield Fact(30, _("next expiry in %(span)s") % {"span": left})


def _start(request: HttpRequest) -> Mapping[str, Any] | None:
    """First steps, until there is a machine."""
    if not sights.is_empty(request):
        return None
    return {"may_create": sights.actor().may(Permission.CREATE)}


def _recent(request: HttpRequest) -> Mapping[str, Any] | None:
    if sights.is_empty(request):
        return None
    return {"deployments": list(deployment_list(actor=sights.actor())[:_RECENT])}


def _ending(request: HttpRequest) -> Mapping[str, Any] | None:
    if sights.is_empty(request):
        return None
    actor = sights.actor()
    rows = [
        {
            "deployment": deployment,
            "may_extend": actor.may(Permission.OPERATE) and is_in_hands_of(actor, deployment),
        }
        for deployment in sights.ending(request)[:_ENDING]
    ]
    is_own_only = actor.may(Permission.OPERATE) and not actor.may(Permission.MANAGE)
    total = None if is_own_only else sights.live(request).ending
    return {
        "rows": rows,
        "hours": needs.extension_hours(),
        "total": total,
        "is_own_only": is_own_only,
    }


def _load(_request: HttpRequest) -> Mapping[str, Any] | None:
    """CPU and memory of all nodes together in a day; nothing before anything was measured."""
    load = platform_load(actor=sights.actor())
    if not any(value is not None for value in load.cpu):
        return None
    times = [timezone.localtime(moment) for moment in load.times]
    series = [Series(_("CPU"), load.cpu), Series(_("Memory"), load.memory)]
    hours = [formats.date_format(moment, "H:i") for moment in times]
    return {"chart": Chart(_("Load of the nodes"), hours, series, unit="%")}


_PATH: Final = "provisioning/cards/"
_TOPIC: Final = "deployment"
CARDS: Final = (
    DashboardCard(
        "start", f"{_PATH}start.html", Permission.VIEW, _start, 20, "full", topics=_TOPIC
    ),
    DashboardCard(
        "figures",
        f"{_PATH}figures.html",
        Permission.VIEW,
        figures.figures,
        30,
        "full",
        topics=_TOPIC,
    ),
    DashboardCard(
        "bars", f"{_PATH}bars.html", Permission.VIEW, figures.bars, 40, "two-thirds", topics=_TOPIC
    ),
    DashboardCard(
        "capacity", f"{_PATH}capacity.html", "quota.view", capacity.capacity, 41, topics=_TOPIC
    ),
    DashboardCard(
        "performance",
        f"{_PATH}capacity.html",
        Permission.CLUSTERS_MANAGE,
        capacity.performance,
        54,
        "two-thirds",
        place=Place.PLATFORM,
    ),
    DashboardCard(
        "recent", f"{_PATH}recent.html", Permission.VIEW, _recent, 50, "two-thirds", topics=_TOPIC
    ),
    DashboardCard(
        "load",
        f"{_PATH}load.html",
        Permission.INFRASTRUCTURE_VIEW,
        _load,
        70,
        "full",
    ),
    DashboardCard("ending", f"{_PATH}ending.html", Permission.VIEW, _ending, 52, topics=_TOPIC),
)
FACTS: Final = Source("provisioning", Permission.VIEW, _facts)


def deployment_links(ids: Collection[UUID]) -> Mapping[UUID, ui.TargetLink]:
    """Names and pages of deployments, for the pages of operations."""
    rows = Deployment.objects.filter(pk__in=ids).values_list("pk", "name")
    return {
        pk: ui.TargetLink(name, reverse("provisioning:deployment_detail", args=[pk]))
        for pk, name in rows
    }


def warning_links(ids: Collection[UUID]) -> Mapping[UUID, ui.TargetLink]:
    """The deployments that warnings are about, for the pages of operations."""
    rows = LeaseWarning.objects.filter(pk__in=ids).values_list(
        "pk", "deployment_id", "deployment__name"
    )
    return {
        pk: ui.TargetLink(name, reverse("provisioning:deployment_detail", args=[deployment_id]))
        for pk, deployment_id, name in rows
    }
