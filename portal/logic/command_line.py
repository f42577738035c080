"""What a line means, pure: "extend web-04 by 24 h" against the registered commands.

    line     = phrase part*
    part     = subject | amount | word | text
    subject  = a name, or a name in quotes
    amount   = [after] [noun] number unit [of] [noun]      "by 24 h", "4 cpu", "disk 40 gb", "8 gb ram"
    word     = after name                                  "named build-7"
    text     = after the rest of the line                  "because the audit is on Friday"

Parts stand in any order. Amounts of one parameter add up ("1 d 12 h") when they stand together. What fits
nothing is told, never guessed; so is an amount without a unit. Words may be typed without accents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from portal.kernel.commands import Command, Parameter, ParameterKind
from portal.kernel.matching import QUERY_MOST, fold

TOKENS_MOST: Final = 40
AMOUNT_MOST: Final = 10_000_000
_TOKEN: Final = re.compile(r'"([^"]*)"|«\s*([^»]*?)\s*»|(\S+)')
_AMOUNT: Final = re.compile(r"([+-]?[0-9]{1,9}(?:[.,][0-9]{1,3})?)([^\W\d_]*)")
_FILLERS: Final = frozenset(
    {
        *("the", "a", "an", "of", "and", "le", "la", "les", "un", "une", "de", "du", "et"),
    }
)
_K = ParameterKind


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the line: as typed, folded, and where it begins."""

    text: str
    word: str
    at: int
    is_quoted: bool = False


