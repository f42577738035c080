"""The life of a machine as a support agent sees it: pages, worker, simulator, all real."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from provisioning.models import Deployment, Webhook
from tests.conftest import Cloud, World
from tests.e2e.accessibility import axe_violations
from tests.e2e.browser import Watch, sideways
from tests.e2e.conftest import OpenPage
from tests.engine import run_until_idle
from tests.provisioning.hook_scenes import hook_spare, webhook_spare
from tests.provisioning.scenes import acted, requested, running

ACTIONS = re.compile("Start|Stop|Restart|Resize|Extend|Shorten|Hold|Lift|Delete|Try again")
TABS = ("operations", "lease", "costs", "activity")


def _state(page: Page, word: str) -> None:
    """Waits until the head says the word, without a reload."""
    expect(page.locator(".title-row .badge").first).to_have_text(word)


def _confirm(page: Page, action: str, confirm: str) -> None:
    page.locator("#actions").get_by_role("button", name=action).click()
    _answer(page, confirm)


def _answer(page: Page, confirm: str) -> None:
    """Says yes in the open dialog and waits until it was heard."""
    with page.expect_navigation():
        page.get_by_role("dialog").get_by_role("button", name=confirm).click()


def test_a_machine_lives_from_template_to_tombstone(cloud: Cloud, open_page: OpenPage) -> None:
    page = open_page("/templates")
    page.get_by_role("link", name="Create from this").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name", exact=True).fill("browser-1")
    expect(page.locator("#plan dd .mono").first).to_have_text("browser-1")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Create the machine").click()
    page.wait_for_url("**/deployments/*-*")
    _state(page, "Provisioning")
    run_until_idle()
    _state(page, "Running")
    _confirm(page, "Stop", "Stop")
    run_until_idle()
    _state(page, "Stopped")
    page.locator("#actions").get_by_role("button", name="Start", exact=True).click()
    run_until_idle()
    _state(page, "Running")
    page.locator("#actions").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_label("Name").fill("browser-1")
    _answer(page, "Delete for good")
    run_until_idle()
    _state(page, "Deleted")
    expect(page.get_by_role("heading", name="This machine is gone")).to_be_visible()
    expect(page.locator("#actions").get_by_role("button")).to_have_count(0)


def test_progress_stops_asking_when_the_operation_has_ended(
    cloud: Cloud, open_page: OpenPage
) -> None:
    deployment = requested(cloud)
    page = open_page("/operations")
    page.locator("#rows a").first.click()
    expect(page.locator("#live")).to_have_attribute("hx-trigger", "live")
    run_until_idle()
    expect(page.locator("#live .badge").first).to_have_text("Completed")
    expect(page.locator("#live")).not_to_have_attribute("hx-trigger", "live")
    expect(page.locator("#live li.completed")).not_to_have_count(0)
    assert deployment.name in page.locator("header .tags").inner_text()


def test_a_refresh_that_is_refused_leaves_the_page_alone(
    cloud: Cloud, open_page: OpenPage, watch: Watch
) -> None:
    watch.expected_statuses = {404}
    deployment = requested(cloud)
    page = open_page(f"/deployments/{deployment.pk}")
    page.evaluate(
        "document.querySelector('#live').setAttribute('hx-get', '/deployments/gone');"
        "htmx.process(document.querySelector('#live'))"
    )
    expect(page.locator("#toasts .toast")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text(deployment.name)


def test_an_open_question_survives_the_refresh_behind_it(cloud: Cloud, open_page: OpenPage) -> None:
    deployment = requested(cloud)
    page = open_page(f"/deployments/{deployment.pk}")
    page.locator("#actions").get_by_role("button", name="Delete").click()
    with page.expect_response(re.compile(r"/deployments/[0-9a-f-]+$")):
        pass
    expect(page.get_by_role("dialog")).to_contain_text(f"Delete {deployment.name}?")


def test_what_the_state_forbids_says_why(cloud: Cloud, open_page: OpenPage) -> None:
    deployment = requested(cloud)
    page = open_page(f"/deployments/{deployment.pk}")
    resize = page.get_by_role("button", name="Resize")
    expect(resize).to_have_attribute("aria-disabled", "true")
    expect(resize).to_contain_text("Wait until the current action has ended.")


def test_what_the_role_forbids_is_absent(cloud: Cloud, open_page: OpenPage) -> None:
    deployment = requested(cloud)
    page = open_page(f"/deployments/{deployment.pk}", role="viewer")
    expect(page.locator("#live").get_by_role("button", name=ACTIONS)).to_have_count(0)
    expect(page.locator("dialog:has(form[action^='/deployments/'])")).to_have_count(0)


def test_a_refusal_stands_in_its_dialog_beside_what_was_typed(
    cloud: Cloud, open_page: OpenPage, watch: Watch
) -> None:
    watch.expected_statuses = {422}
    deployment = requested(cloud)
    page = open_page(f"/deployments/{deployment.pk}")
    page.locator("#actions").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("web-2")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog).to_be_visible()
    page.evaluate("document.querySelector('#delete-dialog form').noValidate = true")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Type web-1 to delete it.")
    name = dialog.get_by_label("Name")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_value("web-2")
    assert axe_violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#actions").get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_have_count(0)
    _state(page, "Provisioning")


def test_a_resize_is_planned_while_it_is_typed(cloud: Cloud, open_page: OpenPage) -> None:
    deployment = running(cloud)
    page = open_page(f"/deployments/{deployment.pk}")
    page.get_by_role("button", name="Resize").press("Enter")
    dialog, plan = page.get_by_role("dialog"), page.locator("#resize-plan")
    expect(dialog.get_by_label("vCPU")).to_be_focused()
    expect(plan).to_contain_text("€45.26 a month")
    _type(page, "4")
    expect(plan).to_contain_text("+€29.20 from €45.26 now")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    disk = dialog.get_by_label("Disk (GiB)")
    _type(page, "1")
    expect(page.locator("#resize_disk_gb_fault")).to_contain_text("1 GiB is outside the limits")
    expect(disk).to_have_attribute("aria-invalid", "true")
    expect(disk).to_be_focused()
    expect(plan).to_contain_text("Not like this")
    assert axe_violations(page) == []
    _type(page, "40")
    expect(plan).to_contain_text("Can be resized")
    expect(disk).not_to_have_attribute("aria-invalid", "true")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    run_until_idle()
    deployment = Deployment.across_tenants.get(pk=deployment.pk)
    assert (deployment.cpu_cores, deployment.disk_gb) == (4, 40)


def _type(page: Page, text: str) -> None:
    """Over what stands in the field that has the focus."""
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_the_focus_comes_back_from_a_question(cloud: Cloud, open_page: OpenPage) -> None:
    deployment = requested(cloud)
    page = open_page(f"/deployments/{deployment.pk}")
    button = page.locator("#actions").get_by_role("button", name="Delete")
    button.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_a_question_that_was_not_there_at_first_can_be_asked(
    cloud: Cloud, open_page: OpenPage
) -> None:
    deployment = running(cloud)
    acted(cloud, deployment, "stop")
    run_until_idle()
    page = open_page(f"/deployments/{deployment.pk}", role="ops")
    _state(page, "Stopped")
    page.locator("#actions").get_by_role("button", name="Start", exact=True).click()
    run_until_idle()
    _state(page, "Running")
    _confirm(page, "Stop", "Stop")
    _state(page, "Stopping")


def test_tabs_are_addresses_and_actions_come_back_to_them(
    cloud: Cloud, open_page: OpenPage
) -> None:
    deployment = running(cloud)
    page = open_page(f"/deployments/{deployment.pk}", role="ops")
    tabs = page.get_by_role("navigation", name="Parts of the machine's page")
    tabs.get_by_role("link", name="Costs").click()
    expect(page.locator(".kpi dd.value").first).to_have_text("€45.26")
    tabs.get_by_role("link", name="Activity").click()
    expect(page.locator(".timeline b")).to_have_text(
        ["Deployment ready", "Create deployment", "Deployment requested"]
    )
    _confirm(page, "Restart", "Restart")
    page.wait_for_url("**?tab=activity")
    expect(page.locator(".timeline b").first).to_have_text("Restart")
    run_until_idle()
    expect(page.locator(".timeline b").first).to_have_text("Restarted")


def test_who_may_not_see_places_is_not_told_of_them(cloud: Cloud, open_page: OpenPage) -> None:
    deployment = running(cloud)
    page = open_page(f"/deployments/{deployment.pk}", role="support")
    assert "pve1" not in page.locator("#live").inner_text()
    assert str(deployment.vmid) not in page.locator("#live").inner_text()


@pytest.mark.parametrize(
    "tabs", [(), pytest.param(TABS, marks=pytest.mark.soak)], ids=["first", "every"]
)
def test_a_name_of_63_letters_fits(
    cloud: Cloud, open_page: OpenPage, tabs: tuple[str, ...]
) -> None:
    deployment = running(
        cloud, "a-name-of-63-letters-that-no-column-was-ever-made-for-0123456789"[:63]
    )
    paths = ["/", "/deployments", f"/deployments/{deployment.pk}", "/operations", "/audit"]
    paths += [f"/deployments/{deployment.pk}?tab={tab}" for tab in tabs]
    page = open_page("/profile", role="admin")
    wide = {}
    for path in paths:
        page.goto(path)
        wide[path] = sideways(page, is_drawn="metrics" in path)
    assert {path: faults for path, faults in wide.items() if faults} == {}


def test_hooks_whose_names_know_no_end_fit(world: World, open_page: OpenPage) -> None:
    name, url = "w" * 100, "https://example.org/" + "long" * 100
    hook, webhook = hook_spare(world, name), webhook_spare(world)
    Webhook.across_tenants.filter(pk=webhook.pk).update(name=name, url=url)
    page = open_page(f"/webhooks/{webhook.pk}", role="ops")
    assert sideways(page) == []
    page.goto(f"/hooks/{hook.pk}")
    assert sideways(page) == []
    page.get_by_role("button", name="Delete", exact=True).click()
    title = page.locator("dialog[open] h2")
    assert title.evaluate("it => it.scrollWidth <= it.parentElement.clientWidth")
