"""What surrounds every request, outermost first; `config.settings.parts.apps` says the order."""

from __future__ import annotations

from portal.middleware.addresses import client_address
from portal.middleware.errors import DomainErrorMiddleware, keep_response
from portal.middleware.identity import PasswordChangeMiddleware, SessionActorMiddleware
from portal.middleware.requests import (
    RelaxedCspMiddleware,
    RequestContextMiddleware,
    TrailingSlashMiddleware,
)

__all__ = [
    "DomainErrorMiddleware",
    "PasswordChangeMiddleware",
    "RelaxedCspMiddleware",
    "RequestContextMiddleware",
    "SessionActorMiddleware",
    "TrailingSlashMiddleware",
    "client_address",
    "keep_response",
]
