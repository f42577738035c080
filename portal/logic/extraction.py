"""Which strings our sources translate: read from Python's syntax tree and Django's own template lexer.

Nothing but Python is needed, and the answer depends on the sources alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.template.base import Lexer, Token, TokenType
from django.utils.text import unescape_string_literal
from django.utils.translation import template as django_template
from django.utils.translation import trim_whitespace

STORED: Final = "stored"
"""The context of texts that rows hold in English (`portal.kernel.stored_text`)."""

_MODULE: Final = "django.utils.translation"
_SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "gettext": ("id",),
    "gettext_lazy": ("id",),
    "gettext_noop": ("id",),
    "ngettext": ("id", "plural"),
    "ngettext_lazy": ("id", "plural"),
    "pgettext": ("context", "id"),
    "pgettext_lazy": ("context", "id"),
    "npgettext": ("context", "id", "plural"),
    "npgettext_lazy": ("context", "id", "plural"),
}
_STORED_MODULE: Final = "portal.kernel.stored_text"
_STORED_NAMES: Final = frozenset({"stored_text", "told_text"})
_CONSTANT: Final = re.compile(r"""(?<!\w)_\(("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\)""")
_PLACE: Final = re.compile(r"%\(\w+\)")


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """What is looked up: the English words, their plural, and the context that tells two meanings apart."""

    text: str
    context: str = ""
    plural: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What a catalogue holds at most one entry of."""
        return self.context, self.text

    @property
    def has_places(self) -> bool:
        return bool(_PLACE.search(self.text + self.plural))


@dataclass(slots=True)
class Extract:
    """Messages with the files they stand in, and what cannot be translated as it is written."""

    places: dict[Message, set[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, message: Message, place: str) -> None:
        if message.text:
            self.places.setdefault(message, set()).add(place)

    def merge(self, other: Extract) -> None:
        """Takes over what another extraction found."""
        for message, places in other.places.items():
            self.places.setdefault(message, set()).update(places)
        self.faults.extend(other.faults)


def extract(files: Iterable[tuple[Path, str]]) -> Extract:
    """The messages of files, given with the names they are called by."""
    found = Extract()
    for path, name in files:
        source = path.read_text(encoding="utf-8")
        read = python_messages if path.suffix == ".py" else template_messages
        read(source, name, found)
    return found


def python_messages(source: str, name: str, found: Extract) -> None:
    """Calls of Django's translating functions, under whatever names they were imported."""
    tree = ast.parse(source, name)
    known = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            shape = _shape(node.func, known)
            if shape:
                _call(node, shape, name, found)


def _imported(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            local = alias.asname or alias.name
            if node.module == _MODULE and alias.name in _SHAPES:
                yield local, _SHAPES[alias.name]
            elif node.module == _STORED_MODULE and alias.name in _STORED_NAMES:
                yield local, (STORED,)


def _shape(function: ast.expr, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if isinstance(function, ast.Name):
        return known.get(function.id, ())
    is_qualified = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    if is_qualified and function.value.id == "translation":  # type: ignore[attr-defined]
        return _SHAPES.get(function.attr, ())  # type: ignore[attr-defined]
    return ()


def _call(node: ast.Call, shape: tuple[str, ...], name: str, found: Extract) -> None:
    values = [_constant(argument) for argument in node.args[: len(shape)]]
    if len(values) < len(shape) or any(value is None for value in values):
        if isinstance(node.args[0], ast.JoinedStr | ast.BinOp):
            found.faults.append(f"{name}:{node.lineno}: a translated string must be a constant")
        return
    given = dict(zip(shape, values, strict=True))
    if STORED in given:
        found.add(Message(str(given[STORED]), STORED), name)
    else:
        found.add(
            Message(str(given["id"]), given.get("context") or "", given.get("plural") or ""), name
        )


def _constant(node: ast.expr) -> str | None:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else None  # type: ignore[attr-defined]


def template_messages(source: str, name: str, found: Extract) -> None:
    """Tags, constants in expressions, and constants in the attributes of components."""
    block: list[Token] = []
    is_comment = False
    for token in Lexer(source).tokenize():
        if is_comment or (token.token_type == TokenType.BLOCK and token.contents == "comment"):
            is_comment = token.contents != "endcomment"
        elif block:
            block.append(token)
            if _is(token, django_template.endblock_re):
                _block(block, name, found)
                block = []
        elif _is(token, django_template.block_re):
            block = [token]
            _constants(token, name, found)
        else:
            _inline(token, name, found)
            _constants(token, name, found)


def _is(token: Token, pattern: re.Pattern[str]) -> bool:
    return token.token_type == TokenType.BLOCK and bool(pattern.match(token.contents))


def _inline(token: Token, name: str, found: Extract) -> None:
    match = django_template.inline_re.match(token.contents)
    if token.token_type == TokenType.BLOCK and match:
        context = unescape_string_literal(match[3]) if match[3] else ""
        found.add(Message(_doubled(unescape_string_literal(match[1])), context), name)


def _constants(token: Token, name: str, found: Extract) -> None:
    if token.token_type != TokenType.COMMENT:
        for text in _CONSTANT.findall(token.contents):
            found.add(Message(_doubled(unescape_string_literal(text))), name)


def _doubled(text: str) -> str:
    return text.replace("%", "%%")


def _block(tokens: list[Token], name: str, found: Extract) -> None:
    """A blocktranslate with its two texts, put together as Django will look them up."""
    head, *body, _end = tokens
    match = django_template.context_re.match(head.contents)
    context = unescape_string_literal(match[1]) if match else ""
    parts: list[list[str]] = [[]]
    for token in body:
        if token.token_type == TokenType.TEXT:
            parts[-1].append(_doubled(token.contents))
        elif token.token_type == TokenType.VAR:
            parts[-1].append(f"%({token.contents.partition('|')[0]})s")
        elif _is(token, django_template.plural_re):
            parts.append([])
    texts = ["".join(part) for part in parts]
    if "trimmed" in head.contents.split():
        texts = [trim_whitespace(text) for text in texts]
    found.add(Message(texts[0], context, texts[1] if len(texts) > 1 else ""), name)
