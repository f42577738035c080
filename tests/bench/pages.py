"""Pages beside the time their own template would need with rows that are already text."""

from __future__ import annotations

import gzip
from contextlib import ExitStack

from django.template import engines

from tests.bench.floors import LIVE, rows_by_hand
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import BenchWorld

ROWS, COLUMNS_SHOWN = 25, 15
GZIP_LIMIT_BYTES = 60_000
_TABLE = (
    "<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>"
    "{% endfor %}</table>"
)


def _template_floor(world: BenchWorld) -> Act:
    sql = f"{LIVE} ORDER BY d.id DESC LIMIT {ROWS + 1}"
    rows = rows_by_hand(world, world.big, sql)
    template = engines["django"].from_string(_TABLE)

    def act() -> str:
        shown = [[str(cell) for cell in row[:COLUMNS_SHOWN]] for row in rows()[:ROWS]]
        return template.render({"rows": shown})

    return act


def _page(world: BenchWorld, path: str) -> tuple[Act, Act]:
    client = world.browser()
    size = len(gzip.compress(client.get(path)))
    assert size <= GZIP_LIMIT_BYTES, f"{path} has {size} bytes gzipped"
    return (lambda: client.get(path)), _template_floor(world)


FLOOR = "SQL by hand + bare table of 25 rows"


@measured("page.dashboard", beside=FLOOR)
def dashboard(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """`/`."""
    return _page(world, "/")


@measured("page.deployments", beside=FLOOR)
def deployments(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """`/deployments`."""
    return _page(world, "/deployments")


@measured("page.operations", beside=FLOOR)
def operations(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """`/operations`."""
    return _page(world, "/operations")


@measured("page.deployment", beside=FLOOR)
def deployment(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """One of `/deployments`."""
    return _page(world, f"/deployments/{world.some_deployment()}")


@measured("page.templates", beside=FLOOR)
def templates(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """`/templates`."""
    return _page(world, "/templates")


@measured("page.profile", beside=FLOOR)
def profile(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """`/profile`: the shell and little else."""
    return _page(world, "/profile")
