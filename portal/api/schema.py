"""What the OpenAPI schema says about signing in."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The schema's words for BearerAuthentication."""

    target_class = "portal.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, _schema: Any) -> dict[str, Any]:
        """OpenAPI's security scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The schema's words for SessionAuthentication."""

    target_class = "portal.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, _schema: Any) -> dict[str, Any]:
        """OpenAPI's security scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
