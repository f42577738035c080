"""Names in the browser: seen, added, taken away, and found again on the list."""

from __future__ import annotations

from playwright.sync_api import expect

from provisioning.models import DnsRecord
from tests.conftest import Cloud
from tests.e2e.browser import Watch
from tests.e2e.conftest import OpenPage
from tests.factories.names import names_made, zones_made
from tests.provisioning.names import Names, machine_named, name_server_process, names
from tests.provisioning.scenes import requested

__all__ = ["name_server_process", "names"]


def test_a_name_is_added_in_a_dialog_and_refused_beside_what_was_typed(
    open_page: OpenPage, cloud: Cloud, names: Names, watch: Watch
) -> None:
    watch.expected_statuses = {422}
    machine = machine_named(cloud, "web-1")
    page = open_page(f"/deployments/{machine.pk}?tab=names", role="ops")
    page.get_by_role("button", name="Add a name").click()
    dialog = page.get_by_role("dialog", name="Add a name")
    dialog.get_by_label("Name").fill("web-1.elsewhere.test")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog).to_contain_text("It lies in no zone of your organisation.")
    dialog.get_by_label("Name").fill("www")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_role("table", name="Names")).to_contain_text("www.north.demo.test")


def test_a_name_is_taken_away_without_scripts(open_page: OpenPage, cloud: Cloud) -> None:
    machine = requested(cloud, "lab")
    names_made(zones_made(), machine)
    page = open_page(f"/deployments/{machine.pk}?tab=names", role="ops", has_scripts=False)
    page.get_by_role("button", name="Remove www.demo.uhub.local (A)").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("www.demo.uhub.local is being removed.")).to_be_visible()
    assert DnsRecord.across_tenants.get(hostname="www.demo.uhub.local").status == "removed"


def test_who_only_looks_is_offered_nothing(open_page: OpenPage, cloud: Cloud) -> None:
    machine = requested(cloud, "lab")
    names_made(zones_made(), machine)
    page = open_page(f"/deployments/{machine.pk}?tab=names", role="viewer")
    expect(page.get_by_role("table", name="Names")).to_contain_text("lab.demo.uhub.local")
    expect(page.get_by_role("button", name="Add a name")).to_have_count(0)
    expect(page.get_by_role("button", name="Set again")).to_have_count(0)


def test_the_list_leads_to_the_machine_and_compares_a_zone(
    open_page: OpenPage, cloud: Cloud
) -> None:
    machine = requested(cloud, "lab")
    names_made(zones_made(), machine)
    page = open_page("/dns", role="ops")
    page.get_by_role("button", name="Compare demo.uhub.local").click()
    expect(page.get_by_text("The zone is being compared with its name server.")).to_be_visible()
    page.get_by_role("link", name="api.demo.uhub.local").click()
    expect(page.get_by_text("There is now:")).to_be_visible()


def test_the_plan_says_the_full_name(open_page: OpenPage, cloud: Cloud) -> None:
    zones_made()
    page = open_page("/deployments/new/network?template=linux-utility&name=shop", role="ops")
    expect(page.get_by_role("complementary", name="Plan")).to_contain_text(
        "shop.north.demo.uhub.local"
    )
