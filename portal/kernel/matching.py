"""How well words fit a text, pure: whole, at a word's start, inside, scattered, with one letter wrong.

Letters are compared without case and accents, each in its place, so that what matched can be marked.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

WHOLE, START, WORD_START, INSIDE, SCATTERED, MISTYPED = 100.0, 80.0, 65.0, 50.0, 30.0, 20.0
TYPO_FROM: Final = 4
"""Shorter words must be typed without a mistake."""
WORDS_MOST: Final = 8
QUERY_MOST: Final = 200
_WIDEST: Final = 3
_LENGTH_COST: Final = 0.05
_KEYWORD_SHARE: Final = 0.6
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Match:
    """How well it fits, and which letters of the text did."""

    score: float
    spans: tuple[Span, ...] = ()


def composed(text: str) -> str:
    """The text with each letter and its accent in one place."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Lower case without accents, letter for letter."""
    if text.isascii():
        return text.lower()
    return "".join(_plain(letter) for letter in composed(text))


def _plain(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0].lower()
    return base[0]


def words_of(text: str) -> tuple[str, ...]:
    """The folded words of what was typed: bounded, since anybody can send anything."""
    return tuple(fold(text[:QUERY_MOST].replace("\x00", " ")).split()[:WORDS_MOST])


def match(words: tuple[str, ...], title: str, keywords: tuple[str, ...] = ()) -> Match | None:
    """How well all words fit a title, or what else it is known by; None when one fits nowhere."""
    folded = fold(title)
    score = 0.0
    spans: list[Span] = []
    for word in words:
        found = _match_word(word, folded)
        if found is None:
            best = max((one.score for one in _others(word, keywords)), default=None)
            if best is None:
                return None
            score += best * _KEYWORD_SHARE
        else:
            score += found.score
            spans += found.spans
    return Match(score / max(len(words), 1) - len(title) * _LENGTH_COST, _merged(spans))


def _others(word: str, keywords: tuple[str, ...]) -> list[Match]:
    return [found for one in keywords if (found := _match_word(word, fold(one)))]


def _match_word(word: str, text: str) -> Match | None:
    at = text.find(word)
    if at < 0:
        return _scattered(word, text) or _mistyped(word, text)
    while at >= 0 and not _begins(text, at):
        at = text.find(word, at + 1)
    if at < 0:
        at = text.find(word)
        return Match(INSIDE, ((at, at + len(word)),))
    score = WHOLE if word == text else START if at == 0 else WORD_START
    return Match(score, ((at, at + len(word)),))


def _begins(text: str, at: int) -> bool:
    """Whether a word, or a number inside one, begins there."""
    if at == 0:
        return True
    before, here = text[at - 1], text[at]
    return not before.isalnum() or (here.isdigit() and not before.isdigit())


def _scattered(word: str, text: str) -> Match | None:
    """The letters in their order from a word's start on, not too far apart: "wl4" in "web-linux-04"."""
    for begin in range(len(text)):
        if text[begin] == word[0] and _begins(text, begin):
            places = _places(word, text, begin)
            if places and places[-1] - begin < _WIDEST * len(word) + _WIDEST:
                run = sum(1 for a, b in pairwise(places) if b == a + 1 or _begins(text, b))
                score = SCATTERED + 10 * run / max(len(word) - 1, 1)
                return Match(score, tuple((at, at + 1) for at in places))
    return None


def _places(word: str, text: str, begin: int) -> list[int] | None:
    places, at = [begin], begin
    for letter in word[1:]:
        at = text.find(letter, at + 1)
        if at < 0:
            return None
        places.append(at)
    return places


def _mistyped(word: str, text: str) -> Match | None:
    """One letter wrong, missing, too many, or two in the wrong order, in a word of the text."""
    if len(word) < TYPO_FROM:
        return None
    for begin in range(len(text)):
        if not _begins(text, begin):
            continue
        for length in (len(word), len(word) + 1, len(word) - 1):
            part = text[begin : begin + length]
            if len(part) == length and one_off(word, part):
                return Match(MISTYPED, ((begin, begin + length),))
    return None


def one_off(one: str, other: str) -> bool:
    """Whether one edit, or a swap of two neighbours, makes one the other."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    swapped = one[at : at + 2][::-1] == other[at : at + 2]
    return one[at + 1 :] == other[at + 1 :] or (swapped and one[at + 2 :] == other[at + 2 :])


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return tuple(merged)


def pieces(text: str, spans: tuple[Span, ...]) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is to be marked."""
    parts, at = [], 0
    for begin, end in spans:
        parts += [(text[at:begin], False), (text[begin:end], True)]
        at = end
    return [part for part in [*parts, (text[at:], False)] if part[0]]
