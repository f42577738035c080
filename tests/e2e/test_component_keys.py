"""Components under a keyboard: what opens closes with Esc and gives the focus back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.models import User
from tests.conftest import World
from tests.e2e.browser import PHONE, overflow_px
from tests.e2e.conftest import OpenPage

ShowPage = Callable[..., Page]
FIRST_WORD = "document.activeElement.innerText.trim().split(/\\s+/)[0]"


@pytest.fixture
def show(open_page: OpenPage, world: World) -> ShowPage:
    """Opens one component of the living page in the dark theme."""
    staff = User.objects.using("platform").filter(pk=world.people["admin"].pk)
    staff.update(is_platform_admin=True)

    def show(name: str, **options: Any) -> Page:
        page: Page = open_page(f"/ui?theme=dark&only={name}", role="admin", **options)
        return page

    return show


def _walk(page: Page, keys: list[str]) -> list[str]:
    """The first words of what the keys lead to, one after another."""
    seen = []
    for key in keys:
        page.keyboard.press(key)
        seen.append(page.evaluate(FIRST_WORD))
    return seen


def test_a_menu_is_used_by_keyboard(show: ShowPage) -> None:
    page = show("menu")
    opener, menu = page.locator('[popovertarget="menu-dark"]'), page.locator("#menu-dark")
    opener.focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "true")
    keys = ["ArrowDown", "ArrowDown", "End", "ArrowDown", "ArrowUp", "Home", "s"]
    words = ["Restart…", "Start", "Delete…", "Edit", "Delete…", "Edit", "Start"]
    assert _walk(page, keys) == words
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_a_menu_fits_on_a_phone_and_makes_room_for_its_dialog(show: ShowPage) -> None:
    page = show("menu", size=PHONE)
    page.locator('[popovertarget="menu-text-dark"]').click()
    box = page.locator("#menu-text-dark").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE[0]
    page.locator("#menu-text-dark").get_by_role("menuitem", name="CSV").click()
    expect(page.locator("#menu-text-dark")).to_be_hidden()


def test_a_tooltip_shows_under_focus_and_hides_with_escape(show: ShowPage) -> None:
    page = show("tooltip")
    tooltip = page.locator("[data-tooltip]").first
    button, words = tooltip.locator("button"), tooltip.locator("[role=tooltip]")
    expect(words).to_have_css("visibility", "hidden")
    button.focus()
    expect(words).to_have_css("visibility", "visible")
    expect(button).to_have_accessible_description("Copy the address")
    page.keyboard.press("Escape")
    expect(words).to_have_css("visibility", "hidden")
    expect(button).to_be_focused()


def test_arrows_go_along_tabs(show: ShowPage) -> None:
    page = show("tabs")
    page.locator("#tabs [data-tabs] a").first.focus()
    keys = ["ArrowRight", "End", "ArrowRight", "ArrowLeft", "Home"]
    words = ["Operations", "Costs", "Overview", "Costs", "Overview"]
    assert _walk(page, keys) == words


def test_a_drawer_closes_three_ways_and_gives_the_focus_back(show: ShowPage) -> None:
    page = show("drawer")
    opener, drawer = page.locator("#drawer .pane button").first, page.locator("#drawer-dark")
    ways = (
        lambda: page.keyboard.press("Escape"),
        lambda: drawer.get_by_role("button", name="Close").click(),
        lambda: page.mouse.click(100, 450),
    )
    for leave in ways:
        opener.focus()
        page.keyboard.press("Enter")
        expect(drawer).to_be_visible()
        leave()
        expect(drawer).to_be_hidden()
        expect(opener).to_be_focused()


def test_ready_made_answers_fill_their_field(show: ShowPage) -> None:
    page = show("field")
    page.locator(".presets").first.get_by_role("button", name="7 days").click()
    expect(page.locator("#id_dark-lease")).to_have_value("7 d")
    expect(page.locator("#id_dark-lease")).to_be_focused()


def test_charts_say_their_figures_and_their_gaps(show: ShowPage) -> None:
    page = show("chart")
    charts = page.locator("uhub-chart")
    expect(charts.first.get_by_role("img")).to_have_accessible_name("CPU: CPU 15\u00a0%")
    charts.first.locator("summary").click()
    expect(charts.first.locator("tbody tr")).to_have_count(180)
    expect(charts.first.locator("tbody tr").nth(100).locator("td")).to_have_text("–")
    expect(charts.nth(2)).to_have_text("No figures for this period.")
    expect(charts.nth(3)).to_have_text("The figures could not be loaded.")


def test_charts_of_a_group_share_a_cursor_until_they_leave(show: ShowPage) -> None:
    page = show("chart")
    first, second = page.locator("uhub-chart").first, page.locator("uhub-chart").nth(1)
    expect(second.locator("canvas")).to_be_visible()
    first.locator(".chart-plot").hover()
    expect(first.locator(".legend time")).not_to_be_empty()
    expect(second.locator(".legend time")).to_have_text(first.locator(".legend time").inner_text())
    is_gone = first.evaluate("(chart) => { chart.remove(); return chart.plot === undefined; }")
    assert is_gone


def test_menus_open_without_scripts(show: ShowPage) -> None:
    page = show("menu", size=PHONE, has_scripts=False)
    page.locator('[popovertarget="menu-dark"]').click()
    expect(page.locator("#menu-dark")).to_be_visible()


def test_the_whole_page_does_not_scroll_sideways_on_a_phone(show: ShowPage) -> None:
    page = show("", size=PHONE)
    expect(page.locator("uhub-chart canvas").first).to_be_visible()
    assert overflow_px(page) == 0
