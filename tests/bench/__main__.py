"""Runs the measurements on a database of their own and prints the ratios."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import django

django.setup()

from django.db import connections  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402

from portal.services.roles import roles_ensure  # noqa: E402
from portal.services.settings import settings_ensure  # noqa: E402
from tests.bench.subjects import environment, measurements  # noqa: E402
from tests.bench.timing import Measurement  # noqa: E402


def table(found: list[Measurement]) -> str:
    """One line per measurement."""
    head = f"{'measurement':<36}{'ms':>10}  {'yardstick':<24}{'ms':>10}{'ratio':>9}"
    rows = [
        f"{one.name:<36}{one.subject_ms:>10.3f}  {one.yardstick:<24}{one.yardstick_ms:>10.3f}"
        f"{one.ratio:>9.2f}"
        for one in found
    ]
    return "\n".join([head, *rows, ""])


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    setup_test_environment(debug=False)
    old = setup_databases(verbosity=0, interactive=False)
    try:
        roles_ensure()
        settings_ensure()
        found = measurements()
        where = environment()
    finally:
        connections.close_all()
        teardown_databases(old, verbosity=0)
    sys.stdout.write(table(found))
    if options.json:
        body = {"environment": where, "measurements": [one.as_dict() for one in found]}
        options.json.write_text(json.dumps(body, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
