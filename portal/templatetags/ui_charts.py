"""Charts without a script, as inline SVG: sparklines, bars, areas.

Bars and areas are placed in percent, without a view box, so texts never stretch. What ends up in an
attribute is formatted without the locale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any

from django import template
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.kernel.ui import Text
from portal.kernel.web.charts import Chart

register = template.Library()

_LEFT, _RIGHT, _TOP, _BOTTOM = 6.0, 100.0, 4.0, 86.0
_STEPS = (1, 2, 2.5, 5, 10)
_LINES = 4
_BARS_SHARE = 0.54
_LABELS_SHOWN = 8
_KINDS = ("s1", "s2", "s3", "s4")
_TIP_HEAD, _TIP_LINE = 22, 20
Point = tuple[float, float]


@register.simple_tag
def sparkline(points: Sequence[float | None]) -> SafeString:
    """A smooth line with its area for a row of figures; fewer than two draw nothing, None is a gap."""
    known = [point for point in points if point is not None]
    if len(known) < 2:
        return mark_safe("")
    paths = format_html_join(
        "", "{}", ((_run(run),) for run in _runs(points, min(known), max(known)))
    )
    return format_html(
        '<svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">{}</svg>', paths
    )


def _run(run: Sequence[Point]) -> SafeString:
    line = _smooth_path(run)
    return format_html(
        '<path class="area" d="{0}L{1},40L{2},40Z"/><path class="line" d="{0}"/>',
        line,
        f"{run[-1][0]:.4g}",
        f"{run[0][0]:.4g}",
    )


def _runs(
    values: Sequence[float | None], low: float, high: float, height: float = 40, pad: float = 3
) -> Iterator[list[Point]]:
    """The places of what is known, broken where something is missing."""
    span = (high - low) or 1
    step = 100 / max(len(values) - 1, 1)
    run: list[Point] = []
    for index, value in enumerate(values):
        if value is None:
            if run:
                yield run
            run = []
        else:
            top = height - pad - (float(value) - low) / span * (height - 2 * pad)
            run.append((index * step, top))
    if run:
        yield run


def _smooth_path(points: Sequence[Point]) -> str:
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (left, top), (right, bottom) in pairwise(points):
        middle = (left + right) / 2
        path += f"C{middle:.1f},{top:.1f} {middle:.1f},{bottom:.1f} {right:.1f},{bottom:.1f}"
    return path if len(points) > 1 else f"{path}h0"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid."""

    y: str
    text: str
    is_base: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and what its tip says."""

    x: str
    y: str
    width: str
    height: str
    kind: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure in words."""

    label: Text
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Column:
    """All of one category; the keyboard reaches the chart where `is_stop`."""

    label: Text
    title: Text
    x: str
    width: str
    middle: str
    facts: list[Fact]
    bars: list[Bar]
    is_highlighted: bool
    is_stop: bool
    is_labelled: bool
    is_at_the_right: bool


@register.inclusion_tag("portal/charts/_bars.html")
def bar_chart(chart: Chart) -> dict[str, Any]:
    """Grouped bars; the second row of figures is hatched, so it reads without colours too."""
    scale = _scale(chart)
    return {**_frame(chart, scale), "columns": _columns(chart, scale)}


@register.inclusion_tag("portal/charts/_areas.html")
def area_chart(chart: Chart) -> dict[str, Any]:
    """Lines over their areas, at most four; a missing figure is a gap."""
    scale = _scale(chart)
    areas = [
        {"kind": kind, "runs": [_area(run) for run in _runs(series.values, 0, scale[-1], 100, 0)]}
        for kind, series in zip(_KINDS, chart.series, strict=False)
    ]
    plot = {
        "x": f"{_LEFT}%",
        "y": f"{_TOP}%",
        "width": f"{_RIGHT - _LEFT}%",
        "height": f"{_BOTTOM - _TOP}%",
    }
    columns = _columns(chart, scale, at_points=True)
    return {**_frame(chart, scale), "areas": areas, "plot": plot, "columns": columns}


def _area(run: Sequence[Point]) -> dict[str, str]:
    line = _smooth_path(run)
    return {"line": line, "area": f"{line}L{run[-1][0]:.1f},100L{run[0][0]:.1f},100Z"}


def _frame(chart: Chart, scale: Sequence[float]) -> dict[str, Any]:
    lines = [
        Line(f"{_height(value, scale):.2f}%", _figure(value, chart.unit), is_base=value == 0)
        for value in scale
    ]
    return {
        "chart": chart,
        "id": chart.id or f"chart-{blake2b(str(chart.label).encode(), digest_size=4).hexdigest()}",
        "lines": lines,
        "left": f"{_LEFT}%",
        "label_x": f"{_LEFT - 1.4}%",
        "series": [
            {"label": series.label, "kind": kind}
            for kind, series in zip(_KINDS, chart.series, strict=False)
        ],
        "rows": [
            [_cell(series.values[index], chart.unit) for series in chart.series]
            for index in range(len(chart.categories))
        ],
    }


