"""Where one is signed in, and ending it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.account_serializers import RevokedShape, SessionPage, SessionShape
from portal.kernel.api.views import PortalViewSet, key_of
from portal.kernel.authz import SIGNED_IN, authorize
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.kernel.tenancy import DEFAULT, PLATFORM
from portal.middleware.identity import session_mark
from portal.permissions import Permission
from portal.selectors.sessions import session_list
from portal.services import sessions

USER = OpenApiParameter(
    "user", OpenApiTypes.UUID, description="Somebody else's sessions (platform staff)."
)


class SessionViewSet(PortalViewSet):
    """Browsers and families of API tokens."""

    permissions: ClassVar[dict[str, str]] = {"*": SIGNED_IN}
    serializer_class = SessionShape
    pagination_class = None
    filter_backends = ()
    is_tenant_optional = True

    @extend_schema(parameters=[USER], responses=SessionPage)
    def list(self, request: Request) -> Response:
        """One's own sessions, the latest used first."""
        user_id, alias = self._whose(request)
        views = session_list(user_id=user_id, current=self._mark(), alias=alias)
        return Response(SessionPage({"results": views, "next": None, "previous": None}).data)

    @extend_schema(
        parameters=[OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses={204: None},
    )
    def destroy(self, _request: Request, pk: str) -> Response:
        """Ends a session: it opens nothing from the next request on."""
        session_id = key_of(pk)
        if session_id is None:
            raise NotFound
        sessions.session_revoke(actor=self.actor, session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=RevokedShape)
    def revoke_others(self, _request: Request) -> Response:
        """Ends all of one's own sessions but the one that asks."""
        revoked = sessions.sessions_revoke_others(actor=self.actor, current=self._mark())
        return Response(RevokedShape({"revoked": revoked}).data)

    def _mark(self) -> UUID | str:
        return session_mark(self.request._request)  # noqa: SLF001 - DRF has no other way to it

    def _whose(self, request: Request) -> tuple[UUID, str]:
        mine = self.actor.user_id
        assert mine is not None
        wanted = request.query_params.get("user")
        if wanted is None:
            return mine, DEFAULT
        user_id = key_of(wanted)
        if user_id is None:
            message = gettext("user must be the id of a person.")
            raise InvalidInput(faults=(Fault("user", "invalid", message),))
        if user_id == mine:
            return mine, DEFAULT
        authorize(self.actor, Permission.USERS_MANAGE)
        return user_id, PLATFORM
