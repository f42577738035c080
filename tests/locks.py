"""The order in which transactions lock rows: one for all, so that two of them never wait for each other."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from django.db import connections

from tests.engine import wait_until

_ORDER: Final = (
    ("provisioning_finding",),
    ("provisioning_deployment",),
    ("provisioning_volume", "provisioning_backup", "provisioning_snapshot"),
    ("billing_quotausage",),
    ("billing_quotareservation",),
    ("provisioning_cluster",),
    ("provisioning_slot", "provisioning_vmidallocation"),
)
"""docs/provisioning.md, "The order of locks"; what is not named here may come at any time."""
_RANK: Final = {table: rank for rank, tables in enumerate(_ORDER) for table in tables}
_LOCKED: Final = re.compile(
    r'^UPDATE "(\w+)"|^DELETE FROM "(\w+)"|^SELECT .*? FROM "(\w+)".* FOR (?:NO KEY )?UPDATE\b',
    re.DOTALL,
)


@dataclass
class LockWitness:
    """What the open transaction of one connection has locked so far, and every breach of the order."""

    held: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        found = _LOCKED.match(sql) if "SKIP LOCKED" not in sql else None
        table = next((name for name in found.groups() if name), "") if found else ""
        if not context["connection"].in_atomic_block:
            self.held.clear()
        elif table in _RANK and table not in self.held:
            later = [one for one in self.held if _RANK[one] > _RANK[table]]
            place = _place() if later else ""
            if place:
                self.breaches.append(f"{table} after {', '.join(later)} in {place}")
            self.held.append(table)
        return execute(sql, params, many, context)

    def ended(self, act: Callable[[], Any]) -> Callable[[], Any]:
        """`act`, a commit or a rollback, after which nothing is held."""

        def run() -> Any:
            self.held.clear()
            return act()

        return run


def _place() -> str:
    """The services that are at it, the innermost first; none where a test arranges by itself."""
    frames = reversed(traceback.extract_stack())
    found = [frame.name for frame in frames if "/services/" in frame.filename]
    return " < ".join(found[:4])


@contextmanager
def locks_witnessed() -> Iterator[list[str]]:
    """Collects the breaches of the order in this thread's transactions until the block ends."""
    breaches: list[str] = []
    with ExitStack() as stack:
        for alias in ("default", "platform"):
            connection = connections[alias]
            witness = LockWitness(breaches=breaches)
            stack.enter_context(connection.execute_wrapper(witness))
            for name in ("_commit", "_rollback"):
                act = witness.ended(getattr(connection, name))
                stack.enter_context(patch.object(connection, name, act))
        yield breaches


def behind(
    gate: AbstractContextManager[object], *acts: Callable[[], object], timeout_s: float = 60.0
) -> list[str]:
    """Lets the acts begin one after the other, each until it waits, behind rows that `gate` has locked.

    Answers what became of each: "ok", or the class of its error.
    """
    results = [""] * len(acts)

    def work(number: int) -> None:
        try:
            acts[number]()
            results[number] = "ok"
        except Exception as error:  # noqa: BLE001 - the class is the result
            results[number] = type(error).__name__
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(acts))]
    with gate:
        for count, thread in enumerate(threads, start=1):
            thread.start()
            wait_until(partial(_waits, count), timeout_s=timeout_s)
    for thread in threads:
        thread.join()
    return results


def _waits(count: int) -> bool:
    """Whether so many sessions of this database wait for a lock."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return bool(cursor.fetchone() == (count,))
