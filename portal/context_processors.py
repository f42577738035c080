"""What the shell of every page needs: theme, navigation by permission, the tenant and its switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.kernel.authz import ANONYMOUS, SIGNED_IN, Actor, ActorKind
from portal.kernel.context import current
from portal.kernel.ui import NavItem, Text, nav_items

if TYPE_CHECKING:
    from portal.selectors.memberships import TenantChoice

DARK, LIGHT, SYSTEM = "dark", "light", "system"
_MOBILE_ITEMS = 4
SEARCH_URL = "/search"


@dataclass(frozen=True, slots=True)
class NavLink:
    """One entry of the navigation as this person sees it."""

    key: str
    label: Text
    url: str
    icon: str
    count: int | None
    is_current: bool
    in_mobile_bar: bool


@dataclass(frozen=True, slots=True)
class NavSection:
    """Entries under one heading; the first section has none."""

    title: str
    links: tuple[NavLink, ...]


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything around the content of a page."""

    theme: str
    other_theme: str
    actor: Actor
    is_signed_in: bool
    tenant: TenantChoice | None
    tenants: tuple[TenantChoice, ...]
    sections: tuple[NavSection, ...]
    mobile: tuple[NavLink, ...]
    search_url: str = SEARCH_URL


def shell(request: HttpRequest) -> dict[str, object]:
    """`shell`, computed when a template asks for it: API answers and admin pages never pay for it."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def _shell(request: HttpRequest) -> Shell:
    actor = current().actor or ANONYMOUS
    identity = getattr(request, "identity", None)  # left there by the session middleware
    theme = _theme(request)
    sections = tuple(_sections(request, actor))
    links = [link for section in sections for link in section.links if link.in_mobile_bar]
    return Shell(
        theme=theme,
        other_theme=DARK if theme == LIGHT else LIGHT,
        actor=actor,
        is_signed_in=actor.kind is ActorKind.USER,
        tenant=identity.tenant if identity else None,
        tenants=identity.tenants if identity else (),
        sections=sections,
        mobile=tuple(links[:_MOBILE_ITEMS]),
    )


def _theme(request: HttpRequest) -> str:
    """The person's own choice; before sign-in the one this browser remembers; dark otherwise."""
    user = getattr(request, "user", None)
    chosen = getattr(user, "theme", None) or request.COOKIES.get("theme")
    return chosen if chosen in (LIGHT, SYSTEM) else DARK


def _sections(request: HttpRequest, actor: Actor) -> Iterator[NavSection]:
    if actor.kind is not ActorKind.USER:
        return
    allowed = [item for item in nav_items() if _is_shown(item, actor)]
    here = _current_key(request.path, allowed)
    order = {title: index for index, title in enumerate(dict.fromkeys(i.section for i in allowed))}
    for title, items in groupby(
        sorted(allowed, key=lambda i: order[i.section]), lambda i: i.section
    ):
        yield NavSection(title, tuple(_link(request, item, here) for item in items))


def _is_shown(item: NavItem, actor: Actor) -> bool:
    if item.is_platform_only and not actor.is_platform_admin:
        return False
    return item.permission == SIGNED_IN or actor.may(item.permission)


def _current_key(path: str, items: Iterable[NavItem]) -> str:
    """The entry whose address is the longest start of the page's; "/" is only itself."""
    best, length = "", 0
    for item in items:
        url = item.url.rstrip("/")
        is_here = path.rstrip("/") == url or (url != "" and path.startswith(f"{url}/"))
        if is_here and len(item.url) > length:
            best, length = item.key, len(item.url)
    return best


def _link(request: HttpRequest, item: NavItem, here: str) -> NavLink:
    return NavLink(
        key=item.key,
        label=item.label,
        url=item.url,
        icon=item.icon,
        count=item.count(request) if item.count else None,
        is_current=item.key == here,
        in_mobile_bar=item.in_mobile_bar,
    )
