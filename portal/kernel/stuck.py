"""What is stuck and why: apps find it, one page shows it, and says what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from portal.kernel.authz import Actor
from portal.kernel.ui import Text


class Remedy(StrEnum):
    """What a person may do: once more, back to before, leave it so, or an end by force."""

    RETRY = "retry"
    ROLLBACK = "rollback"
    DISMISS = "dismiss"
    FORCE = "force"


@dataclass(frozen=True, slots=True)
class StuckItem:
    """One thing that does not go on by itself.

    `kind` says in one word why, `subject` is `operation:<id>` or another object's type and id, `about` what
    it is about when that is something else: of two items about one thing the first is shown. `log` is the
    last line of the outside's own log.
    """

    kind: str
    subject: str
    tenant_id: UUID
    title: str
    reason: Text
    since: datetime
    about: str = ""
    log: str = ""
    url: str = ""
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose things are looked through: the actor's organisation's, or all of them."""

    actor: Actor
    is_everywhere: bool
    patience_s: float


Source = Callable[[Sight], Iterable[StuckItem]]
Rollback = Callable[[Actor, UUID], UUID | None]
"""Undoes what was made of one object, through a saga of its own; answers the operation. The tenant is in scope."""
Cure = Callable[[Actor, UUID, str], UUID | None]
"""Does one remedy about an object, for the reason that is given; answers the operation, if one goes on with it."""
_sources: dict[str, Source] = {}
_rollbacks: dict[str, Rollback] = {}
_cures: dict[tuple[str, Remedy], Cure] = {}


def register_stuck(key: str, source: Source) -> None:
    """Adds or replaces a source; it asks a constant number of statements."""
    _sources[key] = source


def register_rollback(target_type: str, rollback: Rollback) -> None:
    """Says how what was made of such an object is undone."""
    _rollbacks[target_type] = rollback


def rollback_of(target_type: str) -> Rollback | None:
    """How such an object is rolled back, if it can be."""
    return _rollbacks.get(target_type)


def register_cure(subject_type: str, remedy: Remedy, cure: Cure) -> None:
    """Says what a remedy does about stuck things of one type; those of operations are the engine's."""
    _cures[subject_type, remedy] = cure


def cure_of(subject_type: str, remedy: Remedy) -> Cure | None:
    """What a remedy does about such a thing, where its app has registered it."""
    return _cures.get((subject_type, remedy))


def stuck_items(sight: Sight) -> list[StuckItem]:
    """All that is stuck, the longest first, each thing once."""
    once: dict[str, StuckItem] = {}
    for source in _sources.values():
        for item in source(sight):
            once.setdefault(item.about or item.subject, item)
    return sorted(once.values(), key=lambda item: (item.since, item.subject))
