"""Errors of accounts, sign-in and settings."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.kernel.errors import DomainError, NotFound


class NotSignedIn(DomainError):
    """Nobody is signed in, or the presented token opens nothing."""

    code = "not_authenticated"
    http_status = 401
    default_message = _("Sign in first.")


class WrongCredentials(DomainError):
    """User name and password do not belong together; which of the two is wrong is never said."""

    code = "wrong_credentials"
    http_status = 400
    default_message = _("User name or password is wrong.")


class TooManyAttempts(DomainError):
    """Signing in is throttled for this name from this address."""

    code = "throttled"
    http_status = 429
    default_message = _("Too many attempts. Wait before you try again.")

    def __init__(self, message: str | None = None, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyStreams(DomainError):
    """A person listens in as many pages as one process bears for one person."""

    code = "too_many_streams"
    http_status = 429
    default_message = _(
        "Too many pages are listening for changes. Close some; this one asks now and then instead."
    )


class PasswordChangeRequired(DomainError):
    """The first password opens nothing but the page that replaces it."""

    code = "password_change_required"
    http_status = 403
    default_message = _("Choose a new password first.")


class InvalidGrant(DomainError):
    """A refresh token that is unknown, used, expired or revoked."""

    code = "invalid_grant"
    http_status = 400
    default_message = _("This refresh token is not valid.")


class TenantRequired(DomainError):
    """The person belongs to several organisations and named none."""

    code = "tenant_required"
    http_status = 400
    default_message = _("You belong to several organisations: name one in the X-Tenant header.")


class UnknownSetting(NotFound):
    """There is no setting of this name."""

    code = "unknown_setting"
    default_message = _("There is no such setting.")
