"""Charts of figures over time: which there are, what they say now, and what stands there without a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from portal.services.settings import setting_get
from provisioning.logic.measures import RANGES, SHARES, Metric, Range
from provisioning.logic.measures_settings import GRAFANA_DEPLOYMENT
from provisioning.models import MetricSubject
from provisioning.selectors.measures import (
    Series,
    Values,
    deployment_now,
    deployment_series,
    range_read,
)

if TYPE_CHECKING:
    from provisioning.web.tabs import TabContext

_POINTS: Final = 60
_PREFIXES: Final = ("", "k", "M", "G", "T")
_EVERY_S: Final = 60


@dataclass(frozen=True, slots=True)
class ChartView:
    """One chart: `rows` are its figures in words, `sparks` what is drawn until the script draws."""

    key: str
    title: str
    icon: str
    src: str
    unit: str
    most: str
    rows: list[dict[str, Any]]
    sparks: list[Values]
    is_known: bool


_GROUPS: Final = (
    ("cpu", "cpu", (Metric.CPU,)),
    ("memory", "memory-stick", (Metric.MEMORY,)),
    ("disk", "hard-drive", (Metric.DISK,)),
    ("flow", "arrow-right-left", (Metric.DISK_READ, Metric.DISK_WRITE)),
    ("network", "network", (Metric.NET_IN, Metric.NET_OUT)),
)


def charts(series: Series, now: MetricSubject | None, address: str) -> list[ChartView]:
    """All charts of one subject; `address` answers their figures."""
    titles = {
        "cpu": _("CPU"),
        "memory": _("Memory"),
        "disk": _("Disk space"),
        "flow": _("Disk"),
        "network": _("Network"),
    }
    shown = []
    for key, icon, metrics in _GROUPS:
        known = [series.values[metric] for metric in metrics]
        is_share = metrics[0] in SHARES
        is_known = any(value is not None for values in known for value in values)
        names = ",".join(metrics)
        shown.append(
            ChartView(
                key=key,
                title=titles[key],
                icon=icon,
                src=f"{address}?range={series.range.code}&metric={names}",
                unit="%" if is_share else f"{_byte()}/s",
                most="100" if is_share else "",
                rows=[_row(metric, series.values[metric], now) for metric in metrics],
                sparks=[_thin(values) for values in known],
                is_known=is_known,
            )
        )
    return shown


def range_links(address: str, here: Range, **more: str) -> list[dict[str, Any]]:
    """The ranges as links; `more` stays in the address."""
    before = "".join(f"{name}={quote(value)}&" for name, value in more.items())
    return [
        {
            "label": one.label,
            "url": f"{address}?{before}range={one.code}",
            "is_current": one is here,
        }
        for one in RANGES
    ]


def metrics_tab(at: TabContext) -> dict[str, Any]:
    """What the tab of a machine needs."""
    over = range_read(at.request.GET.get("range") or None)
    series = deployment_series(at.deployment.pk, over)
    now = deployment_now(at.deployment.pk)
    shown = charts(series, now, f"/api/deployments/{at.deployment.pk}/metrics")
    return {
        "charts": [one for one in shown if one.key != "disk" or one.is_known],
        "ranges": range_links(f"/deployments/{at.deployment.pk}", over, tab="metrics"),
        "over": over,
        "now": now,
        "every": _EVERY_S if over is RANGES[0] else "",
        "grafana": grafana_link(GRAFANA_DEPLOYMENT, deployment_id=str(at.deployment.pk)),
    }


def grafana_link(setting: str, **words: str) -> str:
    """The address with its words filled in; empty when none is set."""
    address = str(setting_get(setting))
    for name, value in words.items():
        address = address.replace(f"{{{name}}}", quote(value, safe=""))
    return address


def figure_text(metric: str, value: float | None) -> str:
    """A figure as people read it."""
    if value is None:
        return "–"
    return _percent(value) if metric in SHARES else f"{bytes_text(value)}/s"


def bytes_text(value: float) -> str:
    """Bytes with the prefix that leaves a short number."""
    prefix = _PREFIXES[0]
    for prefix in _PREFIXES:
        if value < 1000 or prefix == _PREFIXES[-1]:
            break
        value /= 1000
    return f"{_number(value)}\N{NO-BREAK SPACE}{prefix}{_byte()}"


def _byte() -> str:
    return pgettext("unit of figures", "B")


def _percent(value: float) -> str:
    return f"{_number(value)}\N{NO-BREAK SPACE}%"


def _number(value: float) -> str:
    return formats.number_format(value, decimal_pos=1 if value < 10 else 0, use_l10n=True)


def _row(metric: Metric, values: Values, now: MetricSubject | None) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    newest = getattr(now, metric) if now is not None else None
    return {
        "label": metric.label,
        "now": figure_text(metric, newest),
        "mean": figure_text(metric, sum(known) / len(known) if known else None),
        "most": figure_text(metric, max(known) if known else None),
    }


def _thin(values: Sequence[float | None]) -> Values:
    """At most so many points, each the mean of those it stands for."""
    size = -(-len(values) // _POINTS)
    return [_mean(values[at : at + size]) for at in range(0, len(values), size)]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
