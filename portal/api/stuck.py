"""`/api/stuck-work`: what does not go on by itself, and its remedies."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.fields import Choice, Text
from portal.kernel.api.views import PortalViewSet
from portal.kernel.stuck import Remedy, StuckItem
from portal.models import Worker
from portal.permissions import Permission
from portal.selectors.operations import operation_href
from portal.services.remedies import REASON_MOST, confirmation_of, stuck_cure, stuck_list

REMEDIES: Final = [(one.value, one.value) for one in Remedy]


class StuckShape(serializers.Serializer[Any]):
    """One thing that is stuck; `id` names it in the addresses of its remedies."""

    id = serializers.CharField(source="subject")
    kind = serializers.CharField()
    tenant_id = serializers.CharField()
    title = serializers.CharField()
    reason = serializers.CharField()
    since = serializers.DateTimeField()
    about = serializers.CharField()
    log = serializers.CharField()
    remedies = serializers.ListField(child=Choice(choices=REMEDIES))
    confirmation = serializers.SerializerMethodField()

    def get_confirmation(self, item: StuckItem) -> str:
        """What a rollback or a forced end wants typed."""
        return confirmation_of(item)


@extend_schema_serializer(many=False)
class StuckPage(serializers.Serializer[Any]):
    """All that is stuck, the longest first."""

    results = StuckShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class CureRequest(serializers.Serializer[Any]):
    """Why; all but a retry want a reason, a rollback and a forced end the confirmation as well."""

    reason = Text(max_length=REASON_MOST, required=False, allow_blank=True)
    confirmation = Text(max_length=20, required=False, allow_blank=True)


class CureAnswer(serializers.Serializer[Any]):
    """What goes on with it."""

    remedy = Choice(choices=REMEDIES)
    operation_id = serializers.CharField(allow_null=True)
    href = serializers.CharField(allow_null=True)


class StuckViewSet(PortalViewSet):
    """Stuck work of the active organisation; of all, for platform administrators."""

    permissions: ClassVar[dict[str, str]] = {
        "*": Permission.STUCK_VIEW,
        "retry": Permission.STUCK_MANAGE,
        "rollback": Permission.STUCK_MANAGE,
        "dismiss": Permission.STUCK_MANAGE,
        "force": Permission.FORCE,
    }
    pagination_class = None
    filter_backends = ()
    queryset = Worker.objects.none()

    @extend_schema(responses=StuckPage)
    def list(self, _request: Request) -> Response:
        """The longest stuck first."""
        found = stuck_list(actor=self.actor)
        return Response(StuckPage({"results": found, "next": None, "previous": None}).data)

    @extend_schema(request=CureRequest, responses={202: CureAnswer})
    def retry(self, _request: Request, subject: str) -> Response:
        """Tries an operation again, as a new one."""
        return self._cure(subject, Remedy.RETRY)

    @extend_schema(request=CureRequest, responses={202: CureAnswer})
    def rollback(self, _request: Request, subject: str) -> Response:
        """Undoes what was made, through a saga of its own."""
        return self._cure(subject, Remedy.ROLLBACK)

    @extend_schema(request=CureRequest, responses={202: CureAnswer})
    def dismiss(self, _request: Request, subject: str) -> Response:
        """Leaves it as it is, for a reason; it is not listed any more."""
        return self._cure(subject, Remedy.DISMISS)

    @extend_schema(request=CureRequest, responses={202: CureAnswer})
    def force(self, _request: Request, subject: str) -> Response:
        """Ends an operation as failed, whatever it is at; forgets half a clone."""
        return self._cure(subject, Remedy.FORCE)

    def _cure(self, subject: str, remedy: Remedy) -> Response:
        body = self.parsed(CureRequest)
        cure = stuck_cure(
            actor=self.actor,
            subject=subject,
            remedy=remedy,
            reason=body.get("reason", ""),
            typed=body.get("confirmation", ""),
        )
        href = operation_href(cure.operation_id) if cure.operation_id else None
        answer = {"remedy": cure.remedy, "operation_id": cure.operation_id, "href": href}
        return Response(CureAnswer(answer).data, status=status.HTTP_202_ACCEPTED)
