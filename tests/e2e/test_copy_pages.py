"""Snapshots and backups in the browser: asked for, restored, scheduled."""

from __future__ import annotations

import os

from playwright.sync_api import Page, expect

from tests.conftest import Cloud
from tests.e2e.browser import PHONE, overflow_px
from tests.e2e.conftest import OpenPage
from tests.engine import run_until_idle
from tests.provisioning.copies import scenes
from tests.provisioning.scenes import reloaded, running


def _answer(page: Page, confirm: str) -> None:
    """Says yes in the open dialog and waits until it was heard."""
    with page.expect_navigation():
        page.get_by_role("dialog").get_by_role("button", name=confirm).click()


def _shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_machine_is_backed_up_and_brought_back(cloud: Cloud, open_page: OpenPage) -> None:
    deployment = running(cloud, "web-04")
    page = open_page(f"/deployments/{deployment.pk}?tab=copies")

    page.get_by_role("button", name="Take a snapshot").click()
    page.locator("#snapshot_name").fill("before-update")
    _answer(page, "Take it")
    run_until_idle()
    expect(page.get_by_text("before-update").first).to_be_visible()
    page.get_by_role("button", name="Back up now").click()
    _shot(page, "dialog")
    _answer(page, "Back up")
    _shot(page, "running")
    run_until_idle()
    expect(page.get_by_text("Complete").first).to_be_visible()
    _shot(page, "tab")
    saved = scenes.disk_bytes(cloud, deployment.vmid)
    scenes.stopped(cloud, deployment)
    page.reload()
    page.locator("#backups a[data-row-link], a[data-row-link]").first.click()
    _shot(page, "detail")
    page.get_by_role("button", name="Restore the machine").click()
    _shot(page, "restore")
    _answer(page, "Restore")
    run_until_idle()

    row = reloaded(deployment)
    assert (row.status, row.attention) == ("stopped", None)
    assert scenes.disk_bytes(cloud, deployment.vmid) == saved


def test_a_schedule_is_set_in_the_list(cloud: Cloud, open_page: OpenPage) -> None:
    scenes.backed_up(cloud, running(cloud, "web-04"))
    page = open_page("/backups")

    page.get_by_role("button", name="New schedule").click()
    page.locator("#schedule_name").fill("Nightly")
    page.locator("#schedule_deployment_id").select_option(label="web-04")
    _shot(page, "schedule")
    _answer(page, "Set it")

    expect(page.get_by_text("Nightly").first).to_be_visible()
    _shot(page, "list")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert overflow_px(page) == 0
    _shot(page, "phone")
