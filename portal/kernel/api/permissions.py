"""Every API action declares a permission; what declares none is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.kernel import context
from portal.kernel.authz import ANONYMOUS, PUBLIC, SIGNED_IN, ActorKind, authorize

if TYPE_CHECKING:  # rest_framework.views imports this module
    from rest_framework.views import APIView


def declared_permission(view: Any) -> str | None:
    """The permission of the action at hand: `permissions[action]`, else `permission`, else None."""
    action = getattr(view, "action", None) or (view.request.method or "").lower()
    table: dict[str, str] = getattr(view, "permissions", {})
    if action in table:
        return table[action]
    return table.get("*", getattr(view, "permission", None))


class DeclaredPermission(BasePermission):
    """Deny by default; the actor comes from the request context that authentication filled."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method == "OPTIONS":
            return bool(request.user.is_authenticated)
        if getattr(view, "action", "") is None:
            return True  # DRF answers 405 itself
        permission = declared_permission(view)
        if permission == PUBLIC:
            return True
        actor = context.current().actor or ANONYMOUS
        if permission is None or actor.kind is ActorKind.ANONYMOUS:
            return False
        if permission != SIGNED_IN:
            authorize(actor, permission)
        return True


class Everyone(BasePermission):
    """For the schema and its documentation only."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return True
