"""A real browser that notices what people would not report: console messages, foreign hosts, sideways scrolling."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

DESKTOP, PHONE = (1440, 900), (390, 844)
# A window of 1440 pixels zoomed to 200 % has 720 of them.
TWICE_THE_SIZE = (720, 450)
# Waiting ends with what is waited for: this is only how long a test may be in vain, on the slowest machine.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
SETTLED = "document.fonts.ready.then(() => new Promise(requestAnimationFrame))"
# Without a graphics processor a process for it only costs, as does one for every page: all are ours.
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--in-process-gpu", "--renderer-process-limit=1"),
    *("--disable-background-networking", "--disable-sync"),
]
_HARMLESS = {"verbose", "log", "info", "debug"}
# Statuses are looked at in responses; the other one says how busy the machine is: a page that was not painted
# within seconds has not used its font yet.
_NOT_OURS = ("Failed to load resource", "not used within a few seconds")


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Debian's chromium, driven without its window. Skips where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("needs chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            browser.close()


class Profiles:
    """Profiles of a browser that keep their files, but nothing else, from one test to the next."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self._browser = browser
        self._base_url = base_url
        self._free: dict[tuple[object, ...], list[BrowserContext]] = defaultdict(list)
        self._kinds: dict[BrowserContext, tuple[object, ...]] = {}

    def take(self, size: tuple[int, int], *, has_scripts: bool) -> BrowserContext:
        """One that nobody uses now; nobody is signed in with it."""
        kind = (size, has_scripts)
        if self._free[kind]:
            return self._free[kind].pop()
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
            base_url=self._base_url,
            locale="en-GB",
            java_script_enabled=has_scripts,
        )
        context.set_default_timeout(PATIENCE_MS)
        self._kinds[context] = kind
        return context

    def give_back(self, context: BrowserContext) -> None:
        """Closes its pages and forgets who used it."""
        last = context.new_page()
        for page in context.pages:
            if page != last:
                page.close()
        wish = {"origin": self._base_url, "storageTypes": "cookies,local_storage"}
        context.new_cdp_session(last).send("Storage.clearDataForOrigin", wish)
        context.clear_cookies()
        context.set_offline(False)
        last.close()
        self._free[self._kinds[context]].append(context)


@dataclass
class Watch:
    """What went wrong behind a page's back."""

    host: str
    expected_statuses: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in _HARMLESS and not any(one in message.text for one in _NOT_OURS):
            self.faults.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        if host not in {"", self.host}:
            self.faults.append(f"foreign host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected_statuses:
            self.faults.append(f"{response.status}: {response.url}")


def overflow_px(page: Page) -> int:
    """By how much the page scrolls sideways."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    width: int = page.evaluate(script)
    return width


def sideways(page: Page, *, is_drawn: bool = False) -> list[str]:
    """By how much the page scrolls sideways: in a large window, at twice the size, on a phone.

    A page that draws is given a frame at each size to draw anew; others are laid out when asked.
    """
    faults = []
    for width, height in (DESKTOP, TWICE_THE_SIZE, PHONE):
        if page.viewport_size != {"width": width, "height": height}:
            page.set_viewport_size({"width": width, "height": height})
            if is_drawn:
                page.evaluate(SETTLED)
        if wide := overflow_px(page):
            faults.append(f"{wide} px sideways of {width}")
    return faults
