"""The API's one place where errors become answers: `{"type", "errors": [{"code", "detail", "attr"}]}`."""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError
from django.utils.translation import gettext, gettext_lazy
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.response import Response

from portal.kernel.api.parsers import BodyTooLarge
from portal.kernel.context import failure_note
from portal.kernel.errors import DomainError, InvalidInput

FAULTS_SHOWN: Final = 50
NAME_SHOWN: Final = 100
UNSTORABLE: Final = gettext_lazy(
    "A value is beyond what can be stored or compared: a number, a time or its offset from UTC."
)
log = structlog.get_logger(__name__)


class _DomainApiError(exceptions.APIException):
    """A DomainError on its way through DRF."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(detail=error.message, code=error.error_code)
        self.status_code = error.http_status
        self.wait = getattr(error, "retry_after_s", None)


def _validation_error(error: InvalidInput) -> exceptions.ValidationError:
    details: dict[str, list[exceptions.ErrorDetail]] = {}
    for fault in error.faults[:FAULTS_SHOWN]:
        name = (fault.field or "non_field_errors")[:NAME_SHOWN]
        detail = exceptions.ErrorDetail(fault.message, code=fault.code)
        details.setdefault(name, []).append(detail)
    return exceptions.ValidationError(details)


class PortalExceptionHandler(ExceptionHandler):
    """Domain errors become API errors; wrong input names every field at once."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        request = self.context["request"]
        if isinstance(exc, DomainError) and request is not None:
            failure_note(exc, method=request.method or "", path=request.path)
        if isinstance(exc, InvalidInput) and exc.http_status == 400:
            return _validation_error(exc)
        if isinstance(exc, DomainError):
            return _DomainApiError(exc)
        if isinstance(exc, RequestDataTooBig):
            return BodyTooLarge()
        if isinstance(exc, DataError):
            log.warning("api.value_out_of_range", error=str(exc))
            return _validation_error(InvalidInput(str(UNSTORABLE), code="out_of_range"))
        if isinstance(exc, SuspiciousOperation):
            return exceptions.ParseError(
                gettext("The request cannot be read: %(why)s") % {"why": exc}
            )
        return super().convert_known_exceptions(exc)

    def get_response(self, exc: exceptions.APIException, data: dict[str, Any]) -> Response:
        original = self.exc
        if isinstance(original, DomainError):
            for error in data["errors"]:
                error["attr"] = error["attr"] or original.field
            if original.data and not isinstance(original, InvalidInput):
                data["data"] = original.data
        return super().get_response(exc, data)
