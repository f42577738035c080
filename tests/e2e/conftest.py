"""A browser that is signed in as somebody of the world, and fails on what it notices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.conftest import Cloud, World
from tests.e2e.browser import DESKTOP, Profiles, Watch, chromium
from tests.e2e.catalogue import Sight, sights_made

# The browser's driver runs an event loop in this thread; the fixtures write rows in it all the same.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

OpenPage = Callable[..., Page]
Look = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def watch(live_server: Any) -> Iterator[Watch]:
    watch = Watch(host=urlsplit(live_server.url).netloc)
    yield watch
    assert watch.faults == []


@pytest.fixture(scope="session")
def profiles(browser: Browser, live_server: Any) -> Profiles:
    return Profiles(browser, live_server.url)


@pytest.fixture
def open_page(
    world: World, profiles: Profiles, live_server: Any, watch: Watch
) -> Iterator[OpenPage]:
    """Opens a path as a person of a role (None: nobody), in a size, with or without scripts.

    `before` is a script that runs ahead of those of each page.
    """
    opened: list[BrowserContext] = []

    def open_(
        path: str,
        *,
        role: str | None = "support",
        size: tuple[int, int] = DESKTOP,
        has_scripts: bool = True,
        before: str = "",
    ) -> Page:
        context = profiles.take(size, has_scripts=has_scripts)
        opened.append(context)
        if role is not None:
            client = Client()
            client.force_login(world.people[role])
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
            )
        page = context.new_page()
        if before:
            page.add_init_script(before)
        watch.follow(page)
        page.goto(path)
        return page

    yield open_
    for context in opened:
        profiles.give_back(context)


@pytest.fixture
def sights(cloud: Cloud) -> list[Sight]:
    """Every page, with something on it."""
    return sights_made(cloud)


@pytest.fixture
def look(open_page: OpenPage, watch: Watch) -> Look:
    """Goes to a sight as whom it is meant for, with one window for each person and size."""
    windows: dict[tuple[Any, ...], Page] = {}

    def look_(
        sight: Sight,
        *,
        size: tuple[int, int] = DESKTOP,
        has_scripts: bool = True,
        before: str = "",
    ) -> Page:
        watch.expected_statuses = {sight.status} if sight.status >= 400 else set()
        whose = (sight.role, size, has_scripts)
        if whose not in windows:
            windows[whose] = open_page(
                sight.path, role=sight.role, size=size, has_scripts=has_scripts, before=before
            )
        else:
            if windows[whose].viewport_size != {"width": size[0], "height": size[1]}:
                windows[whose].set_viewport_size({"width": size[0], "height": size[1]})
            windows[whose].goto(sight.path)
        return windows[whose]

    return look_
