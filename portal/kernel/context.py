"""Who asks, from where, through what: one value per request or step, read by audit and logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from portal.kernel import scope
from portal.kernel.audit_tags import ACCESS_REFUSED, ACTION_FAILED
from portal.kernel.authz import Actor
from portal.kernel.errors import DomainError, InvalidInput, NotFound, Refused

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


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
    agent: str = ""
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


def failure_note(error: Exception, *, method: str, path: str) -> None:
    """Notes what a request was denied or could not do, unless a service noted it with more to say.

    Wrong input and absent objects are no attempts on anything and are not noted; neither is reading,
    unless it was refused.
    """
    here = current()
    is_refusal = isinstance(error, Refused)
    is_uninteresting = method in _SAFE_METHODS or isinstance(error, InvalidInput | NotFound)
    if here.refusals or (is_uninteresting and not is_refusal):
        return
    code = error.error_code if isinstance(error, DomainError) else "unexpected"
    detail: dict[str, Any] = {"code": code, "method": method, "path": path[:200]}
    if isinstance(error, Refused):
        detail["permission"] = error.data.get("permission", "")
    here.refusals.append(
        Refusal(
            tag=ACCESS_REFUSED if is_refusal else ACTION_FAILED,
            outcome="refused" if is_refusal else "failed",
            actor=here.actor,
            target_type="",
            target_id="",
            detail=detail,
            tenant_id=scope.tenant_id.get(),
        )
    )
