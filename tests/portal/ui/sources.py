"""Our templates, style sheets and scripts as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.portal.ui.palette import ROOT

TEMPLATES = ROOT / "templates"
FRONTEND = ROOT / "portal/frontend"
COMMENT = re.compile(r"\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)


def templates() -> list[Path]:
    return sorted(TEMPLATES.rglob("*.html"))


def name(path: Path) -> str:
    """How Django calls the template."""
    return str(path.relative_to(TEMPLATES))


def markup(path: Path) -> str:
    """A template without its comments."""
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


def style_sheets() -> Iterator[tuple[str, str]]:
    for path in sorted((FRONTEND / "css").glob("*.css")):
        yield path.name, re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def scripts() -> Iterator[tuple[str, str]]:
    for path in sorted((FRONTEND / "js").glob("*.js")):
        yield path.name, path.read_text(encoding="utf-8")
