"""What is done to every line of the log: secrets are masked, and it says where it comes from."""

from __future__ import annotations

import logging
from typing import Any, Final

import structlog

from audit.logic.masking import masked, masked_text

_FORMATTED_LATER: Final = ("exc_info", "stack_info", "_record", "_from_structlog")


class AnsweredProbe(logging.Filter):
    """Drops Django's line about a `/readyz` that said no: whoever asks is told, many times a minute."""

    def filter(self, record: logging.LogRecord) -> bool:
        path = getattr(getattr(record, "request", None), "path", "")
        return path != "/readyz" or getattr(record, "status_code", 0) != 503


def line_processors(form: str) -> list[structlog.typing.Processor]:
    """What turns a record into a line of one form, `json` or `text`."""
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if form == "json":
        return [
            line_named,
            structlog.processors.format_exc_info,
            line_masked,
            remove,
            structlog.processors.JSONRenderer(),
        ]
    trace = structlog.dev.plain_traceback  # the rich one prints local variables
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=trace)
    return [line_masked, remove, console]


def line_masked(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """No line shows a secret, whoever wrote it."""
    raw = {name: event.pop(name) for name in _FORMATTED_LATER if name in event}
    shown = {
        name: masked_text(value) if isinstance(value, str) else value
        for name, value in masked(event).items()
    }
    return {**shown, **raw}


def line_named(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Which logger, process and thread a line comes from, for machines that collect many."""
    record = event["_record"]
    return {**event, "logger": record.name, "process": record.process, "thread": record.threadName}
