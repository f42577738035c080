"""The French catalogue: how it follows the sources, and what must be true of it before anybody sees it.

It is written the same by everybody: sorted, without line numbers, dates or names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import polib

from portal.logic.extraction import Extract, Message

_WIDTH: Final = 100
_METADATA: Final = {
    "Project-Id-Version": "uHub",
    "Language": "fr",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n > 1);",
}
_FORMS: Final = (0, 1)
_PLACES: Final = re.compile(r"%\(\w+\)0?\d*[a-z]|%%|%[sd]|\{\w*\}")
_MARKUP: Final = re.compile(r"</?\w[^>]*>|https?://\S+|&\w+;")
_BREAK: Final = "\N{NO-BREAK SPACE}"
_TYPOGRAPHY: Final = (
    (re.compile(r"\w'\w"), "an apostrophe is ’"),
    (re.compile(r"\.\.\."), "three dots are …"),
    (re.compile(r"\u202f"), "the space before a mark is U+00A0"),
    (re.compile(rf"[^\s{_BREAK}:;!?][;!?](?!\w)"), "; ! ? stand behind a no-break space"),
    (re.compile(rf"[^\s{_BREAK}:]:(?=\s|$)"), ": stands behind a no-break space"),
    (
        re.compile(r"[ \t](?:[;:!?»%€](?!\()|%%)"),
        "the space before ; : ! ? » % € is a no-break one",
    ),
    (re.compile(rf"«[^{_BREAK}]|[^{_BREAK}]»"), "« and » keep a no-break space inside"),
    (re.compile(r"(?:\d|\)[sd])(?:%%|€)"), "a no-break space stands before % and €"),
)


def messages_of(catalogue: polib.POFile) -> dict[tuple[str, str], polib.POEntry]:
    """Entries by context and text."""
    return {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}


def catalogue_read(path: Path) -> polib.POFile:
    """The catalogue, an empty one where there is none."""
    return polib.pofile(str(path), wrapwidth=_WIDTH) if path.exists() else polib.POFile()


def catalogue_updated(old: polib.POFile, found: Extract) -> polib.POFile:
    """The messages of the sources with the words that are known for them; new ones are empty."""
    known = messages_of(old)
    catalogue = polib.POFile(wrapwidth=_WIDTH)
    catalogue.metadata = dict(_METADATA)
    for message, places in _merged(found):
        entry = polib.POEntry(
            msgid=message.text,
            msgctxt=message.context or None,
            occurrences=[(place, "") for place in sorted(places)],
            flags=["python-format"] if message.has_places else [],
        )
        _words_keep(entry, message, known.get(message.key))
        catalogue.append(entry)
    return catalogue


def _merged(found: Extract) -> Iterator[tuple[Message, set[str]]]:
    """One message a key: whoever asks without a plural is answered by the entry that has one."""
    by_key: dict[tuple[str, str], tuple[Message, set[str]]] = {}
    for message in sorted(found.places):
        _, places = by_key.get(message.key, (message, set()))
        by_key[message.key] = (message, places | found.places[message])
    for key in sorted(by_key, key=lambda key: (key[1].lower(), key[1], key[0])):
        yield by_key[key]


def _words_keep(entry: polib.POEntry, message: Message, old: polib.POEntry | None) -> None:
    plural = getattr(old, "msgid_plural", "") if old else ""
    if message.plural:
        entry.msgid_plural = message.plural
        is_same = old is not None and plural == message.plural
        entry.msgstr_plural = (
            dict(old.msgstr_plural) if is_same and old else dict.fromkeys(_FORMS, "")
        )
    else:
        entry.msgstr = old.msgstr if old and not plural else ""


def catalogue_faults(catalogue: polib.POFile, found: Extract) -> list[str]:
    """What keeps a page from being French from top to bottom."""
    wanted = {message.key: message for message, _ in _merged(found)}
    known = messages_of(catalogue)
    faults = list(found.faults)
    faults += [f"not in the catalogue: {text!r}" for _, text in wanted.keys() - known.keys()]
    faults += [f"used nowhere: {text!r}" for _, text in known.keys() - wanted.keys()]
    faults += [f"obsolete: {entry.msgid!r}" for entry in catalogue.obsolete_entries()]
    for key, entry in known.items():
        if key in wanted and (entry.msgid_plural or "") != wanted[key].plural:
            faults.append(f"another plural: {entry.msgid!r}")
        faults += [f"{fault}: {entry.msgid!r}" for fault in entry_faults(entry)]
    return sorted(faults)


def entry_faults(entry: polib.POEntry) -> list[str]:
    """What is wrong with one translation."""
    if entry.fuzzy:
        return ["fuzzy"]
    pairs = pairs_of(entry)
    if not all(words for _, words in pairs):
        return ["not translated"]
    faults: list[str] = []
    for english, french in pairs:
        faults += _pair_faults(english, french, is_plural=bool(entry.msgid_plural))
    return list(dict.fromkeys(faults))


def pairs_of(entry: polib.POEntry) -> list[tuple[str, str]]:
    """The English words with the French ones, form by form."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    english = (entry.msgid, entry.msgid_plural)
    return [(english[form], entry.msgstr_plural.get(form, "")) for form in _FORMS]


def _pair_faults(english: str, french: str, *, is_plural: bool) -> Iterator[str]:
    if sorted(_places(english)) != sorted(_places(french)) and not (
        is_plural and set(_places(french)) <= set(_places(english)) | {"%(number)s", "%(count)s"}
    ):
        yield "other places than the English words"
    if _edges(english) != _edges(french):
        yield "other spaces at the ends than the English words"
    bare = _MARKUP.sub("", french)
    for pattern, fault in _TYPOGRAPHY:
        if pattern.search(bare):
            yield fault


def _places(text: str) -> list[str]:
    return [place for place in _PLACES.findall(text) if place != "%%"]


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def catalogues_texts(paths: Iterable[Path]) -> set[tuple[str, str]]:
    """What compiled catalogues have words for."""
    return {
        (entry.msgctxt or "", entry.msgid)
        for path in paths
        for entry in polib.mofile(str(path))
        if entry.msgstr or any(entry.msgstr_plural.values())
    }
