"""What a person feels: largest paint, answer to a key, jumps, and Lighthouse, in a real browser.

No ratios: absolute figures of this machine, reported and never a gate. Aims are those of the design:
largest paint within a second, an answer to a key within 100 ms, Lighthouse at 95 or more.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from playwright.sync_api import Browser, Page

from config.local.ports import HOST, free_port
from tests.bench.world import BenchWorld
from tests.e2e.browser import DESKTOP, chromium
from tests.engine import started, wait_until

PATHS = {"dashboard": "/", "deployments": "/deployments", "operations": "/operations"}
ROUNDS = 5
HEAD = (
    f"{'page':<16}{'paint ms':>10}{'key ms':>9}{'jumps':>8}   Lighthouse: speed, access, practice"
)
_LIGHTHOUSE = Path("tests/bench/lighthouse")
_CATEGORIES = ("performance", "accessibility", "best-practices")
_PATIENCE_S = 30.0
_OBSERVE = """
  window.seen = {paint: 0, key: 0, jumps: 0};
  const watch = (type, note, more = {}) => new PerformanceObserver(
    (list) => list.getEntries().forEach(note)).observe({type, buffered: true, ...more});
  watch("largest-contentful-paint", (entry) => { seen.paint = entry.startTime; });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.jumps += entry.value; });
  watch("event", (entry) => { seen.key = Math.max(seen.key, entry.duration); },
    {durationThreshold: 16});"""
_SETTLED = """document.fonts.ready.then(() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(done))))"""

_PAINTED = """new Promise((done) => {
  const look = () => seen.paint ? done() : requestAnimationFrame(look);
  look(); })"""


@dataclass(frozen=True, slots=True)
class Experience:
    """Medians of five visits: milliseconds, layout shift without a unit, scores of 100 (None: not run)."""

    page: str
    paint_ms: float
    key_ms: float
    jumps: float
    scores: tuple[int, ...] | None

    def line(self) -> str:
        shown = "not installed" if self.scores is None else ", ".join(map(str, self.scores))
        figures = f"{self.paint_ms:>10.0f}{self.key_ms:>9.0f}{self.jumps:>8.3f}"
        return f"{self.page:<16}{figures}   {shown}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def experiences(world: BenchWorld) -> Iterator[Experience]:
    """Visits the pages as the operator of ten thousand machines."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={world.session_key()}"
    port = free_port()
    with _served() as address, chromium(f"--remote-debugging-port={port}") as browser:
        _sign_in(browser, address, cookie)
        for name, path in PATHS.items():
            visits = [_visit(browser, address + path, cookie) for _ in range(ROUNDS)]
            middle = {key: statistics.median(visit[key] for visit in visits) for key in visits[0]}
            scores = _lighthouse(address + path, port)
            yield Experience(name, middle["paint"], middle["key"], middle["jumps"], scores)


def _visit(browser: Browser, url: str, cookie: str) -> dict[str, float]:
    name, _, value = cookie.partition("=")
    context = browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    try:
        context.add_cookies([{"name": name, "value": value, "url": url}])
        context.add_init_script(_OBSERVE)
        page = context.new_page()
        page.goto(url)
        page.evaluate(_SETTLED)
        page.evaluate(_PAINTED)
        seen = _typed(page)
    finally:
        context.close()
    return seen


def _typed(page: Page) -> dict[str, float]:
    """Opens the palette and types: the slowest answer to a key counts."""
    page.keyboard.press("Control+k")
    page.locator("dialog[open] input").first.wait_for()
    for letter in "web":
        page.keyboard.press(letter)
        page.evaluate(_SETTLED)
    seen: dict[str, float] = page.evaluate("window.seen")
    return seen


@contextmanager
def _served() -> Iterator[str]:
    """One web process as production runs it, on the database that is measured."""
    port = free_port()
    options = ["--host", HOST, "--port", str(port), "--log-level", "warning"]
    argv = [sys.executable, "-m", "uvicorn", "config.asgi:application", *options]
    with started(argv, DJANGO_SETTINGS_MODULE="tests.bench.web_settings"):
        address = f"http://{HOST}:{port}"
        wait_until(lambda: _answers(f"{address}/healthz"), timeout_s=_PATIENCE_S)
        yield address


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:
        return False
    return True


def _sign_in(browser: Browser, address: str, cookie: str) -> None:
    """For what is opened in this browser beside Playwright's own contexts."""
    name, _, value = cookie.partition("=")
    session = browser.new_browser_cdp_session()
    session.send(
        "Storage.setCookies", {"cookies": [{"name": name, "value": value, "url": address}]}
    )


def _lighthouse(url: str, port: int) -> tuple[int, ...] | None:
    """Scores for a desktop, in the browser behind `port`; None where its package cannot be installed."""
    if not _installed():
        return None
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            *("node", str(_LIGHTHOUSE / "node_modules/lighthouse/cli/index.js"), url, "--quiet"),
            *("--preset=desktop", "--output=json", f"--output-path={report}"),
            *(f"--port={port}", "--disable-storage-reset"),
            f"--only-categories={','.join(_CATEGORIES)}",
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"Lighthouse ended with {done.returncode}: {done.stderr[-2000:]}")
        categories = json.loads(report.read_text(encoding="utf-8"))["categories"]
    return tuple(round(100 * categories[name]["score"]) for name in _CATEGORIES)


def _installed() -> bool:
    if (_LIGHTHOUSE / "node_modules").exists():
        return True
    npm = shutil.which("npm")
    if npm is None:
        return False
    done = subprocess.run([npm, "ci", "--silent"], cwd=_LIGHTHOUSE, check=False)
    return done.returncode == 0
