"""What apps tell the first page beside their cards: facts for its sentence, and what waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Generic, TypeVar

from django.http import HttpRequest

from portal.kernel.authz import SIGNED_IN, Actor
from portal.kernel.ui import Text, Tone

NEEDS_PER_SOURCE = 6
Item = TypeVar("Item")


class Urgency(IntEnum):
    """What comes first. CRITICAL stands above the list, as an alert."""

    CRITICAL = 0
    FAILED = 1
    ENDING = 2
    DECISION = 3
    DIFFERENCE = 4


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person, with the one action that helps.

    `url` is where one looks at it, empty where the reader has no such page. `post_to` makes the action a button that posts there with `field`
    set to `value`; without it the action is a link to `url`. `subject` is what it is about: of several
    needs about the same thing the most urgent one is shown.
    """

    urgency: Urgency
    icon: str
    tone: Tone
    title: str
    text: Text
    url: str
    action: Text
    at: datetime
    subject: str = ""
    post_to: str = ""
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A part of the sentence at the head ("2 deployments in progress"); the lowest order comes first."""

    order: int
    text: str


@dataclass(frozen=True, slots=True)
class Source(Generic[Item]):
    """Where items come from, for actors that hold `permission`; `is_for_all` also without a tenant."""

    key: str
    permission: str
    find: Callable[[HttpRequest], Iterable[Item]]
    is_for_all: bool = False


_needs: dict[str, Source[Need]] = {}
_facts: dict[str, Source[Fact]] = {}


def register_needs(source: Source[Need]) -> None:
    """Adds or replaces a source of what waits for a person."""
    _needs[source.key] = source


def register_facts(source: Source[Fact]) -> None:
    """Adds or replaces a source of facts."""
    _facts[source.key] = source


def needs(request: HttpRequest, actor: Actor) -> list[Need]:
    """All that waits for the actor, the most urgent first and each subject once."""
    found = [
        need for source in _needs.values() if _asks(source, actor) for need in source.find(request)
    ]
    found.sort(key=lambda need: (need.urgency, need.at, need.title))
    once: dict[object, Need] = {}
    for need in found:
        once.setdefault(need.subject or id(need), need)
    return list(once.values())


def facts(request: HttpRequest, actor: Actor) -> list[Fact]:
    """The parts of the sentence in their order."""
    found = [
        fact for source in _facts.values() if _asks(source, actor) for fact in source.find(request)
    ]
    return sorted(found, key=lambda fact: fact.order)


def _asks(source: Source[Item], actor: Actor) -> bool:
    is_allowed = source.permission == SIGNED_IN or actor.may(source.permission)
    return is_allowed and (source.is_for_all or actor.tenant_id is not None)
