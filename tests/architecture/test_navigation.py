"""Every page that one enters without an id is a link of the shell, or of a page that is: no address is secret."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from django.test import Client

from tests.conftest import World
from tests.e2e import catalogue
from tests.e2e.catalogue import Sight
from tests.factories.accounts import MembershipFactory, UserFactory

_CONTENT = re.compile(r'<div class="content">.*</main>', re.DOTALL)
_LINK = re.compile(r'href="([^"#?]*)[^"]*"')
_ID = "00000000-0000-7000-8000-000000000000"
# Where one goes to for what the shell does not show, and why it does not.
FURTHER = {
    "/alerts/rules": ("/alerts", "thresholds are set where alerts are read"),
    "/deployments/new": ("/deployments", "the plus beside the entry, and the button of its page"),
    "/hooks/new": ("/hooks", "made from its list"),
    "/infrastructure/windows": ("/infrastructure", "maintenance is planned where the nodes are"),
    "/notifications/settings": ("/notifications", "a person's own settings"),
    "/offboarding": ("/transfers", "giving many machines away is a change of owner"),
    "/password-change": ("/profile", "a person's own settings"),
    "/servers/new": ("/servers", "made from its list"),
    "/transfers": ("/deployments", "machines change hands where they are listed"),
    "/webhooks": ("/hooks", "two lists behind one entry"),
    "/webhooks/new": ("/webhooks", "made from its list"),
}
# No link leads there.
UNLINKED = {
    "/sign-in": "whoever is signed in has no use for it",
    "/deployments/new/resources": "a step of the way that /deployments/new begins",
    "/deployments/new/network": "a step of the way that /deployments/new begins",
    "/deployments/new/review": "a step of the way that /deployments/new begins",
}


class Anything:
    """Stands for the furnished house: only addresses are made of it."""

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: Any, **__: Any) -> Anything:
        return self

    def __getitem__(self, _: Any) -> Anything:
        return self

    def __str__(self) -> str:
        return _ID


@pytest.fixture
def house(world: World) -> World:
    """The world with somebody who may see everything."""
    staff = UserFactory(username="staff", is_staff=True, is_platform_admin=True)
    MembershipFactory(user=staff, tenant=world.north, role="admin")
    world.people["staff"] = staff
    return world


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> list[Sight]:
    """The pages without an id that answer well."""
    monkeypatch.setattr(catalogue, "furnished", Anything())
    monkeypatch.setattr(catalogue, "Operation", Anything())
    sights = catalogue.sights_made(Anything())  # type: ignore[arg-type]
    return [one for one in sights if _ID not in one.path and one.status == 200]


def _links(world: World, path: str, role: str, *, of_shell: bool = False) -> set[str]:
    client = Client()
    client.force_login(world.people[role])
    answer = client.get(path)
    assert answer.status_code == 200, path
    html = answer.content.decode()
    return set(_LINK.findall(_CONTENT.sub("", html) if of_shell else html))


def test_every_page_that_one_enters_by_is_linked(house: World, entries: list[Sight]) -> None:
    shells: dict[str, set[str]] = {}
    missing, known = [], set()
    for sight in entries:
        path, _, _query = sight.path.partition("?")
        known.add(path)
        if path in UNLINKED or path.startswith("/templates/"):
            continue
        role = sight.role or "admin"
        shell = shells.setdefault(role, _links(house, "/profile", role, of_shell=True))
        if path not in shell and path not in FURTHER:
            missing.append(f"{path} as {role}")
    assert not missing, missing
    assert {*FURTHER, *UNLINKED} <= known


@pytest.mark.parametrize("path", FURTHER)
def test_what_the_shell_does_not_show_is_linked_where_it_is_said_to_be(
    house: World, path: str
) -> None:
    start, _reason = FURTHER[path]
    ask = partial(_links, house, role="staff")
    assert path in ask(start)
    assert start in ask("/profile", of_shell=True) or start in FURTHER
