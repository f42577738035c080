"""Base classes of the API: parse, one selector or service, render."""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from portal.kernel import context
from portal.kernel.api.errors import FAULTS_SHOWN, NAME_SHOWN
from portal.kernel.authz import ANONYMOUS, PUBLIC, Actor
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.kernel.tenancy import current_tenant_id


@extend_schema(exclude=True)
class AbsentView(APIView):
    """Every address below /api that nobody claims: absent in the API's own shape."""

    permission = PUBLIC

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is no such address.")


class PortalViewSet(GenericViewSet[Any]):
    """Declares `permissions` per action; what it does not declare is denied."""

    permissions: ClassVar[dict[str, str]] = {}
    ordering_fields: ClassVar[tuple[str, ...]] = ("created_at",)
    default_ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-id")
    lookup_value_regex = "[^/]+"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Times leave in UTC, whatever zone the person's pages are shown in."""
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        """Whoever asks."""
        return context.current().actor or ANONYMOUS

    def tenant_id(self) -> UUID:
        """The organisation the request is for. Raises InvalidInput when it names none."""
        tenant_id = current_tenant_id()
        if tenant_id is None:
            raise InvalidInput("Name the organisation in X-Tenant.", code="tenant_required")
        return tenant_id

    def parsed(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The request's body as validated by `serializer`; all faults are told at once, unknown fields too."""
        data: Any = self.request.data
        if not hasattr(data, "keys"):
            raise InvalidInput("The body must be a JSON object.")
        instance = serializer(data=data, context=self.get_serializer_context())
        unknown = [
            name for name in data if name not in instance.fields and name != "csrfmiddlewaretoken"
        ]
        if instance.is_valid() and not unknown:
            return dict(instance.validated_data)
        told = serializers.ErrorDetail("This field is not known here.", code="unknown")
        strangers = {name[:NAME_SHOWN]: [told] for name in unknown[:FAULTS_SHOWN]}
        raise serializers.ValidationError({**instance.errors, **strangers})

    def page(
        self, queryset: QuerySet[Any], serializer: type[serializers.BaseSerializer[Any]]
    ) -> Any:
        """One page of a filtered list as a response."""
        rows = self.paginate_queryset(self.filter_queryset(queryset))
        context_ = self.get_serializer_context()
        return self.get_paginated_response(serializer(rows, many=True, context=context_).data)

    def is_flagged(self, request: Request, name: str) -> bool:
        """Whether `?name=true` was asked."""
        value = request.query_params.get(name, "false").lower()
        if value not in {"true", "false"}:
            raise InvalidInput(faults=(Fault(name, "invalid", f"{name} must be true or false."),))
        return value == "true"
