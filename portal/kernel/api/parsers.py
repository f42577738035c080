"""Bodies of the API: bounded in size, and JSON as the standard has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final

import orjson
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy
from rest_framework import exceptions, parsers, status

from portal.kernel.api.renderers import JsonRenderer

UNREADABLE: Final = gettext_lazy("The body is not JSON: {reason}.")


class BodyTooLarge(exceptions.APIException):
    """More than a request of this API ever needs."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = gettext_lazy("The body is too large.")


def body_read(stream: IO[Any]) -> bytes:
    """The whole body. Raises BodyTooLarge, which forms would only be told by their own parser."""
    limit = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge(gettext("The body has more than %(limit)s bytes.") % {"limit": limit})
    return body


class JsonParser(parsers.BaseParser):
    """Strict JSON: no NaN, no infinity, no broken surrogates, no bottomless nesting."""

    media_type = "application/json"
    renderer_class = JsonRenderer

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return orjson.loads(body_read(stream))
        except orjson.JSONDecodeError as error:
            raise exceptions.ParseError(UNREADABLE.format(reason=error)) from error


class FormParser(parsers.FormParser):
    """URL-encoded forms, bounded like everything else."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return QueryDict(body_read(stream))
