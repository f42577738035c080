"""Runs the measurements on a database of their own and prints the ratios."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from importlib import import_module
from pathlib import Path

import django
from django.conf import settings

# As in production: connections from a pool, static files listed once.
for _alias in ("default", "platform", "dispatch"):
    settings.DATABASES[_alias]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
settings.WHITENOISE_AUTOREFRESH = False

django.setup()

from django.db import connections  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from portal.services.roles import roles_ensure  # noqa: E402
from portal.services.settings import settings_ensure  # noqa: E402
from tests.bench.environment import environment  # noqa: E402
from tests.bench.experience import HEAD as HEAD_OF_EXPERIENCES  # noqa: E402
from tests.bench.experience import Experience, experiences  # noqa: E402
from tests.bench.subjects import measurements  # noqa: E402
from tests.bench.timing import Measurement  # noqa: E402
from tests.bench.world import BenchWorld, world_make  # noqa: E402

MODULES = ("api", "pages", "palette", "database", "measures", "provider", "engine")
HEAD = f"{'measurement':<30}{'ms':>10}  {'beside':<40}{'ms':>10}{'ratio':>9}{'goal':>8}"


def line(one: Measurement) -> str:
    """One measurement of the table; `!` marks what misses its goal."""
    goal = "" if one.goal is None else f"{one.goal:g}"
    mark = "" if one.is_met else " !"
    return (
        f"{one.name:<30}{one.subject_ms:>10.3f}  {one.yardstick:<40}{one.yardstick_ms:>10.3f}"
        f"{one.ratio:>9.2f}{goal:>8}{mark}"
    )


def measure(world: BenchWorld, only: list[str]) -> list[Measurement]:
    """Measures one after the other, telling each as soon as it is known."""
    gc.collect()
    gc.freeze()
    sys.stdout.write(f"{HEAD}\n")
    found = []
    for one in measurements(world, only):
        found.append(one)
        sys.stdout.write(f"{line(one)}\n")
        sys.stdout.flush()
    return found


def feel(world: BenchWorld, only: list[str]) -> list[Experience]:
    """The same for what a person feels, unless other things were asked for."""
    if only and not any("browser".startswith(word) for word in only):
        return []
    sys.stdout.write(f"\n{HEAD_OF_EXPERIENCES}\n")
    found = []
    for one in experiences(world):
        found.append(one)
        sys.stdout.write(f"{one.line()}\n")
        sys.stdout.flush()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument(
        "--only", action="append", default=[], help="names that begin so; may be repeated"
    )
    options = parser.parse_args()
    began = time.monotonic()
    for module in MODULES:
        import_module(f"tests.bench.{module}")
    old = setup_databases(verbosity=0, interactive=False)
    try:
        roles_ensure()
        settings_ensure()
        world = world_make()
        with world.raw:
            found = measure(world, options.only)
        felt = feel(world, options.only)
        where = environment()
    finally:
        for alias in connections:
            connections[alias].close()
            connections[alias].close_pool()
        teardown_databases(old, verbosity=0)
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    if options.json:
        body = {
            "environment": where,
            "measurements": [one.as_dict() for one in found],
            "browser": [one.as_dict() for one in felt],
        }
        options.json.write_text(json.dumps(body, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
