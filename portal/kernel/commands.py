"""The registry of the command palette: apps add what can be found and what can be done; the shell imports none.

A *provider* finds objects of one kind. A *command* is something a person may do; its line ("extend web-04
by 24 h") is read by `portal.logic.command_line`, its plan says what would follow, and it is carried out by
the address that the pages use for the same action.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from django.http import HttpRequest

from portal.kernel.authz import SIGNED_IN, Actor
from portal.kernel.matching import fold
from portal.kernel.ui import Text

Answer = TypeVar("Answer")
Words = tuple[str, ...]
CANDIDATES: Final = 24
"""How many rows a provider reads for one group of the palette."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One question to the palette: who asks, from which page, and what was looked up on the way."""

    actor: Actor
    path: str = "/"
    request: HttpRequest | None = None
    known: dict[Hashable, Any] = field(default_factory=dict)

    def may(self, permission: str) -> bool:
        """Whether the actor holds a declared permission."""
        return permission == SIGNED_IN or self.actor.may(permission)

    def once(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        """What several commands want to know, asked once."""
        if key not in self.known:
            self.known[key] = ask()
        answer: Answer = self.known[key]
        return answer

    def rows(self, provider: SearchProvider, words: Words, limit: int = 0) -> Sequence[Row]:
        """What a provider finds, asked once; CANDIDATES unless more are wanted."""
        most = limit or CANDIDATES
        return self.once((provider.kind, words, most), lambda: provider.find(self, words, most))


@dataclass(frozen=True, slots=True)
class Row:
    """One thing found. `keywords` are found as well but not shown; `score` is added to how well it fits."""

    title: str
    url: str
    sub: str = ""
    icon: str = ""
    id: str = ""
    keywords: Words = ()
    score: float = 0.0
    status: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SearchProvider:
    """Finds objects of one kind for actors that hold `permission`.

    `find` narrows by words (none: the newest) and answers at most `limit` candidates, in a constant number
    of statements; `get` answers rows by id, for those pages that lie below `place` ("/deployments/").
    `prefix` narrows the palette to this kind ("@", "#"). Ids of `target_type` are what operations work on.
    """

    kind: str
    label: Text
    icon: str
    permission: str
    find: Callable[[Asking, Words, int], Sequence[Row]]
    get: Callable[[Asking, Sequence[str]], Sequence[Row]] | None = None
    place: str = ""
    prefix: str = ""
    target_type: str = ""
    order: int = 100


class ParameterKind(StrEnum):
    """How a part of a line is read."""

    SUBJECT = "subject"
    AMOUNT = "amount"
    WORD = "word"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One part of a line.

    A subject is an object of the provider `of`. An amount is a number with one of `units`, each worth so
    many of the smallest; `nouns` may stand beside it and must when `needs_noun`. A word follows one of
    `after`; a text follows one of `after` and is the rest of the line. `hint` is shown while it is missing,
    `examples` complete it.
    """

    name: str
    kind: ParameterKind
    hint: Text
    of: str = ""
    after: Words = ()
    units: Mapping[str, int] = field(default_factory=dict)
    nouns: frozenset[str] = frozenset()
    needs_noun: bool = False
    is_required: bool = True
    examples: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether it can be done now; if not, why, and whoever holds `permission` can help.

    What is not `is_listed` is answered only to whoever names that very object.
    """

    reason: str = ""
    permission: str = ""
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what would follow: a value, or what it is before and after."""

    label: str
    after: str
    before: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would follow, and the form that carries it out: `action` and its hidden `fields`.

    With a `reason` it cannot be carried out; whoever holds `permission` can help. What is dangerous is
    asked for once more, with a `word` by typing it (posted as `name`); `confirm` are the words of the button.
    `is_page`: nothing is changed, the form only goes to the page.
    """

    title: str
    confirm: str
    action: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    facts: tuple[Fact, ...] = ()
    meters: Sequence[Mapping[str, Any]] = ()
    reason: str = ""
    permission: str = ""
    is_dangerous: bool = False
    word: str = ""
    is_page: bool = False


Offer = Callable[[Asking, Sequence[str]], Mapping[str, Availability]]
"""Which of the objects it can be done to; an object that is left out is nobody's business here."""
Planner = Callable[[Asking, Mapping[str, Any]], Plan]


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do, offered to actors that hold `permission`.

    With a `url` it is a link. Otherwise its line begins with one of `phrases` (in every language people
    type) and `plan` says what would follow. In the reader's language, `phrase` is the one that is typed
    for him, `joint` how the line goes on behind the subject ("by"), `pattern` the label with a subject
    ("Extend %(name)s").
    """

    key: str
    label: Text
    icon: str
    permission: str
    phrases: Words = ()
    parameters: tuple[Parameter, ...] = ()
    plan: Planner | None = None
    offer: Offer | None = None
    pattern: Text = ""
    phrase: Text = ""
    joint: Text = ""
    url: str = ""
    sub: Text = ""
    keywords: Words = ()
    keys: Words = ()
    order: int = 100

    @property
    def subject(self) -> Parameter | None:
        """The parameter that names an object."""
        subjects = (one for one in self.parameters if one.kind is ParameterKind.SUBJECT)
        return next(subjects, None)


_providers: dict[str, SearchProvider] = {}
_commands: dict[str, Command] = {}
_phrases: dict[Words, str] = {}


def register_search(*providers: SearchProvider) -> None:
    """Adds or replaces kinds of objects that can be found."""
    for provider in providers:
        _providers[provider.kind] = provider


def register_command(*commands: Command) -> None:
    """Adds or replaces commands. Two with the same phrase, or one without an end, are a programming error."""
    for command in commands:
        if bool(command.url) == bool(command.plan):
            raise ValueError(f"command {command.key} needs either a url or a plan")
        for phrase in command.phrases:
            words = tuple(fold(phrase).split())
            if _phrases.setdefault(words, command.key) != command.key:
                raise ValueError(f"{phrase!r} begins {command.key} and {_phrases[words]}")
        _commands[command.key] = command


def search_providers(asking: Asking) -> list[SearchProvider]:
    """The kinds that the actor may see, in their order."""
    allowed = (one for one in _providers.values() if asking.may(one.permission))
    return sorted(allowed, key=lambda one: (one.order, one.kind))


def search_provider(asking: Asking, kind: str) -> SearchProvider | None:
    """One kind, None for one that is unknown or that the actor may not see."""
    provider = _providers.get(kind)
    return provider if provider and asking.may(provider.permission) else None


def commands_for(asking: Asking) -> list[Command]:
    """The commands that the actor's role allows, in their order."""
    allowed = (one for one in _commands.values() if asking.may(one.permission))
    return sorted(allowed, key=lambda one: (one.order, one.key))


def all_commands() -> Iterable[Command]:
    """Every registered command."""
    return _commands.values()
