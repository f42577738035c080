"""What a log record says as a system event: masked, bounded, with the ids of its request or operation."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
import structlog

from audit.logic.masking import masked, masked_text

SYSTEM: Final = "system"
"""The logger whose informative lines are kept as well; of all others only warnings and errors are."""
_LONGEST_MESSAGE: Final = 500
_LONGEST_TEXT: Final = 1_000
_LONGEST_TRACE: Final = 4_000
_LARGEST_CONTEXT: Final = 8_192
_MOST_FACTS: Final = 40
_SELF_EVIDENT: Final = frozenset(
    {"event", "level", "timestamp", "request_id", "operation_id", "exc_info", "stack_info"}
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One system event before it is stored."""

    service: str
    level: str
    message: str
    created_at: datetime
    context: dict[str, Any] = field(default_factory=dict)
    request_id: str = ""
    operation_id: UUID | None = None


def level_of(record: logging.LogRecord) -> str | None:
    """info, warn or error; None for what is not kept."""
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warn"
    is_told = record.name == SYSTEM and record.levelno >= logging.INFO
    return "info" if is_told else None


def event_of(record: logging.LogRecord, *, service: str) -> EventRow | None:
    """The event a log record is worth; None when it is not kept.

    A worker's event carries the queue of the operation it ran, as in `cloudpods-worker`.
    """
    level = level_of(record)
    if level is None:
        return None
    facts = _facts(record)
    queue = facts.pop("worker_queue", "")
    if service == "worker" and queue:
        service = f"{queue}-{service}"
    if record.name != SYSTEM:
        facts.setdefault("logger", record.name)
    kept = {name: value for name, value in facts.items() if name not in _SELF_EVIDENT}
    return EventRow(
        service=service[:40],
        level=level,
        message=_clean(str(facts.get("event", "")), _LONGEST_MESSAGE),
        created_at=datetime.fromtimestamp(record.created, UTC),
        context=bounded(kept),
        request_id=str(facts.get("request_id", ""))[:64],
        operation_id=_uuid(facts.get("operation_id")),
    )


def bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON of a bounded size, without what must not be read."""
    kept = {name: _short(value) for name, value in list(masked(facts).items())[:_MOST_FACTS]}
    while kept and len(orjson.dumps(kept)) > _LARGEST_CONTEXT:
        largest = max(kept, key=lambda name: len(orjson.dumps(kept[name])))
        if kept[largest] == "…":
            return {}
        kept[largest] = "…"
    return kept


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a structured record, or those a plain one is surrounded by."""
    if isinstance(record.msg, dict):
        facts = dict(record.msg)
    else:
        facts = {**structlog.contextvars.get_contextvars(), "event": record.getMessage()}
    if record.exc_info and isinstance(record.exc_info[1], BaseException):
        facts.setdefault("exception", "".join(traceback.format_exception(record.exc_info[1])))
    return facts


def _short(value: Any) -> Any:
    if isinstance(value, str):
        longest = _LONGEST_TRACE if value.startswith("Traceback") else _LONGEST_TEXT
        return _clean(value[-longest:], longest)
    if isinstance(value, Mapping):
        return {str(name)[:80]: _short(item) for name, item in list(value.items())[:_MOST_FACTS]}
    if isinstance(value, list):
        return [_short(item) for item in value[:_MOST_FACTS]]
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - JSON has no NaN
        return None
    return value


def _clean(text: str, longest: int) -> str:
    """As PostgreSQL can hold it: without NUL and halves of surrogate pairs."""
    sound = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return masked_text(sound)[:longest]


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None
