"""The errors every provider speaks, sorted by what may be done after them.

A caller never looks at status codes or texts: the class alone says whether the call took effect and
what has to happen before the work goes on.
"""

from __future__ import annotations

from typing import ClassVar


class ProviderError(Exception):
    """Something went wrong at or on the way to an outside system.

    `retryable` says whether the *operation* may go on after it; the class says what comes first
    (nothing, a look at the real state, or a clean-up). False means that repeating changes nothing.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, provider: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider

    def __str__(self) -> str:
        return f"{self.provider}: {self.message}" if self.provider else self.message


class NotExecuted(ProviderError):
    """The call certainly had no effect: the same call may be sent again, at once or later."""

    retryable = True

    def __init__(
        self, message: str, *, provider: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, provider=provider)
        self.retry_after_s = retry_after_s


class Unavailable(NotExecuted):
    """The system cannot be asked now (circuit open, down, or a read without a usable answer).

    It means *unknown*: never conclude from it that something is gone.
    """


class Ambiguous(ProviderError):
    """The call may have taken effect: look at the real state before anything is sent again."""

    retryable = True


class Failed(ProviderError):
    """The work ran and failed: clean up, then start a new attempt."""

    retryable = True


class Permanent(ProviderError):
    """Wrong input or configuration: repeating gives the same answer."""


class AccessRefused(Permanent):
    """The credential is wrong or lacks a right: a fault of the configuration, not of the input."""


class AlreadyDone(ProviderError):
    """The wanted state was there before the call: treat as success."""


class NeedsOperator(ProviderError):
    """Only a person with more rights than ours can go on; `command` is what they would type."""

    def __init__(self, code: str, message: str, command: str, *, provider: str = "") -> None:
        super().__init__(message, provider=provider)
        self.code = code
        self.command = command
