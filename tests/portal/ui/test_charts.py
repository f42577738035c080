"""Charts without a script: every figure in its place, gaps as gaps, the same figures as a table."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from portal.kernel.web.charts import Chart, Series
from portal.templatetags import ui_charts
from tests.portal.ui.rendering import rendered, text

WEEK = Chart("Machines", ["Mon", "Tue"], [Series("Made", [20, 40]), Series("Gone", [10, None])])


@pytest.mark.parametrize(
    ("highest", "lines"),
    [
        (0, [0, 0.25, 0.5, 0.75, 1]),
        (1, [0, 0.25, 0.5, 0.75, 1]),
        (74, [0, 20, 40, 60, 80]),
        (100, [0, 25, 50, 75, 100]),
        (1234, [0, 500, 1000, 1500]),
    ],
)
def test_the_scale_ends_on_a_round_figure(highest: float, lines: list[float]) -> None:
    assert ui_charts._scale(Chart("C", ["a"], [Series("S", [highest])])) == lines


def test_a_bar_is_as_tall_as_its_figure() -> None:
    html = rendered("{% bar_chart chart %}", chart=WEEK)
    assert re.findall(r'class="bar (s\d)".*?height="([\d.]+)%"', html) == [
        ("s1", "41.00"),
        ("s2", "20.50"),
        ("s1", "82.00"),
    ]


def test_the_second_row_is_hatched() -> None:
    html = rendered("{% bar_chart chart %}", chart=WEEK)
    assert re.search(r'class="bar s2"[^>]* fill="url\(#chart-\w+-hatch\)"', html)


def test_a_chart_says_itself_in_a_sentence() -> None:
    html = rendered("{% bar_chart chart %}", chart=WEEK)
    assert 'aria-label="Machines. Tue: Made 40, Gone no figure."' in html


def test_a_chart_has_its_figures_as_a_table() -> None:
    html = rendered("{% bar_chart chart %}", chart=WEEK)
    table = html[html.index("<tbody>") : html.index("</tbody>")]
    assert text(table) == "Mon 20 10 Tue 40 no figure"


def test_attributes_of_a_chart_ignore_the_language() -> None:
    with translation.override("fr"):
        html = rendered("{% bar_chart chart %}", chart=WEEK)
    assert re.findall(r'(?:x|y|width|height|x1|x2|y1|y2)="[^"]*,[^"]*"', html) == []


def test_figures_of_a_chart_follow_the_language() -> None:
    chart = Chart("Load", ["Mon"], [Series("CPU", [1.5])], unit="%")
    with translation.override("fr"):
        assert "1,5 %" in rendered("{% bar_chart chart %}", chart=chart)


def test_a_gap_breaks_the_line_of_an_area() -> None:
    chart = Chart("Load", list("abcde"), [Series("CPU", [1, 2, None, 4, 3])])
    html = rendered("{% area_chart chart %}", chart=chart)
    assert html.count('class="line s1"') == 2


def test_a_figure_between_two_gaps_is_a_dot() -> None:
    chart = Chart("Load", list("abc"), [Series("CPU", [None, 2, None])])
    assert re.search(
        r'class="line s1" d="M50.0,[\d.]+h0"', rendered("{% area_chart chart %}", chart=chart)
    )


def test_a_gap_breaks_a_sparkline() -> None:
    assert ui_charts.sparkline([1, 2, None, 2, 1]).count('class="line"') == 2


def test_long_charts_name_some_of_their_categories() -> None:
    hours = [f"{hour} h" for hour in range(24)]
    chart = Chart("Load", hours, [Series("CPU", list(range(24)))])
    html = rendered("{% bar_chart chart %}", chart=chart)
    named = re.findall(r'y="97%"[^>]*>([^<]+)<', html)
    assert (len(named), named[-1]) == (8, "23 h")


def test_a_chart_without_categories_is_its_label() -> None:
    html = rendered("{% bar_chart chart %}", chart=Chart("Load", [], [Series("CPU", [])]))
    assert 'aria-label="Load"' in html
