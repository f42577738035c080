"""How the API knows who asks: a bearer token, or the session of the browser with its CSRF token.

The middleware has already found out, because the tenant must be in scope before the view's transaction
begins; here its findings become DRF's answers.
"""

from __future__ import annotations

from typing import Any

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from portal.errors import NotSignedIn
from portal.middleware.identity import Identity, identity_of
from portal.models import User


def _checked(request: Request, identity: Identity) -> tuple[User, Identity]:
    if isinstance(identity.error, NotSignedIn) or identity.user is None:
        raise exceptions.AuthenticationFailed(str(identity.error or NotSignedIn()))
    view = request.parser_context["view"] if request.parser_context else None
    if identity.error and not getattr(view, "is_tenant_optional", False):
        raise identity.error
    return identity.user, identity


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access token>`."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        identity = identity_of(request._request)  # noqa: SLF001 - DRF has no other way to it
        return _checked(request, identity) if identity.method == "bearer" else None

    def authenticate_header(self, _request: Request) -> str:
        """Makes an absent sign-in a 401 with a challenge instead of a 403."""
        return 'Bearer realm="uHub"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session; every unsafe method needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        identity = identity_of(request._request)  # noqa: SLF001 - DRF has no other way to it
        if identity.method != "session":
            return None
        self.enforce_csrf(request)
        return _checked(request, identity)
