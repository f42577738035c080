"""What a request, a task or a simulated process can end with."""

from __future__ import annotations


class ApiError(Exception):
    """An answer with a status of 400 and above; its first line becomes the reason phrase."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: dict[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.reason = message.split("\n", 1)[0] if reason is None else reason


class BareError(ApiError):
    """An answer without a JSON body: the proxy's own 401, 595 and 596, the parser's 501 and 506."""

    def __init__(self, status: int, message: str, *, body: str = "") -> None:
        super().__init__(status, message)
        self.body = body


class RawAnswerError(BareError):
    """An answer that is not the daemon's: something between has made it up."""

    def __init__(self, status: int, message: str, *, body: str, kind: str) -> None:
        super().__init__(status, message, body=body)
        self.kind = kind


class WorkError(Exception):
    """A handler or worker died with a message: 500 when synchronous, `TASK ERROR` in a task."""


class HangError(Exception):
    """The connection stays open and silent: the client's own patience has to end it."""


class DropError(Exception):
    """The connection is reset under the client."""


class CutOffError(Exception):
    """The client left before its request was whole: nothing is done."""


def invalid(**errors: str) -> ApiError:
    """Answer the 400 of the schema validator, one message per parameter."""
    named = {name.replace("__", "-"): text for name, text in errors.items()}
    return ApiError(400, "Parameter verification failed.", errors=named)


def forbidden(detail: str = "") -> ApiError:
    return ApiError(403, f"Permission check failed ({detail})" if detail else PERMISSION)


PERMISSION = "Permission check failed"
