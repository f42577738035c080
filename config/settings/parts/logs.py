"""Structured logs: events with fields, JSON in production, readable in development."""

from __future__ import annotations

from typing import Any

import structlog

from audit.logic.log_lines import AnsweredProbe, line_processors
from config import env

LOG_LEVEL = env.text("LOG_LEVEL", "INFO")


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_OURS: dict[str, Any] = {"handlers": [], "propagate": True}
_LOGGERS = {
    "axes": {"level": "WARNING"},
    "django": _OURS,
    "django.server": _OURS,
    "django.request": {"level": "ERROR", "filters": ["probes"]},
    "uvicorn": _OURS,
    "uvicorn.error": _OURS,
    "uvicorn.access": {**_OURS, "level": "WARNING"},
    # Wake-up calls are many and say nothing: operations have a history of their own.
    "celery.beat": {"level": "WARNING"},
    "celery.worker.request": {"level": "WARNING"},
    "celery.worker.strategy": {"level": "WARNING"},
    "celery.app.trace": {"level": "WARNING"},
}


def logging_config(form: str) -> dict[str, Any]:
    """The LOGGING of one form, `json` or `text`; uvicorn's and Celery's lines come out the same."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": line_processors(form),
                "foreign_pre_chain": _SHARED,
            }
        },
        "filters": {"probes": {"()": AnsweredProbe}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "structured"},
            "events": {"class": "audit.services.event_writer.EventHandler", "level": "INFO"},
        },
        "root": {"handlers": ["console", "events"], "level": LOG_LEVEL},
        "loggers": _LOGGERS,
    }


LOGGING = logging_config(env.text("LOG_FORMAT", "text"))
structlog.configure(
    processors=[
        *_SHARED,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
