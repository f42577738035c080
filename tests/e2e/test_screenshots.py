"""Pictures of every page, dark and light, desktop and phone, into screenshots/ (`make screenshots`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import Page

from portal.kernel.tenancy import tenant_scope
from portal.models import User
from provisioning.models import Template
from tests.conftest import Cloud
from tests.e2e.browser import DESKTOP, PHONE
from tests.e2e.conftest import OpenPage
from tests.factories.provisioning import DeploymentFactory
from tests.provisioning.scenes import requested, running

pytestmark = pytest.mark.screenshots

FOLDER = Path("screenshots")
TALLEST_PX = 4000
VIEWS = [("dark", DESKTOP), ("light", DESKTOP), ("dark", PHONE)]


@pytest.fixture
def scene(cloud: Cloud) -> dict[str, str]:
    """Machines in different states; answers the addresses of the pages by name."""
    Template.objects.using("platform").filter(pk=cloud.template.pk).update(
        name="Linux utility VM", icon="terminal", description="Debian with the usual tools."
    )
    machine = running(cloud, "lab-linux-01")
    world = cloud.world
    with tenant_scope(world.north.pk), transaction.atomic():
        for name, status, health in (
            ("pbx-demo", "running", "degraded"),
            ("win-client-07", "stopped", "unknown"),
            ("ci-runner-12", "deleting", "unknown"),
            ("dev-lab-02", "error", "failed"),
        ):
            DeploymentFactory(
                name=name,
                status=status,
                health=health,
                tenant=world.north,
                owner=world.people["ops"],
                template=cloud.template,
            )
    fresh = requested(cloud, "call-4821")
    return {
        "dashboard": "/",
        "deployments": "/deployments",
        "deployment": f"/deployments/{machine.pk}",
        "deployment-provisioning": f"/deployments/{fresh.pk}",
        "deployment-choose": "/deployments/new",
        "deployment-new": "/deployments/new?template=linux-utility",
        "templates": "/templates",
        "operations": "/operations",
        "audit": "/audit",
        "profile": "/profile",
        "password-change": "/password-change",
    }


def _shoot(page: Page, name: str, size: tuple[int, int]) -> None:
    page.evaluate("document.fonts.ready")
    height = page.evaluate("document.documentElement.scrollHeight")
    # Fixed bars belong at the bottom of the picture, so the window grows instead of the picture.
    page.set_viewport_size({"width": size[0], "height": max(size[1], min(height, TALLEST_PX))})
    page.screenshot(path=FOLDER / f"{name}-{size[0]}.png")
    page.set_viewport_size({"width": size[0], "height": size[1]})


@pytest.mark.parametrize(("theme", "size"), VIEWS, ids=["dark", "light", "phone"])
def test_every_page_has_its_picture(
    scene: dict[str, str], open_page: OpenPage, theme: str, size: tuple[int, int]
) -> None:
    FOLDER.mkdir(exist_ok=True)
    User.objects.using("platform").update(theme=theme)
    bare = open_page("/sign-in", role=None, size=size)
    bare.context.add_cookies([{"name": "theme", "value": theme, "url": bare.url}])
    bare.reload()
    _shoot(bare, f"sign-in-{theme}", size)
    page = open_page("/profile", role="admin", size=size)
    for name, path in scene.items():
        page.goto(path)
        _shoot(page, f"{name}-{theme}", size)
    assert len(list(FOLDER.glob(f"*-{theme}-{size[0]}.png"))) == len(scene) + 1
