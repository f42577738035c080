"""The audit through the API: read and export, never write."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.renderers import CsvRenderer, JsonLinesRenderer
from audit.api.serializers import EntryShape
from audit.models import Entry
from audit.permissions import Permission
from audit.selectors.entries import entries
from audit.selectors.filters import EntryFilter
from audit.services import trail
from audit.tags import Tag
from portal.kernel.api.renderers import JsonRenderer
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import authorize
from portal.kernel.errors import Fault, InvalidInput, NotFound

EXPORT_LIMIT: Final = 50_000
_FORMATS: Final = (CsvRenderer.format, JsonLinesRenderer.format)
_FORMAT_PARAMETER: Final = OpenApiParameter(
    "format",
    enum=["json", *_FORMATS],
    description=f"csv and jsonl answer up to {EXPORT_LIMIT} entries as one file (audit.export).",
)


class EntryViewSet(PortalViewSet):
    """Entries of the active organisation; of the platform for its staff outside any."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.AUDIT_VIEW}
    renderer_classes = [
        JsonRenderer,
        CsvRenderer,
        JsonLinesRenderer,
        BrowsableAPIRenderer,
    ]
    serializer_class = EntryShape
    filterset_class = EntryFilter
    queryset = Entry.objects.none()

    def get_renderers(self) -> list[BaseRenderer]:
        """One entry is no file: only lists are exported."""
        found = super().get_renderers()
        if self.action == "list":
            return found
        return [item for item in found if item.format not in _FORMATS]

    def handle_exception(self, exc: Exception) -> Response:
        """Whatever file was asked for, an error is JSON."""
        self.request.accepted_renderer = JsonRenderer()
        self.request.accepted_media_type = JsonRenderer.media_type
        return super().handle_exception(exc)

    def get_queryset(self) -> QuerySet[Entry]:
        return entries(self.actor)

    @extend_schema(
        parameters=[_FORMAT_PARAMETER],
        responses={
            (200, "application/json"): EntryShape(many=True),
            (200, CsvRenderer.media_type): OpenApiTypes.STR,
            (200, JsonLinesRenderer.media_type): OpenApiTypes.STR,
        },
    )
    def list(self, request: Request) -> Response:
        """Newest first."""
        if request.accepted_renderer.format in _FORMATS:
            return self._export(request)
        return self.page(self.get_queryset(), EntryShape)

    @extend_schema(responses=EntryShape)
    def retrieve(self, _request: Request, pk: str) -> Response:
        """One entry."""
        entry = self.get_queryset().filter(pk=_key(pk)).first()
        if entry is None:
            raise NotFound
        return Response(EntryShape(entry).data)

    def _export(self, request: Request) -> Response:
        authorize(self.actor, Permission.AUDIT_EXPORT)
        found = list(self.filter_queryset(self.get_queryset())[: EXPORT_LIMIT + 1])
        if len(found) > EXPORT_LIMIT:
            message = gettext("More than %(most)s entries: narrow them with from and to.") % {
                "most": EXPORT_LIMIT
            }
            raise InvalidInput(faults=(Fault("from", "too_many", message),))
        filters = {name: value for name, value in request.query_params.items() if value}
        trail.record(tag=Tag.EXPORTED, detail={"filters": filters, "entries": len(found)})
        response = Response(list(EntryShape(found, many=True).data))
        name = f"audit.{request.accepted_renderer.format}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response.add_post_render_callback(_typed)
        return response


def _typed(response: Any) -> None:
    """An empty file has a type, too; the framework takes it from what has no content."""
    response.headers.setdefault("Content-Type", response.accepted_media_type)


def _key(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise NotFound from error
