"""System settings."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.serializers import SettingPage, SettingRequest, SettingShape
from portal.kernel.api.entity_tags import row_version
from portal.kernel.api.views import PortalViewSet
from portal.kernel.tenancy import platform_alias
from portal.models import Setting
from portal.permissions import Permission
from portal.selectors.settings import setting_view, setting_views
from portal.services import settings


class SettingViewSet(PortalViewSet):
    """Read and change what the whole installation goes by."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.SETTINGS_MANAGE}
    queryset = Setting.objects.none()
    pagination_class = None
    filter_backends = ()

    @extend_schema(responses=SettingPage)
    def list(self, _request: Request) -> Response:
        """All settings by name."""
        results = SettingShape(setting_views(), many=True).data
        return Response({"results": results, "next": None, "previous": None})

    @extend_schema(responses=SettingShape)
    def retrieve(self, _request: Request, name: str) -> Response:
        """One setting."""
        return Response(SettingShape(setting_view(name)).data)

    @extend_schema(request=SettingRequest, responses=SettingShape)
    def partial_update(self, _request: Request, name: str) -> Response:
        """Changes the value; every process sees it within a second."""
        body = self.parsed(SettingRequest)
        settings.setting_change(actor=self.actor, name=name, value=body["value"])
        with platform_alias():
            return Response(SettingShape(setting_view(name)).data)

    def locked_version(self) -> str | None:
        """The setting's row, behind the number that all changes of settings queue up for."""
        with platform_alias():
            settings.settings_lock()
            view = setting_view(self.kwargs["name"])
        return row_version(view.id, view.updated_at)
