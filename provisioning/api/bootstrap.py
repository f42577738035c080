"""`/api/deployments/{id}/bootstrap`: how the installation of its application stands."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.fields import Choice
from portal.kernel.api.views import PortalViewSet
from portal.kernel.errors import NotFound
from portal.selectors.operations import operation_brief
from provisioning.api.serializers import EmptySerializer
from provisioning.models import Bootstrap
from provisioning.permissions import Permission
from provisioning.selectors.bootstraps import bootstrap_of
from provisioning.selectors.deployments import deployment_get
from provisioning.services.bootstraps import bootstrap_retry, bootstrap_reveal
from provisioning.states import BootstrapStatus


class BootstrapSerializer(serializers.ModelSerializer[Bootstrap]):
    """What was installed, and what the guest said at the end."""

    deployment_id = serializers.UUIDField(read_only=True)
    status = Choice(choices=BootstrapStatus.choices, read_only=True)
    secret_names = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Bootstrap
        fields: ClassVar[tuple[str, ...]] = (
            "deployment_id",
            "status",
            "run",
            "exit_code",
            "message",
            "log_tail",
            "document",
            "snippet",
            "started_at",
            "ended_at",
            "secret_names",
            "secrets_shown_at",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields


class BootstrapAcceptedSerializer(BootstrapSerializer):
    """The same with the operation that was started."""

    operation = serializers.DictField(read_only=True)

    class Meta(BootstrapSerializer.Meta):
        fields = (*BootstrapSerializer.Meta.fields, "operation")


class SecretsSerializer(serializers.Serializer[Any]):
    """Generated passwords by name; they are answered once."""

    secrets = serializers.DictField(child=serializers.CharField())


class BootstrapViewSet(PortalViewSet):
    """The installation of a machine's application."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.VIEW,
        "retry": Permission.OPERATE,
        "reveal": Permission.OPERATE,
    }
    serializer_class = BootstrapSerializer
    queryset = Bootstrap.objects.none()
    lookup_url_kwarg = "deployment_id"
    filter_backends = ()
    http_method_names = ["get", "post", "head", "options"]

    def retrieve(self, request: Request, deployment_id: str) -> Response:
        return Response(BootstrapSerializer(self._row(deployment_id)).data)

    @extend_schema(request=EmptySerializer, responses={202: BootstrapAcceptedSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, deployment_id: str) -> Response:
        """Installs once more, by the same document."""
        self.parsed(EmptySerializer)
        _, operation = bootstrap_retry(actor=self.actor, deployment_id=deployment_id)
        body = dict(BootstrapSerializer(self._row(deployment_id)).data)
        body["operation"] = operation_brief(operation)
        return Response(body, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=EmptySerializer, responses=SecretsSerializer)
    @action(detail=True, methods=["post"])
    def reveal(self, request: Request, deployment_id: str) -> Response:
        """The generated passwords, once and to the owner alone."""
        self.parsed(EmptySerializer)
        found = bootstrap_reveal(actor=self.actor, deployment_id=deployment_id)
        return Response({"secrets": found})

    def _row(self, deployment_id: str) -> Bootstrap:
        row = bootstrap_of(deployment_get(actor=self.actor, deployment_id=deployment_id))
        if row is None:
            raise NotFound
        return row
