"""The OpenAPI schema: one error shape on every operation, and the headers that work everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema as PlainSchema
from drf_spectacular.utils import OpenApiParameter
from drf_standardized_errors.openapi import AutoSchema
from rest_framework import serializers

from portal.kernel.api.fields import Choice
from portal.kernel.api.idempotency import HEADER, KEY_LENGTH
from portal.kernel.api.pagination import MAX_LIMIT, PAGE_SIZE
from portal.kernel.errors import DomainError

_Schema = dict[str, Any]
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_REASONS: Final = {
    "304": "Not modified: `If-None-Match` named this very answer.",
    "400": "Bad input; `attr` names the field.",
    "401": "Not signed in, or the token or session has ended.",
    "403": "Signed in and not allowed.",
    "404": "Absent, or another organisation's.",
    "405": "No such method here.",
    "406": "No such representation.",
    "409": "The object's state does not allow it now.",
    "412": "`If-Match` names an older version.",
    "413": "The body is too large.",
    "415": "The body's media type is not read here.",
    "429": "Throttled; `Retry-After` says for how long.",
    "500": "A fault of uHub's own.",
    "503": "A needed part is down; `Retry-After` says when to ask again.",
}
_FRAMEWORK_CODES: Final = {
    "400": ("blank", "invalid", "null", "parse_error", "required", "unknown"),
    "401": ("authentication_failed", "not_authenticated"),
    "404": ("not_found",),
    "405": ("method_not_allowed",),
    "406": ("not_acceptable",),
    "413": ("body_too_large",),
    "415": ("unsupported_media_type",),
    "500": ("error",),
}
_TEXT: Final = {"type": "string"}
_WAIT: Final = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
_TAG: Final = {"ETag": {"schema": _TEXT, "description": "The version of this answer."}}


class ErrorItem(serializers.Serializer[Any]):
    """One fault."""

    code = serializers.CharField(help_text="stable; for programs")
    detail = serializers.CharField(help_text="for people")
    attr = serializers.CharField(allow_null=True, help_text="the field at fault")


class ErrorAnswer(serializers.Serializer[Any]):
    """Every error of the API."""

    type = Choice(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorItem(many=True)  # type: ignore[assignment]
    data = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text="figures, where there are some"
    )


def _domain_errors(root: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for error in root.__subclasses__():
        yield error
        yield from _domain_errors(error)


def error_codes(status: str) -> list[str]:
    """Codes that may come with a status, from every app's error tree."""
    found = {error.code for error in _domain_errors() if str(error.http_status) == status}
    return sorted(found | set(_FRAMEWORK_CODES.get(status, ())))


class PortalAutoSchema(AutoSchema):
    """One tag per first path segment below /api."""

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.split("/") if part and part != "api"]
        return [parts[0]] if parts else ["api"]

    def get_override_parameters(self) -> list[Any]:
        """The headers that every operation understands."""
        return [*super().get_override_parameters(), *self._headers()]

    def _headers(self) -> Iterator[OpenApiParameter]:
        if not self._is_signed_in():
            return
        yield _header("X-Tenant", "The organisation's slug; members of several must name one.")
        if self.method == "POST":
            secret = getattr(self.view, "secret_actions", ())
            if getattr(self.view, "action", "") not in secret:
                schema = {**_TEXT, "minLength": 1, "maxLength": KEY_LENGTH}
                yield _header(HEADER, "Same key and body within 24 h: same answer.", schema)
        is_object = "{" in self.path or self.method in {"PATCH", "PUT"}
        if self.method in _WRITES and is_object:
            yield _header("If-Match", "The ETag that was read; another version answers 412.")
        if self.method == "GET":
            yield _header("If-None-Match", "Tags that are known; a known answer is a 304.")

    def _is_signed_in(self) -> bool:
        return bool([scheme for scheme in self.get_auth() if scheme])

    def _get_response_bodies(self, direction: Any = "response") -> _Schema:
        responses: _Schema = PlainSchema._get_response_bodies(self, direction=direction)  # noqa: SLF001
        if direction != "response":
            return responses
        for status, answer in responses.items():
            if status in {"200", "201", "202"} and self._is_signed_in():
                answer["headers"] = answer.get("headers", {}) | _TAG
            if status in {"429", "503"}:
                answer["headers"] = answer.get("headers", {}) | _WAIT
        missing = [status for status in self._error_statuses() if status not in responses]
        return dict(sorted({**responses, **{s: self._error(s) for s in missing}}.items()))

    def _error_statuses(self) -> Iterator[str]:
        yield from ("400", "404", "405", "406", "500", "503")
        if self._is_signed_in():
            yield from ("401", "403")
            if self.method == "GET":
                yield "304"
            if self.method in _WRITES:
                yield from ("409", "412")
        if self.method in _WITH_BODY:
            yield from ("413", "415")

    def _error(self, status: str) -> _Schema:
        if status == "304":
            return {"description": _REASONS[status], "headers": _TAG}
        answer: _Schema = self._get_response_for_code(  # type: ignore[no-untyped-call]
            ErrorAnswer, status, media_types=["application/json"]
        )
        told = [_REASONS[status]]
        codes = error_codes(status)
        if codes:
            told.append(f"Codes: {', '.join(codes)}.")
        if status == "400":
            told += self._field_codes()
        answer["description"] = "\n\n".join(told)
        if status == "503":
            answer["headers"] = _WAIT
        return answer

    def _field_codes(self) -> list[str]:
        """Which codes the shape of the input itself can bring about, field by field."""
        fields = self._get_validation_error_codes_by_field(
            self._determine_fields_with_error_codes()
        )
        lines = [f"- `{name}`: {', '.join(sorted(codes))}" for name, codes in fields.items()]
        return ["By field:\n\n" + "\n".join(lines)] if lines else []


def _header(name: str, text: str, schema: _Schema | None = None) -> OpenApiParameter:
    return OpenApiParameter(name, schema or _TEXT, OpenApiParameter.HEADER, description=text)


def list_parameters(view: Any) -> list[_Schema]:
    """What every list understands beside its filters."""
    names = getattr(view, "ordering_fields", ("created_at",))
    orders = [name for field in names for name in (field, f"-{field}")]
    return [
        {
            "name": "ordering",
            "in": "query",
            "schema": {"type": "string", "enum": orders},
            "description": "What it is sorted by; `-` for the other way round.",
        },
        {
            "name": "count",
            "in": "query",
            "schema": {"type": "boolean", "default": False},
            "description": "Whether to count all rows, which costs time.",
        },
        {
            "name": "limit",
            "in": "query",
            "schema": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "default": PAGE_SIZE,
            },
        },
        {
            "name": "cursor",
            "in": "query",
            "schema": _TEXT,
            "description": "As `next` and `previous` have it.",
        },
    ]
