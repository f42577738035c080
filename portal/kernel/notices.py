"""The kinds of notices people get: apps register theirs, the shell shows them and lets people switch them off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.kernel.ui import Text, Tone

Words = Mapping[str, Any]
"""What a notice was written with, as JSON; `detail` is shown as it is, below the sentence."""


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """How notices of one kind look. `text` says the words in the language of whoever reads."""

    key: str
    label: Text
    icon: str
    tone: Tone
    is_on_by_default: bool
    text: Callable[[Words], str]


_kinds: dict[str, NoticeKind] = {}


def register_notice_kind(
    key: str,
    label: Text,
    icon: str,
    tone: Tone,
    default_on: bool = True,
    *,
    text: Callable[[Words], str],
) -> None:
    """Makes a kind known (called from an app's `apps.py` or `handlers.py`)."""
    _kinds[key] = NoticeKind(key, label, icon, tone, default_on, text)


def notice_kind(key: str) -> NoticeKind:
    """The kind; one that no installed app knows any more says its own name."""
    return _kinds.get(key) or NoticeKind(key, key, "bell", Tone.IDLE, True, lambda _words: key)


def notice_kinds() -> tuple[NoticeKind, ...]:
    """All registered kinds in the order of their registration."""
    return tuple(_kinds.values())
