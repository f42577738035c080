"""The console in a real browser, against the simulator's real screen, through the proxy of a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from provisioning.models import ConsoleSession, Deployment
from tests.conftest import Cloud
from tests.e2e.browser import DESKTOP, PHONE, Watch
from tests.e2e.test_live_pages import web
from tests.ports import port_hold
from tests.provisioning.scenes import running

PICTURES = os.environ.get("SCREENSHOTS")
COLOURS = """() => {
  const canvas = document.querySelector("#console-screen canvas");
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  return new Set(new Uint32Array(pixels.buffer)).size;
}"""


@pytest.fixture
def machine(cloud: Cloud) -> Deployment:
    return running(cloud, "lab-linux-01")


@pytest.fixture
def window(cloud: Cloud, machine: Deployment, browser: Browser) -> Iterator[tuple[Page, str]]:
    """A page of the machine's owner on a real server, and the console's address."""
    port, client = port_hold(), Client()
    client.force_login(cloud.world.people["support"])
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    address = f"http://127.0.0.1:{port}"
    context = browser.new_context(
        viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, reduced_motion="reduce"
    )
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
    watch = Watch(host=f"127.0.0.1:{port}")
    page = context.new_page()
    watch.follow(page)
    with web(port):
        yield page, f"{address}/deployments/{machine.pk}/console"
        context.close()
    assert watch.faults == []


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def test_the_screen_is_seen_and_says_when_the_machine_stops(
    window: tuple[Page, str], machine: Deployment
) -> None:
    page, address = window
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(address)
    state = page.locator("#console-state")
    expect(state).to_have_text("Connected")
    page.wait_for_function(f"({COLOURS})() > 1")
    picture(page, "console-1440")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    picture(page, "console-390")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url.split("?")[0] for url in sockets] == [address.replace("http:", "ws:") + "/socket"]
    Deployment.across_tenants.filter(pk=machine.pk).update(status="stopped")
    expect(state).to_have_text("The machine is not running any more")
    picture(page, "console-ended-390")
    Deployment.across_tenants.filter(pk=machine.pk).update(status="running")
    page.get_by_role("button", name="Connect again").click()
    expect(state).to_have_text("Connected")
    page.get_by_role("button", name="Paste").click()
    page.get_by_label("Text that is typed").fill("uname -a\n")
    picture(page, "console-paste-390")
    page.get_by_role("button", name="Type it").click()
    page.get_by_role("button", name="Ctrl Alt Del").click()
    expect(state).to_have_text("Connected")
    ends = ConsoleSession.across_tenants.order_by("pk").values_list("end", flat=True)
    assert list(ends) == ["stopped", ""]
