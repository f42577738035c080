"""The audit as a file: CSV for spreadsheets, one JSON object per line for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

import orjson
from rest_framework.renderers import BaseRenderer

from portal.kernel.api.renderers import JsonRenderer

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class CsvRenderer(BaseRenderer):
    """Errors in this format are JSON all the same: only rows become lines."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes | str:
        if not isinstance(data, list):
            return JsonRenderer().render(data)
        if not data:
            return ""
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, fieldnames=list(data[0]))
        writer.writeheader()
        for row in data:
            writer.writerow({name: _cell(value) for name, value in row.items()})
        return buffer.getvalue()


def _cell(value: Any) -> str:
    """A cell a spreadsheet shows and never computes."""
    if value is None:
        return ""
    text = orjson.dumps(value).decode() if isinstance(value, Mapping | list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


class JsonLinesRenderer(BaseRenderer):
    """One entry per line."""

    media_type = "application/x-ndjson"
    format = "jsonl"
    charset = None

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        if not isinstance(data, list):
            return JsonRenderer().render(data)
        return b"".join(JsonRenderer().render(dict(row)) + b"\n" for row in data)
