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
    changed = 0
    known_now = sorted(permission_specs())
    with platform_alias(), transaction.atomic(using=PLATFORM):
        for code in ROLES:
            role, is_new = Role.objects.select_for_update().get_or_create(
                code=code, defaults={"name": NAMES[code]}
            )
            fresh = default_permissions(code) - set(role.known_permissions)
            permissions = sorted(set(role.permissions) | fresh)
            if is_new or role.known_permissions != known_now or permissions != role.permissions:
                role.permissions, role.known_permissions = permissions, known_now
                role.save(using=PLATFORM)
                changed += 1
    return changed
