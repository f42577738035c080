"""The error tree. Every app derives its own; web and API render them in exactly one place each."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """Something the caller asked for cannot be done; says what, why and where it can help the way out.

    `code` is stable and documented, `message` is for people, `field` names the input at fault, `data`
    carries figures (limit, used, requested …).
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 400
    default_message: ClassVar[str | Promise] = _("The request cannot be carried out.")

    def __init__(
        self,
        message: str | Promise | None = None,
        *,
        code: str | None = None,
        field: str | None = None,
        **data: Any,
    ) -> None:
        self.message = str(message or self.default_message)
        self.error_code = code or self.code
        self.field = field
        self.data = data
        super().__init__(self.message)


class InvalidInput(DomainError):
    """The input breaks a rule; several faults are reported at once through `faults`."""

    code = "invalid"
    http_status = 400
    default_message: ClassVar[str | Promise] = _("The input is not valid.")

    def __init__(
        self, message: str | None = None, *, faults: tuple[Fault, ...] = (), **kw: Any
    ) -> None:
        super().__init__(message or (faults[0].message if faults else None), **kw)
        self.faults = faults or (Fault(self.field, self.error_code, self.message),)


class Fault:
    """One fault of one field; `field` None means the input as a whole."""

    __slots__ = ("code", "field", "message")

    def __init__(self, field: str | None, code: str, message: str) -> None:
        self.field, self.code, self.message = field, code, message

    def __repr__(self) -> str:
        return f"Fault({self.field!r}, {self.code!r}, {self.message!r})"


class NotFound(DomainError):
    """Absent, or another tenant's: the two are never distinguished."""

    code = "not_found"
    http_status = 404
    default_message: ClassVar[str | Promise] = _("Not found.")


class Refused(DomainError):
    """The actor may not do this; the refusal is audited."""

    code = "permission_denied"
    http_status = 403
    default_message: ClassVar[str | Promise] = _("You are not allowed to do this.")


class Conflict(DomainError):
    """The object's state does not allow it now."""

    code = "conflict"
    http_status = 409
    default_message: ClassVar[str | Promise] = _("The object's state does not allow this now.")


class InvalidTransition(Conflict):
    """The state machine has no such edge from the current state."""

    code = "invalid_transition"


class PreconditionFailed(DomainError):
    """The client's `If-Match` names a version that is no longer, or never was, the object's."""

    code = "precondition_failed"
    http_status = 412
    default_message: ClassVar[str | Promise] = _(
        "This was changed meanwhile. Read it again, and repeat the change with its new ETag."
    )


class IdempotencyKeyReused(Conflict):
    """The same `Idempotency-Key` with another query or body."""

    code = "idempotency_key_reused"
    default_message: ClassVar[str | Promise] = _(
        "This Idempotency-Key was used for another request. Take a new one."
    )


class IdempotencyInFlight(Conflict):
    """The first request under this key has not ended."""

    code = "idempotency_in_flight"
    default_message: ClassVar[str | Promise] = _(
        "The first request with this Idempotency-Key is under way. Repeat this one in a moment."
    )


class ServiceUnavailable(DomainError):
    """A needed part is down; `retry_after_s` says when to try again."""

    code = "service_unavailable"
    http_status = 503
    default_message: ClassVar[str | Promise] = _("A needed part is not available at the moment.")

    def __init__(self, message: str | None = None, *, retry_after_s: int = 5, **kw: Any) -> None:
        super().__init__(message, **kw)
        self.retry_after_s = retry_after_s
