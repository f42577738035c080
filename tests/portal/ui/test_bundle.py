"""What the build ships: sizes within budget, everything pinned, nothing fetched from elsewhere."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from tests.portal.ui.palette import ROOT

DIST = ROOT / "dist"
BUDGET_KB = {".js": 30, ".css": 24}
needs_build = pytest.mark.skipif(
    not (DIST / "manifest.json").exists(), reason="the assets are not built (make build)"
)


def _lock() -> dict[str, dict[str, object]]:
    return json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]


@needs_build
@pytest.mark.parametrize("suffix", BUDGET_KB)
def test_what_every_page_loads_is_within_budget(suffix: str) -> None:
    manifest = json.loads((DIST / "manifest.json").read_text("utf-8"))
    entry = manifest["portal/frontend/js/main.js"]
    loaded = [name for name in [entry["file"], *entry["css"]] if name.endswith(suffix)]
    size = sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in loaded)
    assert 0 < size <= BUDGET_KB[suffix] * 1024


@needs_build
def test_the_bundle_names_no_other_host() -> None:
    styles = "".join(path.read_text("utf-8") for path in (DIST / "assets").glob("*.css"))
    assert re.findall(r"url\(\s*['\"]?(?:https?:)?//", styles) == []


@needs_build
def test_the_light_theme_follows_the_system_as_well() -> None:
    styles = "".join(path.read_text("utf-8") for path in (DIST / "assets").glob("*.css"))
    light, system = (styles.count(f"[data-theme={name}]") for name in ("light", "system"))
    assert light > 0
    assert system == light


def test_the_lock_knows_every_platform() -> None:
    platforms = [name for name in _lock() if "/@tailwindcss/oxide-" in name]
    assert len(platforms) == 12


def test_the_lock_names_no_registry() -> None:
    assert [name for name, package in _lock().items() if "resolved" in package] == []


def test_every_package_is_pinned_exactly() -> None:
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    versions = package["dependencies"] | package["devDependencies"]
    assert [
        name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)
    ] == []


def test_no_package_runs_a_script_when_installed() -> None:
    options = Path(ROOT / ".npmrc").read_text("utf-8").splitlines()
    assert "ignore-scripts=true" in options
