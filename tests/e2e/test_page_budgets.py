"""What a page may weigh, how much of it may jump, and that it can be read without scripts."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from playwright.sync_api import Page, Response

from tests.e2e.browser import PHONE
from tests.e2e.catalogue import Sight
from tests.e2e.conftest import Look

HTML_LIMIT_BYTES = 60_000
SCRIPT_LIMIT_BYTES, WITH_CHARTS_BYTES = 30_000, 90_000
SHIFT_LIMIT = 0.02
_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({type: "layout-shift", buffered: true});"""
_SETTLED = "document.fonts.ready.then(() => new Promise(requestAnimationFrame))"


class Scale:
    """Weighs the scripts a page loads, as a server sends them compressed."""

    def __init__(self, page: Page) -> None:
        self.script_bytes = 0
        page.on("response", self._response)

    def _response(self, response: Response) -> None:
        if response.request.resource_type == "script":
            path = Path(settings.STATIC_ROOT, urlsplit(response.url).path.removeprefix("/static/"))
            self.script_bytes += len(gzip.compress(path.read_bytes()))


def test_pages_are_light_and_do_not_jump(sights: list[Sight], look: Look) -> None:
    found: dict[str, Any] = {}
    watched = set()
    for sight in sights:
        page = look(sight)
        if page not in watched:
            watched.add(page)
            page.add_init_script(_SHIFTS)
        most_bytes = WITH_CHARTS_BYTES if sight.name == "components" else SCRIPT_LIMIT_BYTES
        scale = Scale(page)
        page.reload()
        page.evaluate(_SETTLED)
        shifted = page.evaluate("window.shifted")
        html_bytes = len(gzip.compress(page.content().encode()))
        found[sight.name] = (
            html_bytes <= HTML_LIMIT_BYTES,
            scale.script_bytes <= most_bytes,
            shifted <= SHIFT_LIMIT,
        )
    assert {name: three for name, three in found.items() if three != (True, True, True)} == {}


def test_pages_can_be_read_without_scripts(sights: list[Sight], look: Look) -> None:
    for sight in sights:
        page = look(sight, size=PHONE, has_scripts=False)
        assert page.locator("h1").first.inner_text().strip(), sight.name
        assert page.locator("main").first.is_visible(), sight.name
