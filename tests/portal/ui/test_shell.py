"""The shell: navigation by permission, the current page, theme."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.test import RequestFactory
from django.utils import translation

from portal import context_processors
from portal.kernel.authz import SIGNED_IN, Actor, ActorKind
from portal.kernel.context import RequestContext, request_context
from portal.kernel.ui import NavAction, NavItem, PlatformSign, PlatformState, Section, Tone
from portal.selectors.memberships import TenantChoice
from portal.services.brand import brand_known

ITEMS = [
    NavItem("home", "Home", "/", "house", SIGNED_IN, in_mobile_bar=True),
    NavItem(
        "machines",
        "Machines",
        "/machines",
        "server",
        "machines.view",
        count=lambda _request: 3,
        shortcut="m",
        action=NavAction("New machine", "/machines/new", "machines.create", "n"),
    ),
    NavItem("new", "New", "/machines/new", "plus", "machines.view", also=("/drafts",)),
    NavItem("audit", "Audit", "/audit", "scroll-text", "audit.view", section=Section.ORGANISATION),
    NavItem("staff", "Staff", "/staff", "gauge", SIGNED_IN, is_platform_only=True),
]

STATE = PlatformState(Tone.OK, "3 clusters reachable")
SIGNS = [
    PlatformSign("clusters", "clusters.view", lambda: STATE),
    PlatformSign("silent", "clusters.view", lambda: None),
]


@pytest.fixture(autouse=True)
def _items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_processors, "nav_items", lambda: ITEMS)
    monkeypatch.setattr(context_processors, "platform_signs", lambda: SIGNS)
    monkeypatch.setattr(context_processors, "brand", brand_known)


def _shell(path: str = "/", *permissions: str, is_staff: bool = False, **request: Any) -> Any:
    actor = Actor(
        ActorKind.USER,
        "agent",
        user_id=uuid4(),
        is_platform_admin=is_staff,
        permissions=frozenset(permissions),
    )
    asked = RequestFactory().get(path)
    for name, value in request.items():
        setattr(asked, name, value)
    with request_context(RequestContext(actor=actor)):
        return context_processors._shell(asked)


def _keys(shell: Any) -> list[list[str]]:
    return [[link.key for link in section.links] for section in shell.sections]


def test_what_the_role_forbids_is_absent() -> None:
    assert _keys(_shell("/")) == [["home"]]


def test_what_the_role_allows_is_there_in_its_section() -> None:
    assert _keys(_shell("/", "machines.view", "audit.view")) == [
        ["home", "machines", "new"],
        ["audit"],
    ]


def test_staff_pages_are_for_staff() -> None:
    assert _keys(_shell("/", is_staff=True)) == [["home", "staff"]]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/", "home"),
        ("/machines", "machines"),
        ("/machines/7", "machines"),
        ("/machines/new", "new"),
        ("/drafts/7", "new"),
        ("/audit/7", "audit"),
    ],
)
def test_the_closest_entry_is_the_current_one(path: str, key: str) -> None:
    shell = _shell(path, "machines.view", "audit.view")
    current = [link.key for section in shell.sections for link in section.links if link.is_current]
    assert current == [key]


def test_an_address_that_only_begins_alike_is_not_the_current_page() -> None:
    shell = _shell("/machinery", "machines.view")
    assert not any(link.is_current for section in shell.sections for link in section.links)


def test_figures_beside_an_entry_come_from_its_app() -> None:
    links = {link.key: link for link in _shell("/", "machines.view").sections[0].links}
    assert (links["home"].count, links["machines"].count) == (None, 3)


def test_nobody_signed_in_has_no_navigation() -> None:
    assert context_processors._shell(RequestFactory().get("/")).sections == ()


def test_a_person_s_own_theme_wins() -> None:
    request = {"user": SimpleNamespace(theme="light"), "COOKIES": {"theme": "dark"}}
    assert _shell("/", **request).theme == "light"


def test_before_sign_in_the_browser_remembers_the_theme() -> None:
    assert _shell("/", COOKIES={"theme": "light"}).theme == "light"


def test_an_invented_theme_is_dark() -> None:
    assert _shell("/", COOKIES={"theme": "<script>"}).theme == "dark"


def test_what_makes_a_new_one_is_beside_its_entry_for_those_who_may() -> None:
    def action(*permissions: str) -> NavAction | None:
        links = {link.key: link for link in _shell("/", *permissions).sections[0].links}
        return links["machines"].action

    assert action("machines.view") is None
    assert action("machines.view", "machines.create") == ITEMS[1].action


def test_the_platform_s_state_is_for_those_who_may_know() -> None:
    assert _shell("/").platform == ()
    assert _shell("/", "clusters.view").platform == (STATE,)


@pytest.mark.parametrize(("count", "has_filter"), [(7, False), (8, True)])
def test_many_organisations_are_filtered(count: int, has_filter: bool) -> None:
    tenants = tuple(
        TenantChoice(uuid4(), f"t{n}", f"T{n}", "Support", "support", frozenset())
        for n in range(count)
    )
    identity = SimpleNamespace(tenant=tenants[0], tenants=tenants)
    assert _shell("/", identity=identity).has_many_tenants is has_filter


def test_the_theme_and_language_in_force_are_pressed() -> None:
    with translation.override("fr"):
        shell = _shell("/", COOKIES={"theme": "system"})
        pressed = [c.code for c in (*shell.themes, *shell.languages) if c.is_current]
    assert pressed == ["system", "fr"]


def test_single_keys_are_on_unless_the_person_says_no() -> None:
    off = SimpleNamespace(theme="dark", has_shortcuts=False)
    assert (_shell("/").has_shortcuts, _shell("/", user=off).has_shortcuts) == (True, False)


def _many(section: Section, count: int) -> list[NavItem]:
    return [
        NavItem(f"{section}{n}", "One", f"/{section}{n}", "gauge", SIGNED_IN, section=section)
        for n in range(count)
    ]


LONG = [ITEMS[0], *_many(Section.OPERATIONS, 8), *_many(Section.PLATFORM, 8)]


@pytest.mark.parametrize(
    ("path", "cookie", "is_open"),
    [
        ("/", "", [True, False]),
        ("/platform1", "", [False, True]),
        ("/", "platform", [True, True]),
        ("/", "!operations", [False, True]),
        ("/operations1", "!operations.platform", [True, True]),
        ("/", "!operations.!platform.%00<b>", [False, False]),
    ],
)
def test_groups_are_open_as_they_were_left_or_while_they_fit(
    monkeypatch: pytest.MonkeyPatch, path: str, cookie: str, is_open: list[bool]
) -> None:
    monkeypatch.setattr(context_processors, "nav_items", lambda: LONG)
    sections = _shell(path, COOKIES={"nav": cookie}).sections
    assert [section.is_open for section in sections[1:]] == is_open