@dataclass(slots=True)
class Parsed:
    """What was understood: values by parameter, what is missing, what fits nothing and what is wrong."""

    command: Command
    values: dict[str, Any] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    uneven: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[Parameter]:
        """The required parameters without a value, in their order."""
        required = (one for one in self.command.parameters if one.is_required)
        return [one for one in required if one.name not in self.values]

    @property
    def is_clean(self) -> bool:
        """Whether every word of the line was understood."""
        return not (self.unknown or self.twice or self.uneven)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and everything was understood."""
        return self.is_clean and not self.missing


def tokens_of(line: str) -> list[Token]:
    """The words of a line; quotes hold a name together."""
    text = "".join(letter if letter.isprintable() else " " for letter in line[:QUERY_MOST])
    found = []
    for part in _TOKEN.finditer(text):
        quoted = part[1] if part[1] is not None else part[2]
        shown = part[3] if quoted is None else quoted
        if shown:
            found.append(Token(shown, _word(shown), part.start(), quoted is not None))
    return found[:TOKENS_MOST]


def parsed(line: str, commands: Iterable[Command]) -> Parsed | None:
    """The line as one of the commands, None when it begins like none of them."""
    tokens = tokens_of(line)
    words = tuple(token.word for token in tokens)
    best: tuple[int, Command] | None = None
    for command, phrase in _phrases(commands):
        is_longer = best is None or len(phrase) > best[0]
        if phrase and is_longer and words[: len(phrase)] == phrase:
            best = (len(phrase), command)
    if best is None:
        return None
    return _Reader(line, tokens[best[0] :], best[1]).read()


def _phrases(commands: Iterable[Command]) -> Iterator[tuple[Command, tuple[str, ...]]]:
    for command in commands:
        for phrase in (*command.phrases, str(command.phrase)):
            yield command, tuple(_word(part) for part in phrase.split())


def _word(text: str) -> str:
    return fold(text).replace("œ", "oe").replace("’", "'")


class _Reader:
    """Reads the parts after the phrase, one after the other."""

    def __init__(self, line: str, tokens: list[Token], command: Command) -> None:
        self.line, self.tokens, self.at = line[:QUERY_MOST], tokens, 0
        self.found = Parsed(command)
        self.last = ""

    def read(self) -> Parsed:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            read = self._introduced(token) or self._amount() or self._subject(token)
            if not read:
                is_filler = token.word in _FILLERS and self.at + 1 < len(self.tokens)
                if not is_filler:
                    self.found.unknown.append(token.text)
                self.at += 1
        return self.found

    def _parameters(self, *kinds: ParameterKind) -> list[Parameter]:
        return [one for one in self.found.command.parameters if one.kind in kinds]

    def _introduced(self, token: Token) -> bool:
        """A word or a text behind the word that announces it."""
        if token.is_quoted or self.at + 1 >= len(self.tokens):
            return False
        for one in self._parameters(_K.WORD, _K.TEXT):
            if token.word in one.after:
                following = self.tokens[self.at + 1]
                is_text = one.kind is _K.TEXT
                self._keep(one, self.line[following.at :].strip() if is_text else following.text)
                self.at = len(self.tokens) if is_text else self.at + 2
                return True
        return False

    def _subject(self, token: Token) -> bool:
        for one in self._parameters(_K.SUBJECT):
            is_article = token.word in _FILLERS and not token.is_quoted
            if one.name not in self.found.values and not (
                is_article and self.at + 1 < len(self.tokens)
            ):
                self._keep(one, token.text)
                self.at += 1
                return True
        return False

    def _amount(self) -> bool:
        """A number with a unit, perhaps after "by" or beside "disk"."""
        offered = self._parameters(_K.AMOUNT)
        at, noun = self.at, ""
        while at < len(self.tokens) and not self.tokens[at].is_quoted:
            word = self.tokens[at].word
            if any(word in one.nouns for one in offered) and not noun:
                noun = word
            elif not any(word in one.after for one in offered):
                break
            at += 1
        number, unit, after = self._number(at)
        if number is None:
            return False
        if not noun:
            noun, after = self._noun_behind(after, offered)
        fitting = [one for one in offered if unit in one.units]
        if noun:
            fitting = [one for one in fitting if noun in one.nouns]
        else:
            fitting = [one for one in fitting if not one.needs_noun]
        if len(fitting) != 1:
            return self._not_understood(at, after)
        is_more = at == self.at and fitting[0].name == self.last
        self._keep_amount(fitting[0], number * fitting[0].units[unit], is_more=is_more)
        self.at = after
        return True

    def _number(self, at: int) -> tuple[Decimal | None, str, int]:
        """A number, its unit, and where the line goes on; "24h" is both in one."""
        token = self.tokens[at] if at < len(self.tokens) else None
        read = _AMOUNT.fullmatch(token.word) if token and not token.is_quoted else None
        if read is None:
            return None, "", at
        number = Decimal(read[1].replace(",", "."))
        if read[2]:
            return number, read[2], at + 1
        following = self.tokens[at + 1].word if at + 1 < len(self.tokens) else ""
        is_unit = any(following in one.units for one in self._parameters(_K.AMOUNT))
        return number, following if is_unit else "", at + 2 if is_unit else at + 1

    def _noun_behind(self, at: int, offered: list[Parameter]) -> tuple[str, int]:
        """The noun behind an amount, unless it stands before the next: "4 gb disk 40 gb"."""
        noun, after = self._noun_at(at, offered)
        if not noun:
            return "", at
        number, _unit, end = self._number(after)
        if number is not None and not self._noun_at(end, offered)[0]:
            return "", at
        return noun, after

    def _noun_at(self, at: int, offered: list[Parameter]) -> tuple[str, int]:
        words = [token.word for token in self.tokens[at : at + 2]]
        steps = 2 if words and words[0] in {"of", "de"} else 1
        word = words[steps - 1] if len(words) >= steps else ""
        is_noun = any(word in one.nouns for one in offered)
        return (word, at + steps) if is_noun else ("", at)

    def _not_understood(self, at: int, after: int) -> bool:
        """A number that is no amount: the name of an object where one is due, else told."""
        is_alone = after == at + 1 and at == self.at
        if is_alone and self._subject(self.tokens[at]):
            return True
        told = " ".join(token.text for token in self.tokens[self.at : after])
        self.found.unknown.append(told)
        self.at = after
        return True

    def _keep_amount(self, one: Parameter, number: Decimal, *, is_more: bool) -> None:
        total = number + int(self.found.values.get(one.name, 0))
        if one.name in self.found.values and not is_more:
            self.found.twice.append(one.name)
            return
        if total != total.to_integral_value() or abs(total) > AMOUNT_MOST:
            self.found.uneven.append(one.name)
            self.found.values.pop(one.name, None)
            return
        self.found.values[one.name] = int(total)
        self.last = one.name

    def _keep(self, one: Parameter, text: str) -> None:
        if one.name in self.found.values:
            self.found.twice.append(one.name)
            return
        self.found.values[one.name] = text
        self.last = one.name


HOUR_UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "heure", "heures"), 1),
    **dict.fromkeys(("d", "day", "days", "j", "jour", "jours"), 24),
    **dict.fromkeys(("w", "week", "weeks", "sem", "semaine", "semaines"), 168),
}
CORE_UNITS: Final[Mapping[str, int]] = dict.fromkeys(
    (
        *("cpu", "cpus", "vcpu", "vcpus", "core", "cores", "coeur", "coeurs"),
        *("processor", "processors", "processeur", "processeurs"),
    ),
    1,
)
_GIGA: Final = ("g", "gb", "gib", "go", "gio")
MEMORY_UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("mb", "mib", "mo", "mio"), 1),
    **dict.fromkeys(_GIGA, 1024),
}
DISK_UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_GIGA, 1),
    **dict.fromkeys(("tb", "tib", "to", "tio"), 1024),
}
MEMORY_NOUNS: Final = frozenset({"ram", "memory", "memoire"})
DISK_NOUNS: Final = frozenset({"disk", "disque", "storage", "stockage"})
