"""The infrastructure as operators see it and take it in and out of service."""

from __future__ import annotations

import pytest

from portal.models import User
from provisioning.models import Node
from provisioning.services.observation import cluster_look
from tests.conftest import Cloud
from tests.e2e.browser import DESKTOP, PHONE
from tests.e2e.conftest import OpenPage


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_node_is_taken_out_of_service_and_back(
    cloud: Cloud, open_page: OpenPage, size: tuple[int, int]
) -> None:
    cluster_look(cloud.cluster)
    User.objects.using("platform").filter(pk=cloud.world.people["admin"].pk).update(
        is_platform_admin=True
    )
    page = open_page("/infrastructure", role="admin", size=size)
    node = Node.objects.using("platform").get(name="pve2")
    page.click(f"button[commandfor='maintenance-{node.pk}']")
    page.fill(f"#maintenance-{node.pk}-reason", "New memory modules")
    page.click(f"#maintenance-{node.pk} button[type=submit]")
    page.wait_for_selector("text=pve2 is in maintenance.")
    node.refresh_from_db(using="platform")
    assert (node.is_in_maintenance, node.maintenance_reason) == (True, "New memory modules")
    page.click("button:has-text('End maintenance')")
    page.wait_for_selector("text=pve2 is in service again.")
    node.refresh_from_db(using="platform")
    assert (node.is_in_maintenance, node.maintenance_since) == (False, None)
