"""What every page keeps to: nothing for axe, nothing sideways, light, still, and readable without scripts.

A page is opened once for all of it: in the dark, then in the light, then narrower and narrower.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Page

from portal.models import User
from tests.e2e.accessibility import axe_violations, contrast_violations
from tests.e2e.browser import PHONE, SETTLED, sideways
from tests.e2e.catalogue import Sight
from tests.e2e.conftest import Look

HTML_LIMIT_BYTES = 60_000
SCRIPT_LIMIT_BYTES, DRAWN_BYTES = 30_000, 90_000
SHIFT_LIMIT = 0.02
PARTS = 3
_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({type: "layout-shift", buffered: true});"""
_SCRIPTS = """performance.getEntriesByType("resource").map((one) => one.name)
  .filter((name) => new URL(name).pathname.endsWith(".js"))"""
_LIGHT = "document.documentElement.dataset.theme = 'light'"


@cache
def _compressed_bytes(path: Path) -> int:
    return len(gzip.compress(path.read_bytes()))


def _script_bytes(page: Page) -> int:
    """The scripts a page has loaded, as a server sends them compressed."""
    paths = {urlsplit(address).path for address in page.evaluate(_SCRIPTS)}
    assert paths, page.url
    static = Path(settings.STATIC_ROOT)
    return sum(_compressed_bytes(static / path.removeprefix("/static/")) for path in paths)


def _weight_faults(page: Page, sight: Sight) -> list[str]:
    page.evaluate(SETTLED)
    most_bytes = DRAWN_BYTES if sight.is_drawn else SCRIPT_LIMIT_BYTES
    measured = (
        ("of HTML", len(gzip.compress(page.content().encode())), HTML_LIMIT_BYTES),
        ("of scripts", _script_bytes(page), most_bytes),
        ("shifted", page.evaluate("window.shifted"), SHIFT_LIMIT),
    )
    return [f"{value} {what} of {limit}" for what, value, limit in measured if value > limit]


def _faults(page: Page, sight: Sight) -> list[str]:
    found = _weight_faults(page, sight)
    found += axe_violations(page, shows_twice=sight.name == "components")
    page.evaluate(_LIGHT)
    found += [f"light: {one}" for one in contrast_violations(page)]
    return found + sideways(page)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_keeps_its_budgets(sights: list[Sight], look: Look, part: int) -> None:
    User.objects.using("platform").update(theme="dark")
    found = {one.name: _faults(look(one, before=_SHIFTS), one) for one in sights[part::PARTS]}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_pages_can_be_read_without_scripts(sights: list[Sight], look: Look) -> None:
    for sight in sights:
        page = look(sight, size=PHONE, has_scripts=False)
        assert page.locator("h1").first.inner_text().strip(), sight.name
        assert page.locator("main").first.is_visible(), sight.name
