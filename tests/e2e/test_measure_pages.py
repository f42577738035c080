"""Charts draw, gaps stay gaps, and without a script the figures are there in words."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.conftest import Cloud
from tests.e2e.conftest import OpenPage
from tests.provisioning.figures_scenes import measured
from tests.provisioning.scenes import running


def test_charts_of_a_machine_draw_and_change_their_range(cloud: Cloud, open_page: OpenPage) -> None:
    machine = running(cloud)
    measured(machine, minutes=20)
    page = open_page(f"/deployments/{machine.pk}?tab=metrics")
    expect(page.locator("uhub-chart canvas")).to_have_count(5)
    page.get_by_role("link", name="24 hours").click()
    expect(page).to_have_url(f"{page.url.split('?')[0]}?tab=metrics&range=24h")
    expect(page.locator("#measure-cpu")).to_be_visible()

    plain = open_page(f"/deployments/{machine.pk}?tab=metrics", has_scripts=False)
    expect(plain.locator("uhub-chart svg").first).to_be_visible()
    expect(plain.get_by_text("highest").first).to_be_visible()
