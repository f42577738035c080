"""Cursors for statements that are sent again and again: prepared, their values as JSON shows them.

Django's own cursor puts values into the text of a statement, so that the server parses and plans each
anew. These send them apart and prepare the statement, if the connection allows it (`prepare_threshold`).
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import psycopg
from psycopg import adapt
from psycopg.abc import Params
from psycopg.types.string import TextLoader

_PYTHON_VALUES = adapt.AdaptersMap(psycopg.adapters)
_LEDGER_VALUES = adapt.AdaptersMap(psycopg.adapters)
_LEDGER_VALUES.register_loader("jsonb", TextLoader)
_JSON_VALUES = adapt.AdaptersMap(psycopg.adapters)
for _name in ("uuid", "jsonb", "numeric"):
    _JSON_VALUES.register_loader(_name, TextLoader)


class PreparedCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Prepares what it executes and answers Python's own values, whatever Django registered."""

    values: ClassVar[adapt.AdaptersMap] = _PYTHON_VALUES

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self._adapters = self.values

    def execute(
        self,
        query: Any,
        params: Params | None = None,
        *,
        prepare: bool | None = True,
        binary: bool | None = None,
    ) -> Self:
        return super().execute(query, params, prepare=prepare, binary=binary)


class JsonCursor(PreparedCursor):
    """Answers keys and figures as text and JSON as it is written: nothing is parsed to be written again."""

    values = _JSON_VALUES


class LedgerCursor(PreparedCursor):
    """Answers Python's own values, but JSON as text: the ledger has a faster parser."""

    values = _LEDGER_VALUES
