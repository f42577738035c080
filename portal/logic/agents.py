"""What a program calls itself, in words people know."""

from __future__ import annotations

from typing import Final

# The first that is found counts: browsers name their ancestors as well.
_PROGRAMS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def agent_words(agent: str) -> str:
    """`Firefox · Linux`; the beginning of the name where nothing of it is known."""
    program = next((word for mark, word in _PROGRAMS if mark.lower() in agent.lower()), "")
    system = next((word for mark, word in _SYSTEMS if mark in agent), "")
    return " · ".join(word for word in (program, system) if word) or agent[:40]
