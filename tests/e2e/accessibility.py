"""axe-core in the page: what it finds, one line each."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path("node_modules/axe-core/axe.min.js")
_RUN = """
  async (rules) => (await axe.run(document, {resultTypes: ["violations"], rules})).violations.flatMap(
    (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} (${rule.help})`))"""
_CONTRAST = """
  async () => (await axe.run(document, {resultTypes: ["violations"], runOnly: ["color-contrast"]}))
    .violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`))"""
# The living page shows every component twice on purpose, once in each theme.
_TWICE = {"landmark-unique": {"enabled": False}}


@cache
def _source() -> str:
    return _AXE.read_text(encoding="utf-8")


def axe_violations(page: Page, *, shows_twice: bool = False) -> list[str]:
    """Rule, element and help of everything axe objects to, best practices included."""
    page.evaluate(_source())
    found: list[Any] = page.evaluate(_RUN, _TWICE if shows_twice else {})
    return [str(one) for one in found]


def contrast_violations(page: Page) -> list[str]:
    """What cannot be told from its ground: all that a theme decides, of a page that ran axe before."""
    found: list[Any] = page.evaluate(_CONTRAST)
    return [str(one) for one in found]
