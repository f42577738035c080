"""Stuck work in a browser: what is rolled back is asked for in a dialog that tells what is missing."""

from __future__ import annotations

from django.db import transaction
from playwright.sync_api import expect

from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.models import Deployment
from tests.conftest import World
from tests.e2e.browser import Watch
from tests.e2e.conftest import OpenPage
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory


def staff(world: World) -> None:
    person = UserFactory(username="staff", is_platform_admin=True)
    MembershipFactory(user=person, tenant=world.north, role="admin")
    world.people["staff"] = person


def test_a_rollback_is_asked_for_in_a_dialog(
    world: World, open_page: OpenPage, watch: Watch
) -> None:
    staff(world)
    watch.expected_statuses = {422}
    template = TemplateFactory(cluster=ClusterFactory())
    with tenant_scope(world.north.pk), transaction.atomic():
        broken = DeploymentFactory(
            tenant=world.north,
            owner=world.people["ops"],
            template=template,
            name="web-9",
            status="error",
        )
    page = open_page("/stuck-work", role="staff")
    page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog", name="Roll back web-9?")
    dialog.get_by_label("Reason").fill("half a clone")
    dialog.get_by_label("Type").fill("wrong")
    dialog.get_by_role("button", name="Roll back").click()
    expect(dialog.get_by_text("to confirm.")).to_be_visible()
    dialog.get_by_label("Type").fill(str(broken.pk)[-8:])
    dialog.get_by_role("button", name="Roll back").click()

    expect(page.get_by_text("It is being rolled back.")).to_be_visible()
    assert Deployment.across_tenants.get(pk=broken.pk).status == "deleting"
    assert Operation.across_tenants.get(target_id=broken.pk).type == "pod.destroy"
