"""Registries of the shell: apps above register navigation, cards, statuses; the shell imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest
from django.utils.functional import Promise

Text = str | Promise
Answer = TypeVar("Answer")


class Tone(StrEnum):
    """The hues of a status badge."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    DANGER = "danger"
    VIOLET = "violet"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class StatusStyle:
    """How a state looks: word, icon (lucide name), hue, and whether the icon turns."""

    label: Text
    icon: str
    tone: Tone
    is_spinning: bool = False


class Section(StrEnum):
    """The groups of the side bar, in their order; entries without one stand above them."""

    OPERATIONS = "operations"
    PLATFORM = "platform"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class NavAction:
    """What makes one more of an entry's objects: the plus beside it, for actors that hold `permission`."""

    label: Text
    url: str
    permission: str
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the side bar, shown to actors that hold `permission` (`signed_in` for all).

    `count` answers the figure beside it for the current tenant, or None. `shortcut` is the letter that
    goes there after `g`. `short_label` is for the phone's bar. `also` are further addresses that belong to
    the entry: on them, and on what begins with them, it is the current one.
    """

    key: str
    label: Text
    url: str
    icon: str
    permission: str
    section: Section | None = None
    order: int = 100
    count: Callable[[HttpRequest], int | None] | None = None
    is_platform_only: bool = False
    in_mobile_bar: bool = False
    short_label: Text = ""
    shortcut: str = ""
    action: NavAction | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlatformState:
    """How the platform fares, in two short lines at the foot of the side bar; an alert heads every page."""

    tone: Tone
    title: Text
    detail: Text = ""
    url: str = ""
    is_alert: bool = False


@dataclass(frozen=True, slots=True)
class PlatformSign:
    """Where a platform state comes from: asked on every page, so `ask` answers from what is remembered."""

    key: str
    permission: str
    ask: Callable[[], PlatformState | None]
    order: int = 100


class Place(StrEnum):
    """Where a card belongs: with an organisation in scope, without one, or both."""

    TENANT = "tenant"
    PLATFORM = "platform"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class DashboardCard:
    """One card of the dashboard: `context` is computed only for actors that hold `permission`.

    None as context draws nothing for now. Cards whose orders have the same tens stand in one row: `full`
    ones first, then `two-thirds` beside `third`. `topics` are what it listens to, as in `data-live`.
    """

    key: str
    template: str
    permission: str
    context: Callable[[HttpRequest], Mapping[str, Any] | None]
    order: int = 100
    width: str = "third"
    topics: str = ""
    place: Place = Place.TENANT


@dataclass(frozen=True, slots=True)
class TargetLink:
    """How the object an operation works on is called, and where its page is."""

    label: str
    url: str


TargetResolver = Callable[[Collection[UUID]], Mapping[UUID, TargetLink]]
"""Answers links for those of the ids that exist for the tenant in scope."""

_statuses: dict[str, dict[str, StatusStyle]] = {}
_targets: dict[str, TargetResolver] = {}
_nav: dict[str, NavItem] = {}
_signs: dict[str, PlatformSign] = {}
_cards: dict[str, DashboardCard] = {}


def register_statuses(domain: str, styles: Mapping[str, StatusStyle]) -> None:
    """Says how the states of one domain ("deployment", "operation" …) look."""
    _statuses[domain] = {str(value): style for value, style in styles.items()}


def status_style(domain: str, value: str) -> StatusStyle:
    """The look of a state. Raises KeyError for a state that was never registered."""
    return _statuses[domain][str(value)]


def statuses() -> dict[str, dict[str, StatusStyle]]:
    """All registered looks by domain."""
    return {domain: dict(styles) for domain, styles in _statuses.items()}


def register_target(target_type: str, resolver: TargetResolver) -> None:
    """Says how objects of one type ("deployment" …) are linked to."""
    _targets[target_type] = resolver


def target_links(target_type: str, ids: Collection[UUID]) -> Mapping[UUID, TargetLink]:
    """Links to objects of a type, in one question; none for a type nobody registered."""
    resolver = _targets.get(target_type)
    return resolver(ids) if resolver and ids else {}


def register_nav(item: NavItem) -> None:
    """Adds or replaces an entry of the side bar."""
    _nav[item.key] = item


def nav_items() -> list[NavItem]:
    """Entries in their order."""
    return sorted(_nav.values(), key=lambda item: (item.order, item.key))


def register_platform_sign(sign: PlatformSign) -> None:
    """Adds or replaces what the foot of the side bar says."""
    _signs[sign.key] = sign


def platform_signs() -> list[PlatformSign]:
    """Signs in their order."""
    return sorted(_signs.values(), key=lambda sign: (sign.order, sign.key))


def once(request: HttpRequest, key: str, ask: Callable[[], Answer]) -> Answer:
    """What several parts of one page want to know, asked once while it is made."""
    answers: dict[str, Any] = request.__dict__.setdefault("answers_once", {})
    if key not in answers:
        answers[key] = ask()
    answer: Answer = answers[key]
    return answer


def is_known(request: HttpRequest, key: str) -> bool:
    """Whether `once` was asked for this while the page was made."""
    return key in request.__dict__.get("answers_once", {})


def register_card(card: DashboardCard) -> None:
    """Adds or replaces a dashboard card."""
    _cards[card.key] = card


def cards() -> list[DashboardCard]:
    """Cards in their order."""
    return sorted(_cards.values(), key=lambda card: (card.order, card.key))
