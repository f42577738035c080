"""What templates may not contain under our content security policy, and what they must say about themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import lucide
import pytest

from portal.kernel.icons import icon_drawn
from portal.kernel.ui import statuses
from tests.portal.ui.palette import ROOT
from tests.portal.ui.sources import markup, name, scripts, style_sheets, templates

FORBIDDEN = {
    "a style attribute": r"\sstyle\s*=",
    "a style element": r"<style",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "an inline handler": r"\son[a-z]+\s*=",
    "hx-on": r"hx-on",
    "an evaluated value": r"\bjs:",
    "an evaluated trigger filter": r"hx-trigger=\"[^\"]*\[",
    "a javascript address": r"javascript:",
    "an unescaped value": r"\|safe\b|autoescape off",
}
SET_BY_LIBRARIES = {"htmx-request", "u-cursor-x"}
ICON_TAG = re.compile(r"\{% icon \"([a-z0-9-]+)\"")
ICON_ATTRIBUTE = re.compile(r"<c-[a-z.]+\b[^>]*?\sicon=\"([a-z0-9-]+)\"")


@pytest.mark.parametrize("path", templates(), ids=name)
def test_templates_hold_nothing_the_policy_blocks(path: Path) -> None:
    text = markup(path)
    assert [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)] == []


@pytest.mark.parametrize("path", templates(), ids=name)
def test_every_template_begins_with_what_it_needs(path: Path) -> None:
    beginning = r"(\{% (extends|load) [^%]+%\}\s*)*\{% comment %\}\n\S"
    assert re.match(beginning, path.read_text("utf-8"))


@pytest.mark.parametrize(
    "path", [path for path in templates() if path.parent.name == "ui"], ids=name
)
def test_components_declare_and_document_their_variables(path: Path) -> None:
    text = path.read_text("utf-8")
    declared = set(re.findall(r"[\s:]([a-z_]+)=", re.search(r"<c-vars(.*?)/>", text, re.DOTALL)[1]))
    described = set(re.findall(r"[a-z_]+", text[: text.index("{% endcomment %}")]))
    assert declared - described == set()


def test_every_icon_of_the_templates_exists() -> None:
    named = {
        icon
        for path in templates()
        for pattern in (ICON_TAG, ICON_ATTRIBUTE)
        for icon in pattern.findall(markup(path))
    }
    assert len(named) > 30
    assert [icon for icon in sorted(named) if not _exists(icon)] == []


def test_every_icon_of_a_status_exists() -> None:
    icons = {style.icon for styles in statuses().values() for style in styles.values()}
    assert [icon for icon in sorted(icons) if not _exists(icon)] == []


@pytest.mark.parametrize("domain", sorted(statuses()))
def test_no_two_states_look_alike(domain: str) -> None:
    looks = [(str(style.label), style.icon) for style in statuses()[domain].values()]
    assert len(looks) == len(set(looks))


def test_htmx_finds_nothing_of_its_earlier_version() -> None:
    node = shutil.which("node", path=f"{ROOT / '.venv/bin'}:/usr/local/bin:/usr/bin")
    checker = ROOT / "node_modules/htmx.org/dist/scripts/upgrade-check.js"
    if node is None or not checker.exists():
        pytest.skip("needs node and the installed npm packages (make build)")
    found = subprocess.run(
        [node, checker, "templates"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_every_class_of_the_style_sheets_is_used() -> None:
    css = " ".join(text for _name, text in style_sheets())
    selectors = re.sub(r"\{[^{}]*\}", " ", re.sub(r"url\([^)]*\)", "", css))
    classes = set(
        re.findall(r"\.([a-z][a-z0-9-]*)", re.sub(r"@import[^;]*;|@source[^;]*;", "", selectors))
    )
    sources = [*(ROOT / "portal/templatetags").glob("*.py"), ROOT / "portal/kernel/ui.py"]
    tags = (path.read_text("utf-8") for path in sources)
    used = " ".join([*map(markup, templates()), *(text for _n, text in scripts()), *tags])
    words = set(re.findall(r"[a-z][a-z0-9-]*", used))
    assert sorted(classes - words - SET_BY_LIBRARIES) == []


def _exists(icon: str) -> bool:
    try:
        icon_drawn(icon, 16, {})
    except lucide.IconDoesNotExist:
        return False
    return True
