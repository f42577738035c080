"""What the shell of every page needs: theme, navigation by permission, the tenant and its switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.kernel.authz import ANONYMOUS, SIGNED_IN, Actor, ActorKind
from portal.kernel.context import current
from portal.kernel.ui import (
    NavAction,
    NavItem,
    PlatformState,
    Section,
    Text,
    nav_items,
    platform_signs,
)
from portal.services.brand import Brand, brand

if TYPE_CHECKING:
    from portal.selectors.memberships import TenantChoice

DARK, LIGHT, SYSTEM = "dark", "light", "system"
_MOBILE_ITEMS = 4
_TENANTS_TO_FILTER = 8
_LINKS_AT_ONCE = 15
SEARCH_URL = "/search"
FOLDS_COOKIE = "nav"
_SECTIONS: Final = {
    Section.OPERATIONS: _("Day to day"),
    Section.PLATFORM: _("Platform"),
    Section.ORGANISATION: _("Organisation"),
}
_THEMES: Final = (
    (DARK, _("Dark"), "moon"),
    (LIGHT, _("Light"), "sun"),
    (SYSTEM, _("As the system"), "monitor"),
)


@dataclass(frozen=True, slots=True)
class NavLink:
    """One entry of the navigation as this person sees it."""

    key: str
    label: Text
    short_label: Text
    url: str
    icon: str
    count: int | None
    is_current: bool
    in_mobile_bar: bool
    shortcut: str
    action: NavAction | None


@dataclass(frozen=True, slots=True)
class NavSection:
    """Entries under one heading that folds them; the first section has none and is always open."""

    key: str
    title: Text
    links: tuple[NavLink, ...]
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values a switch of the shell has."""

    code: str
    name: Text
    is_current: bool
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything around the content of a page."""

    brand: Brand
    theme: str
    other_theme: str
    actor: Actor
    is_signed_in: bool
    tenant: TenantChoice | None
    tenants: tuple[TenantChoice, ...]
    sections: tuple[NavSection, ...]
    mobile: tuple[NavLink, ...]
    platform: tuple[PlatformState, ...]
    themes: tuple[Choice, ...]
    languages: tuple[Choice, ...]
    has_shortcuts: bool
    has_many_tenants: bool
    request_id: str
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
    tenants = identity.tenants if identity else ()
    return Shell(
        brand=brand(),
        theme=theme,
        other_theme=DARK if theme == LIGHT else LIGHT,
        actor=actor,
        is_signed_in=actor.kind is ActorKind.USER,
        tenant=identity.tenant if identity else None,
        tenants=tenants,
        sections=sections,
        mobile=tuple(links[:_MOBILE_ITEMS]),
        platform=tuple(_platform(actor)),
        themes=tuple(Choice(code, name, code == theme, icon) for code, name, icon in _THEMES),
        languages=tuple(
            Choice(code, name, code == get_language()) for code, name in settings.LANGUAGES
        ),
        has_shortcuts=bool(getattr(getattr(request, "user", None), "has_shortcuts", True)),
        has_many_tenants=len(tenants) >= _TENANTS_TO_FILTER,
        request_id=current().request_id,
    )


def _platform(actor: Actor) -> Iterator[PlatformState]:
    """What may be known of the platform; a sign that has nothing to say is absent."""
    for sign in platform_signs():
        state = sign.ask() if actor.may(sign.permission) else None
        if state is not None:
            yield state


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
    folds = request.COOKIES.get(FOLDS_COOKIE, "").split(".")
    groups: dict[Section | None, list[NavItem]] = {place: [] for place in (None, *Section)}
    for item in allowed:
        groups[item.section].append(item)
    is_here = {place: any(item.key == here for item in items) for place, items in groups.items()}
    shown = sum(len(items) for place, items in groups.items() if place is None or is_here[place])
    for place, items in groups.items():
        links = tuple(_link(request, actor, item, here) for item in items)
        if place is None:
            yield NavSection("", "", links)
        elif links:
            is_open = is_here[place] or _is_open(place, folds, shown + len(links))
            shown += len(links) if is_open and not is_here[place] else 0
            yield NavSection(place, _SECTIONS[place], links, is_open)


def _is_open(place: Section, folds: list[str], links: int) -> bool:
    """As the person left it, else while all fits in a window."""
    return place in folds or (links <= _LINKS_AT_ONCE and f"!{place}" not in folds)


def _is_shown(item: NavItem, actor: Actor) -> bool:
    if item.is_platform_only and not actor.is_platform_admin:
        return False
    return item.permission == SIGNED_IN or actor.may(item.permission)


def _current_key(path: str, items: Iterable[NavItem]) -> str:
    """The entry with the address that is the longest start of the page's; "/" is only itself."""
    best, length = "", 0
    for item in items:
        for address in (item.url, *item.also):
            url = address.rstrip("/")
            is_here = path.rstrip("/") == url or (url != "" and path.startswith(f"{url}/"))
            if is_here and len(address) > length:
                best, length = item.key, len(address)
    return best


def _link(request: HttpRequest, actor: Actor, item: NavItem, here: str) -> NavLink:
    is_able = item.action is not None and actor.may(item.action.permission)
    return NavLink(
        key=item.key,
        label=item.label,
        short_label=item.short_label or item.label,
        url=item.url,
        icon=item.icon,
        count=item.count(request) if item.count else None,
        is_current=item.key == here,
        in_mobile_bar=item.in_mobile_bar,
        shortcut=item.shortcut,
        action=item.action if is_able else None,
    )
