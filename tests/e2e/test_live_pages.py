"""The live stream behind a real server: told at once, lost with the server, caught up when it is back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from portal.kernel.tenancy import tenant_scope
from portal.services.operations import operation_enqueue
from tests import kinds  # noqa: F401 - registers the test types
from tests.conftest import World
from tests.engine import started, wait_until
from tests.ports import port_hold

_NOTE_ANIMATION = """() => addEventListener("animationstart",
  ({ animationName }) => { document.body.dataset.seen = animationName; })"""


@contextmanager
def web(port: int) -> Iterator[None]:
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    argv = [sys.executable, "-m", "uvicorn", "config.asgi:application", *options]

    def answers() -> bool:
        try:
            return urlopen(f"http://127.0.0.1:{port}/healthz").status == 200
        except OSError:
            return False

    with started(argv):
        wait_until(answers)
        yield


def test_page_is_told_of_changes_also_after_the_server_was_killed(
    world: World, browser: Browser
) -> None:
    def ask() -> str:
        with tenant_scope(world.north.pk):
            actor = world.actor("support")
            return str(operation_enqueue(actor=actor, type="test.noop").pk)

    port, client = port_hold(), Client()
    client.force_login(world.people["ops"])
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    address = f"http://127.0.0.1:{port}"
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
    page = context.new_page()
    with web(port):
        page.goto(f"{address}/operations")
        expect(page.locator("html")).to_have_attribute("data-stream", "open")
        page.evaluate(_NOTE_ANIMATION)
        first = ask()
        expect(page.locator("body")).to_have_attribute("data-seen", "pulse")
        expect(page.locator(f"#operation-{first}")).to_be_visible()
    second = ask()
    expect(page.locator("html")).to_have_attribute("data-stream", "lost")
    with web(port):
        expect(page.locator("html")).to_have_attribute("data-stream", "open")
        expect(page.locator(f"#operation-{second}")).to_be_visible()
    context.close()