def _columns(chart: Chart, scale: Sequence[float], *, at_points: bool = False) -> list[Column]:
    count = max(len(chart.categories), 1)
    every = ceil(count / _LABELS_SHOWN)
    width = (_RIGHT - _LEFT) / (max(count - 1, 1) if at_points else count)
    columns = []
    for index, label in enumerate(chart.categories):
        left = _LEFT + width * (index - 0.5 if at_points else index)
        begin, end = max(left, _LEFT), min(left + width, _RIGHT)
        columns.append(
            Column(
                label=label,
                title=(chart.titles or chart.categories)[index],
                x=f"{begin:.2f}%",
                width=f"{end - begin:.2f}%",
                middle=f"{left + width / 2:.2f}%",
                facts=[
                    Fact(series.label, _cell(series.values[index], chart.unit), kind)
                    for kind, series in zip(_KINDS, chart.series, strict=False)
                ],
                bars=list(_bars(chart, index, left, width, scale)),
                is_highlighted=index == chart.highlight,
                is_stop=index == (count - 1 if chart.highlight is None else chart.highlight),
                is_labelled=(count - 1 - index) % every == 0,
                is_at_the_right=index >= count / 2,
            )
        )
    return columns


def _bars(
    chart: Chart, index: int, left: float, width: float, scale: Sequence[float]
) -> Iterator[Bar]:
    slot = width * _BARS_SHARE / len(chart.series)
    start = left + width * (1 - _BARS_SHARE) / 2
    for place, (kind, series) in enumerate(zip(_KINDS, chart.series, strict=False)):
        value = series.values[index]
        if value:
            top = _height(value, scale)
            x = start + slot * place
            height = _BOTTOM - top
            yield Bar(f"{x:.2f}%", f"{top:.2f}%", f"{slot * 0.88:.2f}%", f"{height:.2f}%", kind)


def _scale(chart: Chart) -> list[float]:
    known = [value for series in chart.series for value in series.values if value is not None]
    high = max([*known, 0]) or 1
    power = 10 ** floor(log10(high / _LINES))
    step = next(unit * power for unit in _STEPS if unit * power * _LINES >= high)
    return [step * index for index in range(ceil(high / step) + 1)]


def _height(value: float, scale: Sequence[float]) -> float:
    return _BOTTOM - value / scale[-1] * (_BOTTOM - _TOP)


def _cell(value: float | None, unit: str) -> str:
    return _("no figure") if value is None else _figure(value, unit)


def _figure(value: float, unit: str) -> str:
    places = 0 if float(value).is_integer() else 1
    number = formats.number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True)
    return f"{number}\N{NO-BREAK SPACE}{unit}" if unit else number


@register.filter
def chart_fill(kind: str, chart_id: str) -> SafeString:
    """The fill of a row of figures: a gradient, hatching, then plain colours from the style sheet."""
    names = {"s1": "fill", "s2": "hatch"}
    return (
        format_html('fill="url(#{}-{})"', chart_id, names[kind])
        if kind in names
        else SafeString("")
    )


@register.filter
def chart_summary(chart: Chart) -> str:
    """A chart in one sentence: what it shows and the last figures."""
    if not chart.categories:
        return str(chart.label)
    facts = ", ".join(f"{row.label} {_cell(row.values[-1], chart.unit)}" for row in chart.series)
    return _("%(chart)s. %(category)s: %(facts)s.") % {
        "chart": chart.label,
        "category": chart.categories[-1],
        "facts": facts,
    }


@register.filter
def column_summary(column: Column) -> str:
    """One category in words: "Thursday 19 November: Made 74, Deleted 48"."""
    facts = ", ".join(f"{fact.label} {fact.text}" for fact in column.facts)
    return _("%(category)s: %(facts)s") % {"category": column.title, "facts": facts}


@register.filter
def tip_line(number: int, shift: int) -> int:
    """Where line `number` of a tip stands, in pixels."""
    return _TIP_HEAD + _TIP_LINE * number + shift


@register.filter
def tip_height(facts: Sequence[Fact]) -> int:
    """How tall a tip is, in pixels."""
    return _TIP_HEAD + _TIP_LINE * len(facts) + 12


@register.filter
def at(values: Sequence[Any], index: int) -> Any:
    """What stands at a place of a list; empty where it is shorter."""
    return values[index] if index < len(values) else ""
