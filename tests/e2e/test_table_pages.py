"""Lists in a browser: keys, ticks, the bar for many, live filters, going back, and no script at all."""

from __future__ import annotations

import pytest
from django.db import transaction
from playwright.sync_api import Page, Route, expect

from portal.kernel.tenancy import tenant_scope
from portal.models import SavedFilter
from provisioning.models import Deployment
from tests.conftest import World
from tests.e2e.browser import DESKTOP, PHONE, overflow_px
from tests.e2e.conftest import OpenPage
from tests.factories.provisioning import DeploymentFactory, TemplateFactory

NAMES = ("one", "two", "three", "four")


@pytest.fixture
def machines(world: World) -> list[Deployment]:
    template = TemplateFactory()
    with tenant_scope(world.north.pk), transaction.atomic():
        return [
            DeploymentFactory(
                name=name,
                status="running",
                tenant=world.north,
                owner=world.people["ops"],
                template=template,
            )
            for name in reversed(NAMES)
        ]


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.querySelector('b')?.textContent ?? ''"))


def ticked(page: Page) -> list[str]:
    rows = page.locator("tr[data-row]:has(.pick :checked) b")
    return [text.strip() for text in rows.all_inner_texts()]


def test_keys_move_tick_and_open(machines: list[Deployment], open_page: OpenPage) -> None:
    page = open_page("/deployments", role="ops")
    for key in ("j", "j", "ArrowDown", "k"):
        page.keyboard.press(key)
    assert focused(page) == "two"
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert ticked(page) == ["two", "three", "four"]
    bar = page.get_by_role("status").filter(has_text="selected")
    expect(bar).to_have_text("3 selected on this page")
    page.keyboard.press("Escape")
    assert ticked(page) == []
    expect(page.locator(".bulk")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="four", exact=True)).to_be_visible()


def test_the_slash_finds_and_letters_stay_letters(
    machines: list[Deployment], open_page: OpenPage
) -> None:
    page = open_page("/deployments", role="ops")
    page.keyboard.press("/")
    page.keyboard.type("three")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.wait_for_url("**/deployments?search=three")
    assert ticked(page) == []
    page.go_back()
    expect(page.locator("tr[data-row]")).to_have_count(4)
    expect(page.locator("main")).to_have_count(1)


def test_a_search_takes_the_place_of_a_refresh_under_way(
    machines: list[Deployment], open_page: OpenPage
) -> None:
    page = open_page("/deployments", role="ops")

    def hold(_route: Route) -> None:
        """Leaves a request without an answer."""

    page.route(lambda url: url.endswith("/deployments"), hold)
    with page.expect_request(lambda request: request.url.endswith("/deployments")) as refresh:
        page.locator("span[hx-trigger=live]").first.dispatch_event("live")
    with page.expect_event("requestfailed", lambda request: request == refresh.value):
        page.locator("input[name=search]").fill("three")
    expect(page.locator("tr[data-row]")).to_have_count(1)


def test_a_head_sorts_and_keeps_the_focus(machines: list[Deployment], open_page: OpenPage) -> None:
    page = open_page("/deployments", role="ops")
    page.locator("#sort-name").focus()
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Name")
    assert page.evaluate("document.activeElement.id") == "sort-name"
    texts = [text.strip() for text in page.locator("tr[data-row] b").all_inner_texts()]
    assert texts == sorted(NAMES)


def test_many_are_stopped_at_once(machines: list[Deployment], open_page: OpenPage) -> None:
    page = open_page("/deployments", role="ops")
    boxes = page.locator(".pick input[name=ids]")
    boxes.first.click()
    boxes.nth(2).click(modifiers=["Shift"])
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stop these machines?")).to_be_visible()
    page.locator(".bulk-ask").get_by_role("button", name="Stop").click()
    page.wait_for_url("**/deployments/bulk/*")
    expect(page.locator(".badge.ok")).to_have_count(3)
    expect(page.get_by_role("link", name="Follow it")).to_have_count(3)
    rows = Deployment.objects.using("platform").filter(status="stopping")
    assert rows.count() == 3


def test_all_on_the_page_are_ticked_and_survive_another_order(
    machines: list[Deployment], open_page: OpenPage
) -> None:
    page = open_page("/deployments", role="ops")
    page.get_by_label("Select all rows on this page").check()
    page.locator("#sort-name").click()
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    assert sorted(ticked(page)) == sorted(NAMES)


def test_a_column_comes_at_once_and_stays(machines: list[Deployment], open_page: OpenPage) -> None:
    page = open_page("/deployments", role="ops")
    page.get_by_text("Columns", exact=True).first.click()
    page.get_by_label("Health").check()
    expect(page.locator("th", has_text="Health")).to_be_visible()
    page.goto("/deployments")
    expect(page.locator("th", has_text="Health")).to_be_visible()


def test_what_is_shown_is_kept_under_a_name(
    machines: list[Deployment], open_page: OpenPage
) -> None:
    page = open_page("/deployments", role="ops")
    page.locator("select[name=status]").select_option("running")
    page.wait_for_url("**/deployments?status=running")
    page.get_by_text("Save filter", exact=True).click()
    page.locator("#keep-name").fill("Up")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".table-tabs [aria-current]")).to_have_text("Up")
    assert SavedFilter.objects.using("platform").get().query == "status=running"


def test_without_a_script_lists_filter_and_act(
    machines: list[Deployment], open_page: OpenPage
) -> None:
    page = open_page("/deployments", role="ops", has_scripts=False)
    page.locator("input[name=search]").fill("three")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator(".pick input[name=ids]").check()
    page.get_by_role("button", name="Restart").click()
    page.get_by_role("button", name="Restart").click()
    expect(page.get_by_role("heading", name="Results: Restart")).to_be_visible()
    assert Deployment.objects.using("platform").get(status="starting").name == "three"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_bar_fits(
    machines: list[Deployment], open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page("/deployments", role="admin", size=size)
    page.locator(".pick input[name=ids]").first.check()
    expect(page.locator(".bulk")).to_be_visible()
    assert overflow_px(page) == 0
