"""Findings in a browser: at both sizes, and a decision without scripts."""

from __future__ import annotations

import pytest

from tests.conftest import World
from tests.e2e.browser import DESKTOP, PHONE
from tests.e2e.conftest import OpenPage
from tests.provisioning.twin import Twin, finding


@pytest.fixture
def twin(world: World) -> Twin:
    built = Twin(world)
    row = built.deployment("shop-frontend-1")
    built.fake.guest_change(row.vmid, cores=6, memory_mb=8192, name="renamed-by-hand")
    other = built.deployment("pbx-berlin")
    built.fake.replace_guest(other.vmid)
    built.sweep()
    return built


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_list_and_detail_fit(twin: Twin, open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page("/findings", role="ops", size=size)
    assert page.locator("tbody tr").count() == 2
    page.goto(f"/findings/{finding('drift').pk}")
    assert page.get_by_role("heading", name="Changed outside").is_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]


def test_a_finding_is_closed_in_its_dialog(twin: Twin, open_page: OpenPage) -> None:
    page = open_page(f"/findings/{finding('drift').pk}", role="ops")
    page.get_by_role("button", name="Close", exact=True).first.click()
    page.locator("#close-dialog textarea").fill("Agreed with Kim.")
    page.locator("#close-dialog button[type=submit]").click()
    page.get_by_text("It is closed until it changes.").wait_for()
    assert finding("drift").status == "closed"
