"""Signing in, the shell, themes, menus: in a real browser, under the real content security policy."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.browser import PHONE, Watch
from tests.e2e.conftest import OpenPage
from tests.factories.accounts import PASSWORD


def test_a_person_signs_in_and_lands_where_he_wanted_to_go(open_page: OpenPage) -> None:
    page = open_page("/profile", role=None)
    page.get_by_label("User name").fill("support-north")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/profile")
    assert page.get_by_role("heading", level=1).inner_text() == "Profile"


def test_a_wrong_password_is_told_without_saying_which(open_page: OpenPage, watch: Watch) -> None:
    watch.expected_statuses = {422}
    page = open_page("/sign-in", role=None)
    page.get_by_label("User name").fill("support-north")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_signing_out_ends_the_session(open_page: OpenPage) -> None:
    page = open_page("/profile")
    page.locator("summary.user").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    page.goto("/profile")
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"


def test_the_theme_turns_at_once_and_is_kept(open_page: OpenPage) -> None:
    page = open_page("/profile")
    before = page.get_attribute("html", "data-theme")
    with page.expect_response("**/theme") as answer:
        page.get_by_role("button", name="Change the theme").click()
    assert answer.value.status == 204
    page.reload()
    assert (before, page.get_attribute("html", "data-theme")) == ("dark", "light")


def test_saving_the_profile_says_so_in_a_toast(open_page: OpenPage) -> None:
    page = open_page("/profile")
    page.get_by_label("Display name").fill("Amélie MOREL")
    page.get_by_role("button", name="Save").click()
    page.locator("#toasts .toast").wait_for()
    expect(page.locator("summary.user")).to_contain_text("Amélie MOREL")


def test_the_first_tab_stop_skips_to_the_content(open_page: OpenPage) -> None:
    page = open_page("/profile")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"


def test_escape_closes_a_menu_and_gives_the_focus_back(open_page: OpenPage) -> None:
    page = open_page("/profile")
    page.locator("summary.user").click()
    page.keyboard.press("Escape")
    expect(page.locator("summary.user")).to_be_focused()
    expect(page.locator("details.menu[open]")).to_have_count(0)


def test_on_a_phone_the_side_bar_is_a_drawer(open_page: OpenPage) -> None:
    page = open_page("/profile", size=PHONE)
    assert not page.locator("#sidebar").is_visible()
    page.get_by_role("button", name="More").click()
    page.locator("#sidebar").wait_for(state="visible")
