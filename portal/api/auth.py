"""The token endpoint: OAuth2 password and refresh grants, with the RFC's own error bodies."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from portal.api.serializers import RevokeRequest, TokenAnswer, TokenError, TokenRequest
from portal.errors import TooManyAttempts, WrongCredentials
from portal.kernel.api.parsers import FormParser, JsonParser
from portal.kernel.api.renderers import JsonRenderer
from portal.kernel.authz import PUBLIC
from portal.kernel.errors import DomainError
from portal.services import sign_in, tokens
from portal.tags import Tag

PASSWORD_GRANT: Final = "password"  # noqa: S105 - a grant type
REFRESH_GRANT: Final = "refresh_token"


class _GrantError(Exception):
    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class _TokenEndpoint(APIView):
    """Outside the request's transaction: failed attempts must count although the request fails."""

    permission = PUBLIC
    authentication_classes = ()
    parser_classes = (FormParser, JsonParser, MultiPartParser)
    renderer_classes = (JsonRenderer,)

    def parsed(self, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """The body. Raises _GrantError for one that cannot be read."""
        try:
            body: Any = self.request.data
            serializer = shape(data=body)
            serializer.is_valid(raise_exception=True)
        except exceptions.ValidationError as error:
            names = ", ".join(error.detail) if isinstance(error.detail, dict) else "body"
            raise _GrantError("invalid_request", f"Missing or malformed: {names}.") from error
        except (exceptions.ParseError, exceptions.UnsupportedMediaType) as error:
            raise _GrantError("invalid_request", "The body cannot be read.") from error
        return dict(serializer.validated_data)

    def handle_exception(self, error: Exception) -> Response:
        """Errors in the RFC's words."""
        if isinstance(error, _GrantError):
            return _refusal(error.code, error.description)
        if isinstance(error, WrongCredentials):
            return _refusal("invalid_grant", error.message)
        if isinstance(error, TooManyAttempts):
            response = _refusal("too_many_attempts", error.message, status=429)
            response["Retry-After"] = str(error.retry_after_s)
            return response
        if isinstance(error, DomainError):
            return _refusal(error.error_code, error.message)
        return super().handle_exception(error)


def _refusal(code: str, description: str, *, status: int = 400) -> Response:
    response = Response({"error": code, "error_description": description}, status=status)
    response["Cache-Control"] = "no-store"
    return response


class TokenView(_TokenEndpoint):
    """Exchanges a password or a refresh token for a new pair."""

    @extend_schema(
        request={
            "application/x-www-form-urlencoded": TokenRequest,
            "application/json": TokenRequest,
        },
        responses={200: TokenAnswer, 400: TokenError, 429: TokenError},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """grant_type=password with username and password, or grant_type=refresh_token."""
        body = self.parsed(TokenRequest)
        agent = request.headers.get("User-Agent", "")
        if body["grant_type"] == PASSWORD_GRANT:
            pair = _password_grant(request._request, body, agent)  # noqa: SLF001 - the throttle's
        elif body["grant_type"] == REFRESH_GRANT:
            if "refresh_token" not in body:
                raise _GrantError("invalid_request", "Missing or malformed: refresh_token.")
            pair = tokens.tokens_refresh(refresh_token=body["refresh_token"], agent=agent)
        else:
            raise _GrantError("unsupported_grant_type", "Use password or refresh_token.")
        answer = {
            "access_token": pair.access_token,
            "token_type": "Bearer",
            "expires_in": pair.expires_in_s,
            "refresh_token": pair.refresh_token,
        }
        response = Response(answer)
        response["Cache-Control"] = "no-store"
        response["Pragma"] = "no-cache"
        return response


def _password_grant(request: HttpRequest, body: dict[str, Any], agent: str) -> tokens.TokenPair:
    missing = [name for name in ("username", "password") if name not in body]
    if missing:
        raise _GrantError("invalid_request", f"Missing or malformed: {', '.join(missing)}.")
    user = sign_in.credentials_check(
        request=request, username=body["username"], password=body["password"]
    )
    with transaction.atomic():
        pair = tokens.tokens_issue(user=user, agent=agent)
        sign_in.sign_in_record(request=request, user=user, tag=Tag.TOKEN_ISSUED)
    return pair


class RevokeView(_TokenEndpoint):
    """Ends a family of tokens; an unknown token is answered the same (RFC 7009)."""

    @extend_schema(
        request={
            "application/x-www-form-urlencoded": RevokeRequest,
            "application/json": RevokeRequest,
        },
        responses={200: None, 400: TokenError},
        auth=[],
    )
    def post(self, _request: Request) -> Response:
        """Revokes the family of an access or refresh token."""
        tokens.token_revoke(token=self.parsed(RevokeRequest)["token"])
        return Response(status=200)
