"""The first page in a browser: cards that follow what happens, the chart by keyboard, phones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from provisioning.models import Deployment
from tests.conftest import World
from tests.e2e.browser import PHONE, overflow_px
from tests.e2e.conftest import OpenPage
from tests.provisioning.dashboard_scenes import lively


@pytest.fixture(autouse=True)
def scene(world: World) -> Iterator[dict[str, Any]]:
    cache.clear()
    yield lively(world)
    cache.clear()


def test_cards_follow_what_happens_without_a_reload(
    scene: dict[str, Any], open_page: OpenPage
) -> None:
    page = open_page("/", role="viewer")
    stat = page.locator(".kpi", has_text="Open problems").locator(".value")
    expect(stat).to_have_text("2")
    page.evaluate("window.isSamePage = true")
    Deployment.across_tenants.filter(pk=scene["dev-lab-02"].pk).update(status="running")
    # Without an event loop there is no stream: the parts ask by themselves.
    expect(stat).to_have_text("1")
    expect(page.locator("#card-recent")).not_to_contain_text("Failed")
    assert page.evaluate("window.isSamePage")


def test_the_bars_say_their_figures_to_the_keyboard(open_page: OpenPage) -> None:
    page = open_page("/", role="viewer")
    chart = page.locator("#card-bars [data-chart]")
    tips = chart.locator(".chart-tip")
    page.get_by_role("link", name="All (5)").focus()
    columns = chart.locator(".col-over")
    columns.last.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(columns.last).to_be_focused()
    expect(tips.last).to_be_visible()
    page.keyboard.press("Home")
    expect(columns.first).to_be_focused()
    expect(tips.first).to_be_visible()
    expect(tips.last).to_be_hidden()
    assert columns.first.get_attribute("aria-label").endswith(": Made 1, Deleted 3")


def test_closed_figures_of_a_chart_are_not_laid_out(open_page: OpenPage) -> None:
    # Otherwise each style of the page, as that of a dialog that opens, lays the bars out again.
    page = open_page("/", role="viewer")
    closed = page.locator("#card-bars .chart-table:not([open])")
    shown = closed.evaluate("(one) => getComputedStyle(one, '::details-content').display")
    assert shown == "none"
    closed.locator("summary").click()
    expect(page.locator("#card-bars .chart-table table")).to_be_visible()


def test_one_click_extends_and_the_page_stays(open_page: OpenPage) -> None:
    page = open_page("/", role="ops")
    page.get_by_role("button", name="Extend by 24 h: prod-api-03").click()
    expect(page.locator(".toast")).to_contain_text("The lease now ends on")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello")
    expect(page.get_by_role("button", name="Extend by 24 h: prod-api-03")).to_have_count(0)


@pytest.mark.parametrize("role", ["ops", "viewer"])
def test_nothing_scrolls_sideways_on_a_phone(open_page: OpenPage, role: str) -> None:
    assert overflow_px(open_page("/?period=30d", role=role, size=PHONE)) == 0


def test_it_reads_and_extends_without_a_script(open_page: OpenPage) -> None:
    page = open_page("/", role="ops", has_scripts=False)
    page.get_by_role("link", name="30 d").click()
    expect(page.locator("#card-bars")).to_contain_text("The last 30 days")
    page.get_by_role("button", name="Extend by 24 h: prod-api-03").click()
    expect(page.locator("body")).to_contain_text("The lease now ends on")
