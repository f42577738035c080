"""The machine's health in a browser: what was seen, what was done, and the switch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from integrations.proxmox.interface import PowerState
from provisioning.models import Deployment
from tests.conftest import World
from tests.e2e.browser import DESKTOP, PHONE
from tests.provisioning.ward import Ward

PICTURES = os.environ.get("SCREENSHOTS")


@pytest.fixture
def machine(world: World) -> Deployment:
    """One that fell over, was healed, and has fallen over again."""
    ward = Ward(world)
    probe = {"kind": "http", "port": 8080, "path": "/healthz"}
    row = ward.deployment("shop-frontend-1", health_probe=probe, ip_addresses=["10.20.0.7"])
    ward.look(2)
    ward.fails(row)
    ward.look(4)
    ward.power(row, PowerState.RUNNING)
    ward.rule("auto_heal.enabled", True)
    ward.look()
    ward.fails(row)
    ward.look(2)
    return row


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_tab_tells_how_a_machine_is_and_switches_its_healing(
    open_page: Any, machine: Deployment, size: tuple[int, int]
) -> None:
    page = open_page(f"/deployments/{machine.pk}?tab=health", size=size)
    expect(page.locator("#live")).to_contain_text("It is off, but it is to run.")
    expect(page.locator("#live")).to_contain_text("1 / 3")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"health-{size[0]}.png", full_page=True)
        page.get_by_role("button", name="Change the probe").click()
        page.screenshot(path=Path(PICTURES) / f"health-probe-{size[0]}.png")
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Switch healing off").click()
    expect(page.locator("#live")).to_contain_text("Healing is switched off for this machine.")
