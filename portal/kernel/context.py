"""Who asks, from where, through what: one value per request or step, read by audit and logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from portal.kernel.authz import Actor


@dataclass(slots=True)
class Refusal:
    """A refused or failed attempt, written to the audit after the rollback by the outermost middleware."""

    tag: str
    outcome: str
    actor: Actor | None
    target_type: str
    target_id: str
    detail: dict[str, Any]
    tenant_id: UUID | None


@dataclass(slots=True)
class RequestContext:
    """One request, command or operation step."""

    request_id: str = field(default_factory=lambda: uuid4().hex)
    address: str = ""
    channel: str = "system"
    actor: Actor | None = None
    operation_id: UUID | None = None
    refusals: list[Refusal] = field(default_factory=list)


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def current() -> RequestContext:
    """The open context; outside any, a fresh one that belongs to nobody."""
    return _current.get() or RequestContext()


@contextmanager
def request_context(context: RequestContext) -> Iterator[RequestContext]:
    """Opens a context for the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
