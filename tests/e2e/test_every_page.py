"""What every page keeps to: nothing for axe, nothing sideways, light, still, and readable without scripts.

A page is opened once for all of it: in the dark, then in the light, then narrower and narrower.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from portal.models import User
from tests.conftest import Cloud
from tests.e2e.accessibility import axe_violations, contrast_violations
from tests.e2e.browser import PHONE, sideways
from tests.e2e.catalogue import Sight
from tests.e2e.conftest import Look

HTML_LIMIT_BYTES = 60_000
SCRIPT_LIMIT_BYTES, DRAWN_BYTES = 30_000, 90_000
SHIFT_LIMIT = 0.02
PARTS = 3
# One of each way a page is made: bare, cards, a table, tabs, a form, and one that draws.
TELLING = {"sign-in", "dashboard", "audit", "deployment", "hook-new", "deployment-metrics"}
_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({type: "layout-shift", buffered: true});"""
_MEASURED = """async () => {
  await document.fonts.ready;
  await new Promise(requestAnimationFrame);
  const names = performance.getEntriesByType("resource").map((one) => new URL(one.name).pathname);
  return {
    html: document.documentElement.outerHTML,
    scripts: [...new Set(names.filter((name) => name.endsWith(".js")))],
    shifted: window.shifted,
  };
}"""
_LIGHT = "document.documentElement.dataset.theme = 'light'"


@cache
def _compressed_bytes(path: Path) -> int:
    return len(gzip.compress(path.read_bytes()))


def _script_bytes(paths: list[str]) -> int:
    """The scripts a page has loaded, as a server sends them compressed."""
    static = Path(settings.STATIC_ROOT)
    return sum(_compressed_bytes(static / path.removeprefix("/static/")) for path in paths)


def _weight_faults(page: Page, sight: Sight) -> list[str]:
    seen = page.evaluate(_MEASURED)
    assert seen["scripts"], page.url
    most_bytes = DRAWN_BYTES if sight.is_drawn else SCRIPT_LIMIT_BYTES
    measured = (
        ("of HTML", len(gzip.compress(seen["html"].encode())), HTML_LIMIT_BYTES),
        ("of scripts", _script_bytes(seen["scripts"]), most_bytes),
        ("shifted", seen["shifted"], SHIFT_LIMIT),
    )
    return [f"{value} {what} of {limit}" for what, value, limit in measured if value > limit]


def _faults(page: Page, sight: Sight) -> list[str]:
    found = _weight_faults(page, sight)
    found += axe_violations(page, shows_twice=sight.name == "components")
    page.evaluate(_LIGHT)
    found += [f"light: {one}" for one in contrast_violations(page)]
    return found + sideways(page, is_drawn=sight.is_drawn)


def _client(cloud: Cloud, role: str | None) -> Client:
    client = Client()
    if role is not None:
        client.force_login(cloud.world.people[role])
    return client


def _found(sights: list[Sight], look: Look) -> dict[str, list[str]]:
    User.objects.using("platform").update(theme="dark")
    found = {one.name: _faults(look(one, before=_SHIFTS), one) for one in sights}
    return {name: faults for name, faults in found.items() if faults}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_keeps_its_budgets(sights: list[Sight], look: Look, part: int) -> None:
    assert _found([one for one in sights if not one.is_other_state][part::PARTS], look) == {}


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_other_states_of_pages_keep_their_budgets(sights: list[Sight], look: Look) -> None:
    assert _found([one for one in sights if one.is_other_state], look) == {}


def test_every_page_has_its_heading_before_any_script(cloud: Cloud, sights: list[Sight]) -> None:
    """What the server sends names the page already, and hides nothing that a script would have to show."""
    clients = {role: _client(cloud, role) for role in {one.role for one in sights}}
    silent = {}
    for one in sights:
        html = clients[one.role].get(one.path).content.decode()
        heading = re.search(r"<h1\b(?![^>]*\bhidden)[^>]*>(.*?)</h1>", html, re.DOTALL)
        main = re.search(r"<main\b[^>]*>", html)
        is_said = heading is not None and re.sub(r"<[^>]*>", "", heading[1]).strip()
        if not is_said or main is None or " hidden" in main[0]:
            silent[one.name] = html[:200]
    assert silent == {}


def _read(sights: list[Sight], look: Look) -> None:
    for sight in sights:
        page = look(sight, size=PHONE, has_scripts=False)
        assert page.locator("h1").first.inner_text().strip(), sight.name
        assert page.locator("main").first.is_visible(), sight.name


def test_pages_can_be_read_without_scripts(sights: list[Sight], look: Look) -> None:
    read = [one for one in sights if one.name in TELLING]
    assert len(read) == len(TELLING)
    _read(read, look)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_every_page_can_be_read_without_scripts(sights: list[Sight], look: Look) -> None:
    _read(sights, look)
