"""The shell in a browser: keys, the state of the stream, menus, and all of it without scripts."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from portal.models import User
from tests.e2e.browser import PHONE, Watch
from tests.e2e.conftest import OpenPage

_ENDLESS = """() => document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().iterations === Infinity)
  .map((one) => one.animationName)"""


def _goes_to(page: Page, *keys: str, path: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(f"{re.escape(path)}$"))


def test_keys_go_places_and_are_listed(open_page: OpenPage) -> None:
    page = open_page("/profile", role="ops")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("New deployment")).to_be_visible()
    expect(dialog.locator("dt").get_by_text("Deployments", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    _goes_to(page, "g", "d", path="/deployments")
    _goes_to(page, "n", path="/deployments/new")
    _goes_to(page, "g", "h", path="/")


def test_a_page_at_rest_draws_nothing(open_page: OpenPage) -> None:
    # What never ends is drawn anew sixty times a second, and each key waits for such a frame.
    page = open_page("/", role="ops")
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(_ENDLESS) == []


def test_keys_are_letters_while_somebody_types(open_page: OpenPage) -> None:
    page = open_page("/profile", role="ops")
    page.get_by_label("Display name").fill("")
    page.keyboard.type("n gd?")
    expect(page.get_by_label("Display name")).to_have_value("n gd?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_keys_can_be_switched_off(open_page: OpenPage) -> None:
    User.objects.using("platform").update(has_shortcuts=False)
    page = open_page("/profile", role="ops")
    page.keyboard.press("?")
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    expect(page).to_have_url(re.compile("/profile$"))


def test_a_lost_network_is_shown_said_once_and_recovers(open_page: OpenPage, watch: Watch) -> None:
    page = open_page("/operations", role="ops")
    pill = page.locator("[data-live-pill]")
    page.context.set_offline(True)
    expect(pill).to_contain_text("Offline")
    expect(page.locator("[data-toast=offline]")).to_have_count(1)
    page.context.set_offline(False)
    expect(pill).not_to_contain_text("Offline")
    expect(page.locator("[data-toast=offline]")).to_have_count(0)
    expect(page.locator("[data-toast=online]")).to_have_count(1)
    watch.faults[:] = [fault for fault in watch.faults if "ERR_INTERNET" not in fault]


def test_a_zone_is_found_by_its_city(open_page: OpenPage) -> None:
    page = open_page("/profile")
    page.get_by_role("combobox", name="Time zone").fill("kolk")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save").click()
    page.locator("#toasts .toast").wait_for()
    assert User.objects.get(username="support-north").timezone == "Asia/Kolkata"


def test_rules_of_a_password_are_ticked_while_one_types(open_page: OpenPage) -> None:
    page = open_page("/password-change")
    page.get_by_label("New password", exact=True).fill("support-north-2")
    met = page.locator(".rules .met")
    expect(met).to_have_text([re.compile("At least 12"), re.compile("Another one")])
    page.get_by_label("New password", exact=True).fill("tremendous zebra")
    page.get_by_label("New password again").fill("tremendous zebra")
    expect(met).to_have_count(4)


def test_theme_language_and_the_way_out_need_no_script(open_page: OpenPage) -> None:
    page = open_page("/profile", has_scripts=False)
    page.locator("summary.user").click()
    page.get_by_role("button", name="Light", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator("summary.user").click()
    page.get_by_role("button", name="FR, Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")


def test_the_drawer_opens_and_closes_without_a_script(open_page: OpenPage) -> None:
    page = open_page("/profile", size=PHONE, has_scripts=False)
    page.get_by_role("button", name="Open the menu").click()
    expect(page.locator("#sidebar")).to_be_visible()
    page.get_by_role("button", name="Close the menu").click()
    expect(page.locator("#sidebar")).to_be_hidden()


def _group(page: Page, name: str) -> Locator:
    return page.locator(".nav-group").filter(has=page.locator("summary", has_text=name))


def test_groups_fold_by_key_and_stay_as_they_were_left(open_page: OpenPage) -> None:
    page = open_page("/profile", role="admin")
    platform = _group(page, "Platform")
    expect(platform).to_have_attribute("open", "")
    platform.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(platform).not_to_have_attribute("open", "")
    page.goto("/deployments")
    expect(_group(page, "Platform")).not_to_have_attribute("open", "")
    page.goto("/infrastructure")
    expect(_group(page, "Platform")).to_have_attribute("open", "")
    expect(page.locator(".nav [aria-current]")).to_have_text("Infrastructure")


def test_groups_unfold_without_a_script(open_page: OpenPage) -> None:
    page = open_page("/profile", role="admin", has_scripts=False)
    link = page.get_by_role("link", name="Infrastructure")
    _group(page, "Platform").locator("summary").click()
    expect(link).to_be_hidden()
    _group(page, "Platform").locator("summary").click()
    expect(link).to_be_visible()
