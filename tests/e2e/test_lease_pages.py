"""The lease in a browser: asking for more, deciding on it, holding with a reason."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import formats, timezone
from playwright.sync_api import Page, expect

from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from provisioning.models import Deployment
from provisioning.services.expiry import expiry_sweep
from provisioning.services.leases import deployment_extend
from tests.conftest import World
from tests.e2e.browser import DESKTOP, PHONE, Watch, overflow_px
from tests.e2e.conftest import OpenPage
from tests.engine import run_until_idle
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper

HOUR = timedelta(hours=1)


@pytest.fixture
def warned(world: World) -> Deployment:
    """A machine in its grace, its owner warned twice and asking for more."""
    template = TemplateFactory(code="linux-utility", name="Linux utility", cluster=ClusterFactory())
    now = clock.now()
    row = paper.deployment(
        world,
        template,
        name="web-1",
        lease_set_at=now - 200 * HOUR,
        expires_at=now + 20 * HOUR,
    )
    expiry_sweep()
    run_until_idle()
    Deployment.across_tenants.filter(pk=row.pk).update(
        status="stopped",
        expires_at=now - 60 * HOUR,
        expired_at=now - 60 * HOUR,
        delete_after=now + 12 * HOUR,
    )
    expiry_sweep()
    run_until_idle()
    with tenant_scope(world.north.pk):
        deployment_extend(
            actor=world.actor("support"),
            deployment_id=row.pk,
            hours=400,
            reason="The customer tests the migration until the end of the month",
        )
    return row


def _dialog(page: Page, place: str, button: str) -> Page:
    page.locator(place).get_by_role("button", name=button, exact=True).click()
    return page


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_request_is_approved_on_the_page(
    warned: Deployment, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(f"/deployments/{warned.pk}?tab=lease", role="ops", size=size)
    card = page.locator("section[aria-labelledby=lease]")
    expect(card).to_contain_text("Support-North PERSON asks for 400 h more")
    warnings = page.locator("section[aria-labelledby=warnings]")
    expect(warnings).to_contain_text("Deletion · 24 h")
    expect(warnings).to_contain_text("delivered")
    assert overflow_px(page) == 0
    _dialog(page, "section[aria-labelledby=lease]", "Approve")
    page.get_by_role("dialog").get_by_label("Reason").fill("Agreed")
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_text("The extension is approved.")).to_be_visible()
    expect(page.locator("section[aria-labelledby=requests]")).to_contain_text("400 h · Approved")


def test_more_than_the_rules_is_asked_for_in_the_dialog(
    warned: Deployment, open_page: OpenPage, watch: Watch
) -> None:
    watch.expected_statuses = {422}
    page = open_page(f"/deployments/{warned.pk}")
    page.get_by_role("button", name="Withdraw").click()
    _dialog(page, "#actions", "Extend")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Another span").fill("8 d 8 h")
    dialog.get_by_role("button", name="Extend").last.click()
    expect(dialog.get_by_role("alert")).to_contain_text("more than the 168 h")
    dialog.get_by_label("Reason").fill("Until May")
    dialog.get_by_role("button", name="Extend").last.click()
    expect(page.get_by_text("200 h are asked for")).to_be_visible()


def test_a_hold_shows_its_reason(warned: Deployment, open_page: OpenPage) -> None:
    page = open_page(f"/deployments/{warned.pk}", role="ops")
    _dialog(page, "section[aria-labelledby=lease]", "Hold")
    page.get_by_role("dialog").get_by_label("Reason").fill("Evidence for the audit")
    page.get_by_role("dialog").get_by_role("button", name="Hold").click()
    expect(page.locator("section[aria-labelledby=lease]")).to_contain_text("Evidence for the audit")


def test_a_day_more_is_one_button_and_said_with_its_price(
    world: World, open_page: OpenPage
) -> None:
    template = TemplateFactory(code="linux-utility", cluster=ClusterFactory())
    row = paper.deployment(world, template, name="web-1", expires_at=clock.now() + 20 * HOUR)
    page = open_page(f"/deployments/{row.pk}")
    _dialog(page, "#actions", "Extend")
    day = page.get_by_role("dialog").get_by_role("button", name="+ 24 h")
    expect(day).to_contain_text("+ €1.49")
    Deployment.across_tenants.filter(pk=row.pk).update(expires_at=row.expires_at + 100 * HOUR)
    moved = timezone.localtime(row.expires_at + 124 * HOUR, ZoneInfo("Europe/Paris"))
    until = formats.date_format(moved, "j M Y, H:i")
    page.evaluate("document.querySelector('#live').dispatchEvent(new CustomEvent('live'))")
    expect(day).to_contain_text(until)
    expect(page.get_by_role("dialog")).to_be_visible()
    day.click()
    expect(page.get_by_text(f"The lease now ends on {until}.")).to_be_visible()


def test_a_lease_is_shortened(world: World, open_page: OpenPage) -> None:
    template = TemplateFactory(code="linux-utility", cluster=ClusterFactory())
    row = paper.deployment(world, template, name="web-1", expires_at=clock.now() + 60 * HOUR)
    page = open_page(f"/deployments/{row.pk}?tab=lease")
    _dialog(page, "section[aria-labelledby=lease]", "Shorten")
    page.get_by_role("dialog").get_by_label("Sooner by").fill("1 d 12 h")
    page.get_by_role("dialog").get_by_role("button", name="Shorten").click()
    expect(page.get_by_text("The lease now ends on")).to_be_visible()
    assert Deployment.across_tenants.get().expires_at == row.expires_at - 36 * HOUR
