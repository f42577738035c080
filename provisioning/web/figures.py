"""The key figures of the first page and the bars of what was made and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.logic.pricing import HOURS_PER_MONTH, amount
from portal.kernel.dates import day_and_time
from portal.kernel.web.charts import Chart, Series
from portal.logic.periods import Period, PeriodKey
from portal.templatetags.ui import money
from portal.web.periods import period_of_request
from provisioning.logic.figures import History
from provisioning.web import sights

_LIST: Final = "provisioning:deployment_list"
_MINUS: Final = "\N{MINUS SIGN}"
Stat = dict[str, Any]
_BLANK: Final[Stat] = {
    **dict.fromkeys(("tone", "unit", "note", "href", "delta", "direction"), ""),
    "delta_tone": "idle",
    "points": (),
}


def figures(request: HttpRequest) -> Mapping[str, Any] | None:
    """The four figures; nothing for a tenant that never had a machine."""
    if sights.is_empty(request):
        return None
    last = _cost(request) if sights.actor().may("billing.view") else _ending(request)
    stats = [_machines(request), _success(request), _problems(request), last]
    return {"stats": [_BLANK | stat for stat in stats]}


def _machines(request: HttpRequest) -> Stat:
    live, history = sights.live(request), sights.history(request)
    levels = history.levels(live.total)
    return {
        "label": _("Machines"),
        "icon": "server",
        "value": _number(live.total),
        "unit": _("%(count)s running") % {"count": _number(live.running)},
        "href": reverse(_LIST),
        "points": levels,
        **_change(Decimal(levels[-1] - levels[0])),
    }


def _success(request: HttpRequest) -> Stat:
    history = sights.history(request)
    rate, before = history.rate, history.rate_before
    stat: Stat = {
        "label": _("Successful provisioning"),
        "icon": "rocket",
        "tone": "info",
        "value": "—" if rate is None else _percent(rate),
        "href": f"{reverse('portal:operation_list')}?search=pod.provision",
        "points": [point for point in history.rates if point is not None],
    }
    if rate is None:
        return stat | {"note": _("Nothing was made in this period.")}
    if before is None:
        return stat
    difference = Decimal(str(rate)) - Decimal(str(before))
    return stat | _change(difference, places=1, is_better="up", unit=_("pt"))


def _problems(request: HttpRequest) -> Stat:
    machines, findings = sights.live(request).troubled, sights.findings(request)
    differences = getattr(findings[0], "total", 0) if findings else 0
    parts = []
    if machines:
        text = ngettext("%(count)s machine", "%(count)s machines", machines)
        parts.append(text % {"count": _number(machines)})
    if differences:
        text = ngettext("%(count)s finding", "%(count)s findings", differences)
        parts.append(text % {"count": _number(differences)})
    return {
        "label": _("Open problems"),
        "icon": "siren",
        "tone": "danger" if parts else "",
        "value": _number(machines + differences),
        "note": " · ".join(parts) or _("Everything is as it should be."),
        "href": f"{reverse(_LIST)}?status=attention" if machines else "",
    }


def _cost(request: HttpRequest) -> Stat:
    """What the machines there are cost in a month, each at its present size."""
    now = sights.live(request).price_hour
    levels = sights.history(request).price_levels(now)
    month, before = amount(now, HOURS_PER_MONTH), amount(levels[0], HOURS_PER_MONTH)
    return {
        "label": _("Estimated month cost"),
        "icon": "wallet",
        "tone": "violet",
        "value": money(month, places=0),
        "points": [float(level) for level in levels],
        **_change(round(month) - round(before)),
    }


def _ending(request: HttpRequest) -> Stat:
    ending = sights.live(request).ending
    return {
        "label": _("Expiring within 72 h"),
        "icon": "alarm-clock",
        "tone": "warn" if ending else "violet",
        "value": _number(ending),
        "note": _next_end(sights.live(request).next_end),
        "href": f"{reverse(_LIST)}?lease=72",
    }


def _next_end(moment: datetime | None) -> str:
    if moment is None:
        return _("No lease ends.")
    local = day_and_time(moment)
    return _("The next on %(when)s") % {"when": local}


def _change(by: Decimal | int, *, places: int = 0, is_better: str = "", unit: str = "") -> Stat:
    """A change against the period before: its sign, its arrow, and its hue where one way is better."""
    if not by:
        return {"delta": _("stable"), "direction": "flat", "delta_tone": "idle"}
    direction = "up" if by > 0 else "down"
    tone = "idle" if not is_better else "ok" if direction == is_better else "danger"
    sign = "+" if by > 0 else _MINUS
    return {
        "delta": f"{sign}{_number(abs(Decimal(by)), places)} {unit}".rstrip(),
        "direction": direction,
        "delta_tone": tone,
    }


def bars(request: HttpRequest) -> Mapping[str, Any] | None:
    """What the period made and deleted, hour by hour or day by day."""
    if sights.is_empty(request):
        return None
    history, period = sights.history(request), period_of_request(request)
    made, gone = sum(history.made), sum(history.gone)
    return {
        "chart": _chart(history, period),
        "made": made,
        "gone": gone,
        "balance": f"{'+' if made > gone else _MINUS if made < gone else '±'}{abs(made - gone)}",
        "period": _span(period),
    }


def _chart(history: History, period: Period) -> Chart:
    moments = [timezone.localtime(edge) for edge in period.edges]
    short, long = ("H:i", "D j M, H:i") if period.is_hourly else ("D j", "l j F")
    return Chart(
        label=_("Machines made and deleted"),
        categories=[formats.date_format(moment, short) for moment in moments],
        titles=[capfirst(formats.date_format(moment, long)) for moment in moments],
        series=[Series(_("Made"), history.made), Series(_("Deleted"), history.gone)],
        highlight=len(moments) - 1,
    )


def _span(period: Period) -> str:
    return {
        PeriodKey.DAY: _("The last 24 hours"),
        PeriodKey.WEEK: _("The last 7 days"),
        PeriodKey.MONTH: _("The last 30 days"),
    }[period.key]


def _number(value: Decimal | float, places: int = 0) -> str:
    return formats.number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True)


def _percent(value: float) -> str:
    return _("%(number)s%%") % {"number": _number(value, 0 if value == int(value) else 1)}
