"""Roles: the six defaults, and what platform administrators make of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext, gettext_noop

from audit.services import trail
from portal.kernel.authz import (
    ROLES,
    Actor,
    authorize,
    default_permissions,
    permission_specs,
)
from portal.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.logic.validation import faults_of
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


def role_save(
    *,
    actor: Actor,
    code: str,
    name: str,
    permissions: Iterable[str],
    must_be_new: bool = False,
) -> Role:
    """Makes a role or changes one; members feel it with their next request, tokens included.

    Raises:
        Refused: the actor does not manage users.
        InvalidInput: a field breaks its rule, a permission does not exist or belongs to platform staff
            alone, or the code is taken and `must_be_new`.
    """
    authorize(actor, Permission.USERS_MANAGE)
    wanted = _checked(permissions)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        role, is_new = Role.objects.select_for_update().get_or_create(
            code=code, defaults={"name": name, "known_permissions": sorted(permission_specs())}
        )
        if must_be_new and not is_new:
            message = gettext("There is a role with this code.")
            raise InvalidInput(faults=(Fault("code", "code_taken", message),))
        before = None if is_new else {"name": role.name, "permissions": role.permissions}
        _write(actor, role, name=name, permissions=wanted, before=before)
    return role


def role_change(
    *,
    actor: Actor,
    code: str,
    name: str | None = None,
    permissions: Iterable[str] | None = None,
) -> Role:
    """Changes what is given of a role that exists.

    Raises:
        Refused, InvalidInput: as `role_save`.
        NotFound: there is no such role.
    """
    authorize(actor, Permission.USERS_MANAGE)
    wanted = None if permissions is None else _checked(permissions)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        role = _locked(code)
        before = {"name": role.name, "permissions": role.permissions}
        _write(
            actor,
            role,
            name=role.name if name is None else name,
            permissions=role.permissions if wanted is None else wanted,
            before=before,
        )
    return role


def role_reset(*, actor: Actor, code: str) -> Role:
    """Gives a default role back its name and permissions.

    Raises:
        Refused: the actor does not manage users.
        NotFound: there is no such role.
        Conflict: the role has no defaults.
    """
    authorize(actor, Permission.USERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        role = _locked(code)
        if code not in ROLES:
            raise Conflict(
                gettext("Only the six roles uHub comes with can be reset."), code="role_not_default"
            )
        before = {"name": role.name, "permissions": role.permissions}
        role.known_permissions = sorted(permission_specs())
        permissions = sorted(default_permissions(code))
        _write(actor, role, name=NAMES[code], permissions=permissions, before=before)
    return role


def role_delete(*, actor: Actor, code: str) -> None:
    """Deletes a role nobody holds.

    Raises:
        Refused: the actor does not manage users.
        NotFound: there is no such role.
        Conflict: it is one of the six defaults, or somebody holds it.
    """
    authorize(actor, Permission.USERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        role = _locked(code)
        if code in ROLES:
            message = gettext("The roles uHub comes with cannot be deleted.")
            raise Conflict(message, code="role_is_default")
        holders = role.memberships.count()
        if holders:
            message = gettext("Members hold this role: give them another one first.")
            raise Conflict(message, code="role_in_use", members=holders)
        trail.record(
            tag=Tag.ROLE_DELETED,
            target=role,
            before={"name": role.name, "permissions": role.permissions},
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
        )
        role.delete(using=PLATFORM)


def _checked(permissions: Iterable[str]) -> list[str]:
    wanted = sorted(set(permissions))
    unknown = [item for item in wanted if item not in assignable_permissions()]
    if unknown:
        message = gettext("A role cannot hold {names}.").format(names=", ".join(unknown[:20]))
        raise InvalidInput(faults=(Fault("permissions", "invalid", message),))
    return wanted


def _locked(code: str) -> Role:
    role = Role.objects.select_for_update().filter(code=code).first()
    if role is None:
        raise NotFound(gettext("There is no such role."))
    return role


def _write(
    actor: Actor,
    role: Role,
    *,
    name: str,
    permissions: list[str],
    before: dict[str, Any] | None,
) -> None:
    after = {"name": name, "permissions": permissions}
    if before == after:
        return
    role.name, role.permissions = name, permissions
    try:
        role.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise InvalidInput(faults=faults_of(error)) from error
    role.save(using=PLATFORM)
    trail.record(
        tag=Tag.ROLE_CREATED if before is None else Tag.ROLE_CHANGED,
        target=role,
        before=before,
        after=after,
        actor=actor,
        tenant_id=PLATFORM_TENANT_ID,
    )


def roles_ensure() -> int:
    """Makes missing default roles and hands out permissions that are new since; answers how many changed.

    What somebody took from a role stays taken: only permissions the role never knew are added.
    """
    known_now = sorted(permission_specs())
    with platform_alias(), transaction.atomic(using=PLATFORM):
        roles = {
            role.code: role
            for role in Role.objects.select_for_update().filter(code__in=ROLES).order_by("code")
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
