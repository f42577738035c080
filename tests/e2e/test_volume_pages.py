"""Volumes in a browser: adding one with its plan, growing, detaching, attaching elsewhere, deleting."""

from __future__ import annotations

from django.db import transaction
from playwright.sync_api import Page, expect

from portal.kernel.tenancy import tenant_scope
from provisioning.models import Volume
from tests.conftest import Cloud, World
from tests.e2e.browser import Watch
from tests.e2e.conftest import OpenPage
from tests.engine import run_until_idle
from tests.factories.provisioning import ClusterFactory, TemplateFactory, VolumeFactory
from tests.provisioning import paper, scenes
from tests.provisioning import volume_scenes as play


def _dialog(page: Page, button: str) -> Page:
    page.get_by_role("button", name=button, exact=True).first.click()
    return page


def _confirm(page: Page, button: str) -> None:
    page.locator("dialog[open]").get_by_role("button", name=button, exact=True).click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    run_until_idle()


def test_volume_lives_its_life_on_the_pages(cloud: Cloud, open_page: OpenPage) -> None:
    first, second = scenes.running(cloud, "web-1"), scenes.running(cloud, "web-2")
    page = open_page(f"/deployments/{first.pk}?tab=volumes", role="ops")
    _dialog(page, "Add a volume").locator("#volume_name").fill("data-1")
    page.locator("#volume_size_gb").fill("25")
    expect(page.locator("#volume-plan")).to_contain_text("a month")
    _confirm(page, "Create and attach")
    expect(page.locator("#live")).to_contain_text("Attached")
    page.get_by_role("link", name="data-1").first.click()
    _dialog(page, "Grow").locator("dialog[open] input[name=size_gb]").fill("30")
    _confirm(page, "Grow")
    expect(page.locator("#live")).to_contain_text("30")
    _dialog(page, "Detach")
    _confirm(page, "Detach")
    expect(page.locator("#live")).to_contain_text("Detached")
    _dialog(page, "Attach").locator("#attach-target").select_option(label="web-2")
    _confirm(page, "Attach")
    expect(page.locator("#live")).to_contain_text("web-2")
    _dialog(page, "Delete").locator("#volume-delete-name").fill("data-1")
    _confirm(page, "Delete for good")
    expect(page.locator("#live")).to_contain_text("Deleted")
    row = Volume.across_tenants.get(name="data-1")
    assert (row.status, row.deployment_id, play.disks(cloud, row)) == ("deleted", second.pk, [])


def test_deletion_wants_the_name_and_keeps_what_was_typed(
    world: World, open_page: OpenPage, watch: Watch
) -> None:
    watch.expected_statuses = {422}
    template = TemplateFactory(code="linux-utility", cluster=ClusterFactory())
    deployment = paper.deployment(world, template, name="web-1")
    with tenant_scope(world.north.pk), transaction.atomic():
        row = VolumeFactory(deployment=deployment, name="data-1", slot="scsi1")
    page = open_page(f"/volumes/{row.pk}", role="ops")
    _dialog(page, "Delete").locator("#volume-delete-name").fill("another")
    page.locator("dialog[open]").get_by_role("button", name="Delete for good").click()
    expect(page.locator("dialog[open] .faults")).to_contain_text("Type data-1 to confirm.")
    assert Volume.across_tenants.get(pk=row.pk).status == "attached"
