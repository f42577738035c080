"""Which organisations a person may work in, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from portal.kernel.authz import Actor, ActorKind, platform_permissions
from portal.kernel.tenancy import user_scope
from portal.models import Membership, User


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """One organisation of a person with the role held there."""

    id: UUID
    slug: str
    name: str
    role: str
    role_code: str
    permissions: frozenset[str]


def tenant_choices(user_id: UUID) -> tuple[TenantChoice, ...]:
    """The person's active organisations by name."""
    with transaction.atomic(), user_scope(user_id):
        memberships = (
            Membership.objects.filter(user_id=user_id, tenant__is_active=True)
            .select_related("tenant", "role")
            .order_by("tenant__name", "tenant__slug")
        )
        return tuple(_choice(membership) for membership in memberships)


def members_in_role(*, tenant_id: UUID, role_code: str) -> tuple[User, ...]:
    """The active people that hold a role in the organisation in scope, by name."""
    memberships = Membership.objects.filter(
        tenant_id=tenant_id, role__code=role_code, user__is_active=True
    )
    rows = memberships.select_related("user").order_by("user__username")
    return tuple(membership.user for membership in rows)


def people_who_may(*, tenant_id: UUID, permission: str, limit: int) -> tuple[User, ...]:
    """The active people of the organisation in scope whose role holds a permission, by name."""
    memberships = (
        _permitted(tenant_id, permission)
        .select_related("user")
        .order_by("user__display_name", "user__username")
    )
    return tuple(membership.user for membership in memberships[:limit])


def members_permitted(*, tenant_id: UUID, permission: str) -> tuple[UUID, ...]:
    """The same people's ids, all of them."""
    rows = _permitted(tenant_id, permission).order_by("user_id")
    return tuple(rows.values_list("user_id", flat=True))


def memberships_permitted(*, permission: str) -> QuerySet[Membership]:
    """Of active people, in roles that hold a permission; of the organisations in scope."""
    return Membership.objects.filter(
        role__permissions__contains=[str(permission)], user__is_active=True
    )


def _permitted(tenant_id: UUID, permission: str) -> QuerySet[Membership]:
    return memberships_permitted(permission=permission).filter(tenant_id=tenant_id)


def _choice(membership: Membership) -> TenantChoice:
    return TenantChoice(
        id=membership.tenant_id,
        slug=membership.tenant.slug,
        name=membership.tenant.name,
        role=membership.role.name,
        role_code=membership.role.code,
        permissions=frozenset(membership.role.permissions),
    )


def actor_of(user: User, choice: TenantChoice | None) -> Actor:
    """The person as an actor in one organisation, or in none."""
    permissions = choice.permissions if choice else frozenset[str]()
    if user.is_platform_admin:
        permissions |= platform_permissions()
    return Actor(
        kind=ActorKind.USER,
        label=user.username,
        user_id=user.id,
        tenant_id=choice.id if choice else None,
        role=choice.role_code if choice else "",
        is_platform_admin=user.is_platform_admin,
        permissions=permissions,
    )
