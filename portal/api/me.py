"""One's own account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.auth import update_session_auth_hash
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.serializers import MeShape, PasswordRequest, ProfileRequest
from portal.kernel.api.entity_tags import row_version
from portal.kernel.api.views import PortalViewSet
from portal.kernel.authz import SIGNED_IN
from portal.middleware.identity import identity_of, session_mark
from portal.models import User
from portal.services import accounts


class MeViewSet(PortalViewSet):
    """Who asks, and what is allowed where."""

    permissions: ClassVar[dict[str, str]] = {"*": SIGNED_IN}
    is_tenant_optional = True

    @property
    def user(self) -> User:
        """Whoever asks."""
        user = self.request.user
        assert isinstance(user, User)
        return user

    @extend_schema(responses=MeShape)
    def retrieve(self, request: Request) -> Response:
        """User, role, tenant, permissions, theme, language."""
        return Response(self._body(request))

    @extend_schema(request=ProfileRequest, responses=MeShape)
    def partial_update(self, request: Request) -> Response:
        """Changes one's own profile."""
        changes = self.parsed(ProfileRequest)
        accounts.profile_update(actor=self.actor, user=self.user, changes=changes)
        return Response(self._body(request))

    @extend_schema(request=PasswordRequest, responses={204: None})
    def password(self, _request: Request) -> Response:
        """Replaces one's own password; ends all tokens and other sessions."""
        body = self.parsed(PasswordRequest)
        request = self.request._request  # noqa: SLF001 - DRF has no other way to it
        is_browser = identity_of(request).method == "session"
        accounts.password_change(
            actor=self.actor,
            user=self.user,
            session_key=str(session_mark(request)) if is_browser else "",
            **body,
        )
        if is_browser:
            update_session_auth_hash(request, self.user)
        return Response(status=204)

    def shown_object(self, data: Any) -> Mapping[str, Any] | None:
        """The version is the person's."""
        return data.get("user") if isinstance(data, Mapping) else None

    def locked_version(self) -> str | None:
        """The person's row."""
        rows = User.objects.select_for_update().filter(pk=self.user.pk)
        return row_version(*rows.values_list("pk", "updated_at").get())

    def _body(self, request: Request) -> object:
        identity = identity_of(request._request)  # noqa: SLF001 - DRF has no other way to it
        body = {
            "user": self.user,
            "role": identity.tenant.role_code if identity.tenant else None,
            "tenant": identity.tenant,
            "tenants": identity.tenants,
            "permissions": sorted(self.actor.permissions),
            "theme": self.user.theme,
            "language": get_language(),
        }
        return MeShape(body).data
