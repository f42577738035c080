"""Roles: the six defaults, and what platform administrators make of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_noop

from audit.services import trail
from portal.kernel.authz import (
    ROLES,
    Actor,
    authorize,
    default_permissions,
    permission_specs,
)
from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.models import Role
from portal.permissions import Permission
from portal.tags import Tag

NAMES: Final = {
    "admin": gettext_noop("Administrator"),
    "projets": gettext_noop("Project lead"),
    "dev": gettext_noop("Developer"),
    "ops": gettext_noop("Operations"),
    "support": gettext_noop("Support"),
    "viewer": gettext_noop("Viewer"),
}


def assignable_permissions() -> tuple[str, ...]:
    """Permissions a role may hold: all but those of platform staff alone."""
    specs = permission_specs()
    return tuple(sorted(name for name, spec in specs.items() if spec.roles or not spec.is_platform))


def role_save(*, actor: Actor, code: str, name: str, permissions: Iterable[str]) -> Role:
    """Makes a role or changes one; members feel it with their next request.

    Raises:
        Refused: the actor does not manage users.
        InvalidInput: a permission does not exist or belongs to platform staff alone.
    """
    authorize(actor, Permission.USERS_MANAGE)
    wanted = sorted(set(permissions))
    unknown = [item for item in wanted if item not in assignable_permissions()]
    if unknown:
        message = f"A role cannot hold {', '.join(unknown)}."
        raise InvalidInput(faults=(Fault("permissions", "invalid", message),))
    with platform_alias(), transaction.atomic(using=PLATFORM):
        role, is_new = Role.objects.select_for_update().get_or_create(
            code=code, defaults={"name": name, "known_permissions": sorted(permission_specs())}
        )
        before = None if is_new else {"name": role.name, "permissions": role.permissions}
        after = {"name": name, "permissions": wanted}
        if before != after:
            role.name, role.permissions = name, wanted
            role.full_clean(validate_unique=False, validate_constraints=False)
            role.save(using=PLATFORM)
            trail.record(
                tag=Tag.ROLE_CREATED if is_new else Tag.ROLE_CHANGED,
                target=role,
                before=before,
                after=after,
                actor=actor,
                tenant_id=PLATFORM_TENANT_ID,
            )
    return role


def roles_ensure() -> int:
    """Makes missing default roles and hands out permissions that are new since; answers how many changed.

    What somebody took from a role stays taken: only permissions the role never knew are added.
    """
    known_now = sorted(permission_specs())
    with platform_alias(), transaction.atomic(using=PLATFORM):
        roles = {
            role.code: role for role in Role.objects.select_for_update().filter(code__in=ROLES)
        }
        missing = [_default_role(code, known_now) for code in ROLES if code not in roles]
        Role.objects.bulk_create(missing, ignore_conflicts=True)
        extended = [role for role in roles.values() if _extended(role, known_now)]
        for role in extended:
            role.save(using=PLATFORM)
    return len(missing) + len(extended)


def _default_role(code: str, known_now: list[str]) -> Role:
    return Role(
        code=code,
        name=NAMES[code],
        permissions=sorted(default_permissions(code)),
        known_permissions=known_now,
    )


def _extended(role: Role, known_now: list[str]) -> bool:
    """Adds what is new to the role; answers whether anything was."""
    fresh = default_permissions(role.code) - set(role.known_permissions)
    permissions = sorted(set(role.permissions) | fresh)
    before = (role.permissions, role.known_permissions)
    role.permissions, role.known_permissions = permissions, known_now
    return before != (permissions, known_now)
