"""Findings in a browser: at both sizes, and a decision without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.models import User
from provisioning.models import Deployment
from tests.conftest import World
from tests.e2e.accessibility import axe_violations
from tests.e2e.browser import DESKTOP, PHONE, Watch
from tests.e2e.conftest import OpenPage
from tests.provisioning.twin import Twin, finding


@pytest.fixture
def twin(world: World) -> Twin:
    built = Twin(world)
    row = built.deployment("shop-frontend-1")
    built.fake.guest_change(row.vmid, cores=6, memory_mb=8192, name="renamed-by-hand")
    other = built.deployment("pbx-berlin")
    built.fake.replace_guest(other.vmid)
    built.sweep()
    return built


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_list_and_detail_fit(twin: Twin, open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page("/findings", role="ops", size=size)
    assert page.locator("tbody tr").count() == 2
    page.goto(f"/findings/{finding('drift').pk}")
    assert page.get_by_role("heading", name="Changed outside").is_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]


def test_a_finding_is_closed_in_its_dialog(twin: Twin, open_page: OpenPage) -> None:
    page = open_page(f"/findings/{finding('drift').pk}", role="ops")
    page.get_by_role("button", name="Close", exact=True).first.click()
    page.locator("#close-dialog textarea").fill("Agreed with Kim.")
    page.locator("#close-dialog button[type=submit]").click()
    page.get_by_text("It is closed until it changes.").wait_for()
    assert finding("drift").status == "closed"


def test_a_machine_of_nobody_is_adopted_by_keyboard(
    world: World, open_page: OpenPage, watch: Watch
) -> None:
    watch.expected_statuses = {422}
    twin = Twin(world)
    twin.deployment("web-1")
    twin.fake.guest_add(20_777, name="lost", pool="uhub")
    twin.sweep()
    User.objects.using("platform").update(is_platform_admin=True)
    page = open_page(f"/findings/{finding('orphan').pk}", role="admin")
    page.get_by_role("button", name="Adopt", exact=True).first.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Lost")
    whose = dialog.get_by_role("combobox", name="Organisation and owner")
    whose.focus()
    page.keyboard.type("north ops")
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.type("ops-n")
    expect(page.locator("#adopt_receiver-list li")).to_have_count(1)
    assert axe_violations(page) == []
    page.keyboard.press("Enter")
    expect(whose).to_have_value(f"North · {world.people['ops']}")
    page.keyboard.press("Enter")
    expect(page.locator("#adopt_name_fault")).to_contain_text("Use 1 to 63 lower-case letters")
    expect(dialog.get_by_label("Name")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Control+A")
    page.keyboard.type("lost-1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert Deployment.across_tenants.get(name="lost-1").owner_id == world.people["ops"].pk
