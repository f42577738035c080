"""Base classes of the API: parse, one selector or service, render."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC
from functools import partial
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from portal.kernel import context
from portal.kernel.answers import KeyScope
from portal.kernel.api.entity_tags import answer_tag, answer_version, demand_match, row_version
from portal.kernel.api.errors import FAULTS_SHOWN, NAME_SHOWN
from portal.kernel.api.idempotency import answered_once, key_read
from portal.kernel.api.pagination import CursorPage
from portal.kernel.api.shapes import shape_of
from portal.kernel.authz import ANONYMOUS, PUBLIC, Actor
from portal.kernel.database.rows import json_rows
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.kernel.rls_tables import TABLES, TableKind
from portal.kernel.tenancy import DEFAULT, PLATFORM, current_tenant_id

WRITES: Final = frozenset({"post", "put", "patch", "delete"})


def key_of(value: str) -> UUID | None:
    """A primary key as it stands in an address; None for what cannot be one."""
    try:
        return UUID(value)
    except ValueError:
        return None


@extend_schema(exclude=True)
class AbsentView(APIView):
    """Every address below /api that nobody claims: absent in the API's own shape."""

    permission = PUBLIC

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(gettext("There is no such address."))


class PortalViewSet(GenericViewSet[Any]):
    """Declares `permissions` per action; what it does not declare is denied.

    Every POST may carry an Idempotency-Key, but those of `secret_actions`, whose answers are never
    stored. Every write may carry If-Match: the row is locked and compared before the action runs.
    """

    secret_actions: ClassVar[frozenset[str]] = frozenset()
    permissions: ClassVar[dict[str, str]] = {}
    ordering_fields: ClassVar[tuple[str, ...]] = ("created_at",)
    default_ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-id")
    lookup_value_regex = "[^/]+"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Times leave in UTC, whatever zone the person's pages are shown in."""
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Once it is known who asks and that he may: what surrounds every write."""
        super().initial(request, *args, **kwargs)
        name = (request.method or "").lower()
        handler = getattr(self, name, None)
        if handler is not None and name in WRITES:
            setattr(self, name, partial(self._write, handler))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Every JSON answer gets its ETag."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        shown = self.shown_object(getattr(answer, "data", None))
        answer_tag(request._request, answer, answer_version(shown))  # noqa: SLF001 - of Django
        return answer

    @property
    def writes_to(self) -> str:
        """The role that writes this kind of row: the effect and its stored answer commit there."""
        model = self._model()
        kind = TABLES.get(model._meta.db_table) if model else TableKind.TENANT
        return DEFAULT if kind is TableKind.TENANT else PLATFORM

    def locked_version(self) -> str | None:
        """The version of the object at hand, locked until the answer; None for one that is not there."""
        value = self.kwargs.get(self.lookup_url_kwarg or self.lookup_field)
        model = self._model()
        if value is None or model is None:
            return None
        rows = model.objects.using(self.writes_to).select_for_update()
        try:
            found = rows.filter(**{self.lookup_field: value}).values_list("pk", "updated_at")[:1]
            return next((row_version(*row) for row in found), None)
        except (ValidationError, ValueError):
            return None

    def shown_object(self, data: Any) -> Mapping[str, Any] | None:
        """The object an answer shows, for its version."""
        return data if isinstance(data, Mapping) else None

    def _model(self) -> Any:
        return getattr(cast(Any, self).queryset, "model", None)

    def _write(
        self,
        handler: Callable[..., HttpResponseBase],
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponseBase:
        act = partial(self._matched, handler, request, *args, **kwargs)
        alias = self.writes_to
        with nullcontext() if alias == DEFAULT else transaction.atomic(using=alias):
            key = key_read(request) if request.method == "POST" else ""
            if not key or self.actor.user_id is None or self.action in self.secret_actions:
                return act()
            scope = KeyScope(
                user_id=self.actor.user_id,
                tenant_id=current_tenant_id(),
                method=request.method or "",
                path=request.path,
                key=key,
            )
            return answered_once(request, scope, act, alias=alias)

    def _matched(
        self,
        handler: Callable[..., HttpResponseBase],
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponseBase:
        wanted = request.headers.get("If-Match")
        version = None if wanted is None else self.locked_version()
        if wanted is not None and version is not None:
            demand_match(wanted, version)
        return handler(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        """Whoever asks."""
        return context.current().actor or ANONYMOUS

    def tenant_id(self) -> UUID:
        """The organisation the request is for. Raises InvalidInput when it names none."""
        tenant_id = current_tenant_id()
        if tenant_id is None:
            raise InvalidInput(
                gettext("Name the organisation in X-Tenant."), code="tenant_required"
            )
        return tenant_id

    def parsed(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The request's body as validated by `serializer`; all faults are told at once, unknown fields too."""
        data: Any = self.request.data
        if not hasattr(data, "keys"):
            raise InvalidInput(gettext("The body must be a JSON object."))
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
        filtered = self.filter_queryset(queryset)
        shape = shape_of(serializer, filtered)
        pages = cast(CursorPage, self.paginator)
        if shape is not None:
            return self.get_paginated_response(
                pages.paginate_shape(filtered, self.request, self, shape)
            )
        rows = self.paginate_queryset(filtered)
        context_ = self.get_serializer_context()
        return self.get_paginated_response(serializer(rows, many=True, context=context_).data)

    def shown(
        self,
        queryset: QuerySet[Any],
        serializer: type[serializers.BaseSerializer[Any]],
        *,
        absent: str | None = None,
    ) -> Mapping[str, Any]:
        """The one row of a queryset as an answer. Raises NotFound, with `absent` as its words."""
        shape = shape_of(serializer, queryset)
        if shape is not None:
            found: Sequence[Mapping[str, Any]] = shape.shown(json_rows(queryset, shape.columns))
        else:
            found = serializer(queryset, many=True, context=self.get_serializer_context()).data
        if not found:
            raise NotFound(absent)
        return found[0]

    def is_flagged(self, request: Request, name: str) -> bool:
        """Whether `?name=true` was asked."""
        value = request.query_params.get(name, "false").lower()
        if value not in {"true", "false"}:
            raise InvalidInput(
                faults=(
                    Fault(
                        name, "invalid", gettext("%(name)s must be true or false.") % {"name": name}
                    ),
                )
            )
        return value == "true"
