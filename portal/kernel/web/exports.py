"""Lists as CSV: what is filtered, in the order it is shown in, in the reader's language.

The file is written page by page inside the request's transaction and kept on disk beyond a megabyte, so
memory stays constant, an error is an error page and never half a file, and the audit entry commits with it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.kernel.web.tables import Column, Table

ROWS_MOST: Final = 10_000
CUT_HEADER: Final = "X-Export-Cut"
_AT_ONCE: Final = 500
_IN_MEMORY: Final = 1_000_000
_CHUNK: Final = 64 * 1024
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Recorder = Callable[..., None]
_recorders: list[Recorder] = []


def register_recorder(recorder: Recorder) -> None:
    """Says who writes down that somebody took a list away; called with table, filters and rows."""
    _recorders[:] = [recorder]


def csv_cell(value: Any) -> str:
    """A cell that a spreadsheet shows and never computes; times in the reader's zone, with its offset."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_response(
    request: HttpRequest,
    table: Table,
    columns: Sequence[Column],
    rows: QuerySet[Any],
    shown: Callable[[list[Any]], Iterable[Any]],
) -> StreamingHttpResponse:
    """The file; its last line and a header say when there were more rows than fit."""
    file: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by the answer
    written = [column for column in columns if column.text is not None]
    count, is_cut = _write(file, written, rows, shown)
    filters = {name: value for name, value in request.GET.items() if value}
    for recorder in _recorders:
        recorder(table=table.key, filters=filters, rows=count)
    file.seek(0)
    is_async = isinstance(request, ASGIRequest)
    body = _chunks_awaited(file) if is_async else iter(lambda: file.read(_CHUNK), b"")
    response = StreamingHttpResponse(body, content_type="text/csv; charset=utf-8")
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]  # noqa: SLF001 - as FileResponse
    response["Content-Disposition"] = f'attachment; filename="{table.key}.csv"'
    response["Cache-Control"] = "no-store"
    if is_cut:
        response[CUT_HEADER] = str(ROWS_MOST)
    return response


def _write(
    file: IO[bytes],
    columns: Sequence[Column],
    rows: QuerySet[Any],
    shown: Callable[[list[Any]], Iterable[Any]],
) -> tuple[int, bool]:
    """How many rows were written, and whether there were more."""
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(lines)
    writer.writerow([csv_cell(column.label) for column in columns])
    count = 0
    found = rows[: ROWS_MOST + 1].iterator(chunk_size=_AT_ONCE)
    for batch in _batches(found, ROWS_MOST):
        for row in shown(batch):
            writer.writerow([csv_cell(column.text(row)) for column in columns if column.text])
            count += 1
    is_cut = next(found, None) is not None
    if is_cut:
        told = _("Only the first %(most)s rows are here: narrow the list with its filters.")
        writer.writerow([told % {"most": ROWS_MOST}])
    lines.detach()
    return count, is_cut


def _batches(rows: Iterator[Any], most: int) -> Iterator[list[Any]]:
    taken = 0
    while taken < most and (batch := list(islice(rows, min(_AT_ONCE, most - taken)))):
        taken += len(batch)
        yield batch


async def _chunks_awaited(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
