"""Files and functions stay small enough to be read at once, and files are named by their noun."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = {".py", ".js", ".css", ".html"}
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50
NAMES_OF_NOTHING = {"utils", "helpers", "common", "misc"}


@cache
def written() -> tuple[Path, ...]:
    """Source files under version control that people wrote: migrations are generated."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    paths = [Path(name) for name in listing.stdout.split("\0")]
    return tuple(
        path
        for path in paths
        if path.suffix in KINDS and "migrations" not in path.parts and (ROOT / path).exists()
    )


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of every function of a Python file."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_source_files_are_found() -> None:
    assert {path.suffix for path in written()} == KINDS


def test_no_file_is_too_long() -> None:
    counts = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in written()
    }
    assert [
        f"{path}: {lines}" for path, lines in counts.items() if lines > MOST_LINES_OF_A_FILE
    ] == []


def test_no_function_is_too_long() -> None:
    assert [
        f"{path}: {name}: {lines}"
        for path in written()
        if path.suffix == ".py"
        for name, lines in functions(path)
        if lines > MOST_LINES_OF_A_FUNCTION
    ] == []


def test_no_file_is_named_after_nothing() -> None:
    assert [str(path) for path in written() if path.stem in NAMES_OF_NOTHING] == []
