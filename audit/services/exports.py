"""Who took a list away as a file."""

from __future__ import annotations

from collections.abc import Mapping

from audit.services import trail
from audit.tags import Tag


def export_recorded(*, table: str, filters: Mapping[str, str], rows: int) -> None:
    """Adds the entry to the transaction that read the rows."""
    trail.record(
        tag=Tag.LIST_EXPORTED,
        target_type="list",
        target_id=table,
        detail={"filters": dict(filters), "rows": rows},
    )
