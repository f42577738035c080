"""The palette in a browser: by keyboard alone, on a phone, offline, and without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from portal.models import Operation, User
from provisioning.models import Deployment
from tests.conftest import World
from tests.e2e.accessibility import axe_violations
from tests.e2e.browser import PHONE, Watch, overflow_px
from tests.e2e.conftest import OpenPage
from tests.portal.palette.asking import machine

LINE = "#palette input[role=combobox]"
CHOSEN = "#palette [role=option][aria-selected=true]"


@pytest.fixture
def web(world: World) -> Deployment:
    """A machine of the support agent."""
    return machine(world, "web-04")


def opened(page: Page) -> Page:
    """With the palette's first reply."""
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-list[data-said]")).to_be_visible()
    return page


def typed(page: Page, line: str) -> None:
    """Types into the palette and waits for the reply to just that line."""
    with page.expect_response(lambda answer: "/palette?" in answer.url and answer.ok):
        page.keyboard.type(line)
    expect(page.locator("#palette [aria-busy]")).to_have_count(0)


def test_a_lease_is_extended_by_keyboard_alone(web: Deployment, open_page: OpenPage) -> None:
    page = opened(open_page("/operations"))
    page.keyboard.type("exte")
    expect(page.locator(CHOSEN)).to_contain_text("Extend the lease")
    page.keyboard.press("Tab")
    expect(page.locator(LINE)).to_have_value("extend ")
    expect(page.locator(CHOSEN)).to_contain_text("Extend web-04")
    page.keyboard.press("Tab")
    expect(page.locator(CHOSEN)).to_contain_text("by 24 h")
    page.keyboard.press("Tab")
    expect(page.locator(LINE)).to_have_value("extend web-04 by 24 h")
    expect(page.locator(".palette-plan")).to_contain_text("Lease ends")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="The lease now ends on")).to_be_visible()
    assert page.url.endswith("/operations")
    row = Deployment.across_tenants.get(pk=web.pk)
    assert row.expires_at - web.expires_at == timedelta(hours=24)


def test_a_line_too_quick_for_its_plan_is_not_carried_out(
    web: Deployment, open_page: OpenPage
) -> None:
    page = opened(open_page("/operations"))
    page.keyboard.type("stop web-04")
    page.keyboard.press("Enter")
    expect(page.locator(".palette-plan")).to_be_visible()
    assert Operation.across_tenants.count() == 0
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Follow web-04")).to_be_visible()
    assert Operation.across_tenants.get().target_id == web.pk


def test_what_is_dangerous_is_asked_for_once_more(web: Deployment, open_page: OpenPage) -> None:
    page = opened(open_page("/operations"))
    typed(page, "restart web-04")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Restart")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(LINE)).to_be_focused()
    page.keyboard.press("Control+a")
    typed(page, "delete web-04")
    page.keyboard.press("Enter")
    word = page.get_by_label("Type web-04 to say that you mean it.")
    expect(word).to_be_focused()
    page.keyboard.type("web-0")
    page.keyboard.press("Enter")
    assert Operation.across_tenants.count() == 0
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Follow web-04")).to_be_visible()


def test_letters_without_accents_find_a_person(world: World, open_page: OpenPage) -> None:
    User.objects.using("platform").filter(pk=world.people["dev"].pk).update(
        display_name="Élodie Ångström"
    )
    page = opened(open_page("/operations"))
    typed(page, "@elod angs")
    expect(page.locator(CHOSEN)).to_contain_text("Élodie Ångström")
    assert page.locator(f"{CHOSEN} mark").all_inner_texts() == ["Élod", "Ångs"]


def test_the_keys_move_and_the_focus_comes_back(web: Deployment, open_page: OpenPage) -> None:
    page = open_page("/operations")
    opener = page.locator("[data-palette-open]").first
    opener.focus()
    opened(page)
    rows = page.locator("#palette [role=option]:visible")
    last = rows.count() - 1
    for key, index in (("ArrowDown", 1), ("End", last), ("ArrowDown", 0), ("ArrowUp", last)):
        page.keyboard.press(key)
        expect(rows.nth(index)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    active = page.locator(LINE).get_attribute("aria-activedescendant")
    assert active == rows.first.get_attribute("id")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).not_to_be_visible()
    expect(opener).to_be_focused()


def test_an_object_is_opened_and_remembered(web: Deployment, open_page: OpenPage) -> None:
    page = opened(open_page("/operations"))
    typed(page, "web 04")
    with page.context.expect_page() as fresh:
        page.keyboard.press("Control+Enter")
    expect(fresh.value.get_by_role("heading", level=1)).to_contain_text("web-04")
    fresh.value.close()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/deployments/{web.pk}")
    page.goto("/operations")
    opened(page)
    expect(page.locator(CHOSEN)).to_contain_text("web-04")


def test_it_is_a_sheet_on_phones(web: Deployment, open_page: OpenPage) -> None:
    page = open_page("/operations", size=PHONE)
    page.locator("[data-palette-open]:visible").first.click()
    typed(page, "resize web-04 4 cpu")
    expect(page.locator(".palette-plan")).to_contain_text("Per month")
    assert overflow_px(page) == 0
    box = page.locator("#palette").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (12, 366)
    page.locator(".palette-close").click()
    expect(page.locator("#palette")).not_to_be_visible()


def test_a_lost_connection_is_said_and_recovers(
    web: Deployment, open_page: OpenPage, watch: Watch
) -> None:
    page = opened(open_page("/operations"))
    page.route("**/palette?*", lambda route: route.abort())
    page.keyboard.type("web")
    expect(page.locator(".palette-offline")).to_be_visible()
    page.unroute("**/palette?*")
    page.keyboard.type("-04")
    expect(page.locator(CHOSEN)).to_contain_text("web-04")
    expect(page.locator(".palette-offline")).not_to_be_visible()
    watch.faults = [fault for fault in watch.faults if "ERR_FAILED" not in fault]


def test_an_answer_that_comes_late_is_dropped(web: Deployment, open_page: OpenPage) -> None:
    page = opened(open_page("/operations"))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/palette?q=we&*", hold)
    with page.expect_request("**/palette?q=we&*"):
        page.keyboard.type("we")
    typed(page, "b-04")
    for route in held:
        route.fulfill(body='<div data-said="late"></div>', content_type="text/html")
    expect(page.locator(CHOSEN)).to_contain_text("web-04")


def test_without_scripts_the_search_page_does_the_same(
    web: Deployment, open_page: OpenPage
) -> None:
    page = open_page("/operations", has_scripts=False)
    page.locator("[data-palette-open]").first.click()
    page.get_by_role("searchbox").fill("stop web-04")
    page.locator("main").get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("link", name="Follow web-04")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_palette(web: Deployment, open_page: OpenPage, theme: str) -> None:
    User.objects.using("platform").update(theme=theme)
    page = opened(open_page("/"))
    found = {"": axe_violations(page)}
    for line in ("web", "extend web-04 by 24 h", "nothing is called so"):
        page.keyboard.press("Control+a")
        typed(page, line)
        found[line] = axe_violations(page)
    assert {line: faults for line, faults in found.items() if faults} == {}
