"""Authorisation: an actor carries its permission set; `authorize` is asked inside every service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext

from portal.kernel.errors import Refused

PUBLIC: Final = "public"
"""Declared by a view or API action that needs no sign-in."""
SIGNED_IN: Final = "signed_in"
"""Declared by a view or API action that any signed-in user may use on his own things."""


class ActorKind(StrEnum):
    """Who acts."""

    USER = "user"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks for a change, with what he may do in the tenant he asks it for."""

    kind: ActorKind
    label: str
    user_id: UUID | None = None
    tenant_id: UUID | None = None
    role: str = ""
    is_platform_admin: bool = False
    permissions: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def system(cls, label: str, *, tenant_id: UUID | None = None) -> Actor:
        """The platform itself: scheduler, an operation, a command. It may do everything."""
        return cls(kind=ActorKind.SYSTEM, label=f"system:{label}", tenant_id=tenant_id)

    def may(self, permission: str) -> bool:
        """Whether the actor holds the permission in his tenant."""
        if self.kind is ActorKind.SYSTEM:
            return True
        return permission in self.permissions


ANONYMOUS: Final = Actor(kind=ActorKind.ANONYMOUS, label="anonymous")


def authorize(actor: Actor, permission: str) -> None:
    """Passes, or raises Refused naming the permission."""
    if not actor.may(permission):
        raise Refused(
            gettext(
                "Your role does not allow this (%(permission)s). Ask an administrator of your organisation."
            )
            % {"permission": permission},
            permission=permission,
        )


ROLES: Final = ("admin", "projets", "dev", "ops", "support", "viewer")
"""The seeded roles of a tenant; a role is a row, these are its defaults."""


@dataclass(frozen=True, slots=True)
class PermissionSpec:
    """What a permission means and which seeded roles hold it. `is_platform`: platform staff alone."""

    label: str | Promise
    roles: frozenset[str] = frozenset()
    is_platform: bool = False


_permissions: dict[str, PermissionSpec] = {}


def register_permissions(specs: Mapping[str, PermissionSpec]) -> None:
    """Makes an app's permissions known (called from its `apps.py`)."""
    for permission, spec in specs.items():
        unknown = spec.roles - set(ROLES)
        if unknown:
            raise ValueError(f"{permission} names unknown roles {sorted(unknown)}")
        _permissions[str(permission)] = spec


def permission_specs() -> dict[str, PermissionSpec]:
    """All registered permissions."""
    return dict(_permissions)


def default_permissions(role: str) -> frozenset[str]:
    """What a seeded role holds out of the box."""
    return frozenset(name for name, spec in _permissions.items() if role in spec.roles)


def platform_permissions() -> frozenset[str]:
    """What platform staff hold beside their role's."""
    return frozenset(name for name, spec in _permissions.items() if spec.is_platform)


def spec(
    label: str | Promise, roles: Iterable[str] = (), *, is_platform: bool = False
) -> PermissionSpec:
    """Shorthand for the tables in `permissions.py`."""
    return PermissionSpec(label, frozenset(roles), is_platform)
