"""The quota of the active tenant."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.logic.quota import Amounts
from billing.permissions import Permission
from billing.selectors.quotas import quota_verdicts
from portal.kernel.api.views import PortalViewSet


class QuotaDimensionSerializer(serializers.Serializer[Any]):
    """One dimension; `limit` null is unlimited, 0 is none."""

    dimension = serializers.CharField()
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()


@extend_schema_serializer(many=False)
class QuotaSerializer(serializers.Serializer[Any]):
    """All dimensions of the active tenant."""

    dimensions = QuotaDimensionSerializer(many=True)


class QuotaViewSet(PortalViewSet):
    """What the tenant may use and uses."""

    permissions: ClassVar[dict[str, str]] = {"*": Permission.QUOTA_VIEW}
    serializer_class = QuotaSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(responses=QuotaSerializer)
    def list(self, request: Request) -> Response:
        verdicts = quota_verdicts(self.tenant_id(), Amounts())
        return Response(QuotaSerializer({"dimensions": verdicts}).data)
