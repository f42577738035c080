"""The API's one place where errors become answers: `{"type", "errors": [{"code", "detail", "attr"}]}`."""

from __future__ import annotations

from typing import Any

from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.response import Response

from portal.kernel.context import failure_note
from portal.kernel.errors import DomainError, InvalidInput, ServiceUnavailable


class _DomainApiError(exceptions.APIException):
    """A DomainError on its way through DRF."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(detail=error.message, code=error.error_code)
        self.status_code = error.http_status
        self.wait = error.retry_after_s if isinstance(error, ServiceUnavailable) else None


class PortalExceptionHandler(ExceptionHandler):  # type: ignore[misc]
    """Domain errors become API errors; wrong input names every field at once."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        request = self.context["request"]
        if isinstance(exc, DomainError):
            failure_note(exc, method=request.method, path=request.path)
        if isinstance(exc, InvalidInput) and exc.http_status == 400:
            return exceptions.ValidationError(
                {
                    fault.field or "non_field_errors": [
                        exceptions.ErrorDetail(fault.message, code=fault.code)
                    ]
                    for fault in exc.faults
                }
            )
        if isinstance(exc, DomainError):
            return _DomainApiError(exc)
        return super().convert_known_exceptions(exc)  # type: ignore[no-any-return]

    def get_response(self, exc: exceptions.APIException, data: dict[str, Any]) -> Response:
        original = self.exc
        if isinstance(original, DomainError):
            for error in data["errors"]:
                error["attr"] = error["attr"] or original.field
            if original.data and not isinstance(original, InvalidInput):
                data["data"] = original.data
        return super().get_response(exc, data)  # type: ignore[no-any-return]
