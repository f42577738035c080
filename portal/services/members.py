"""Who belongs to which organisation, as what: decided by its administrators and by platform staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, ActorKind, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput, NotFound, Refused
from portal.kernel.tenancy import PLATFORM, platform_alias
from portal.models import Membership, Role, TeamMember, User
from portal.permissions import Permission
from portal.services.accounts import user_insert
from portal.tags import Tag

ADMIN_ROLE = "admin"


def membership_set(*, actor: Actor, user_id: UUID, tenant_id: UUID, role_code: str) -> Membership:
    """Makes somebody a member, or changes the role of one.

    Raises:
        Refused: the actor manages neither users nor this organisation's members.
        NotFound: there is no such role.
        Conflict: the organisation would be left without an administrator.
    """
    _authorize(actor, tenant_id)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        role = _grantable_role(actor, role_code)
        admins = _admins_locked(tenant_id)
        membership, is_new = Membership.objects.select_for_update(of=("self",)).get_or_create(
            user_id=user_id, tenant_id=tenant_id, defaults={"role": role}
        )
        before = None if is_new else {"role": membership.role.code}
        if before != {"role": role.code}:
            if not is_new:
                _admin_left(membership, admins)
            membership.role = role
            membership.save(using=PLATFORM)
            _record(Tag.MEMBERSHIP_SET, membership, actor, before, {"role": role.code})
    return membership


def membership_remove(*, actor: Actor, membership_id: UUID) -> None:
    """Ends a membership, and its places in teams; what the person made stays.

    Raises:
        Refused: the actor manages neither users nor this organisation's members.
        Conflict: the organisation would be left without an administrator.
    """
    with platform_alias(), transaction.atomic(using=PLATFORM):
        found = Membership.objects.filter(pk=membership_id)
        tenant_id = found.values_list("tenant_id", flat=True).first()
        _authorize(actor, tenant_id)
        if tenant_id is None:
            return
        admins = _admins_locked(tenant_id)
        membership = found.select_for_update(of=("self",)).select_related("role").first()
        if membership is None:
            return
        _admin_left(membership, admins)
        before = {"role": membership.role.code}
        TeamMember.across_tenants.filter(
            tenant_id=membership.tenant_id, user_id=membership.user_id
        ).delete()
        _record(Tag.MEMBERSHIP_REMOVED, membership, actor, before, None)
        membership.delete(using=PLATFORM)


def member_add(
    *,
    actor: Actor,
    tenant_id: UUID,
    username: str,
    role_code: str,
    password: str = "",
    **fields: Any,
) -> User:
    """Makes a person of the organisation; the first password must be replaced at the first sign-in.

    Only platform staff may add somebody who has an account already: an organisation cannot draw other
    organisations' people in.

    Raises:
        Refused, NotFound, Conflict: as `membership_set`.
        InvalidInput: a field breaks its rule, or the name is taken.
    """
    _authorize(actor, tenant_id)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        _grantable_role(actor, role_code)
        user = None
        if not password and actor.may(Permission.USERS_MANAGE):
            user = User.objects.filter(username__iexact=username).first()
        if user is None:
            user = user_insert(
                actor=actor,
                username=username,
                password=password,
                must_change_password=True,
                **fields,
            )
        if Membership.objects.filter(user=user, tenant_id=tenant_id).exists():
            message = gettext("This person is a member already.")
            raise InvalidInput(faults=(Fault("username", "already_member", message),))
        membership_set(actor=actor, user_id=user.id, tenant_id=tenant_id, role_code=role_code)
    return user


def member_change(*, actor: Actor, tenant_id: UUID, user_id: UUID, role_code: str) -> None:
    """Gives a member another role. Raises as `membership_set`, and NotFound for who is no member."""
    _authorize(actor, tenant_id)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        _member(tenant_id, user_id)
        membership_set(actor=actor, user_id=user_id, tenant_id=tenant_id, role_code=role_code)
        User.objects.filter(pk=user_id).update(updated_at=clock.now())


def member_remove(*, actor: Actor, tenant_id: UUID, user_id: UUID) -> None:
    """Ends somebody's membership. Raises as `membership_remove`, and NotFound for who is no member."""
    _authorize(actor, tenant_id)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        membership = _member(tenant_id, user_id)
        membership_remove(actor=actor, membership_id=membership.pk)
        User.objects.filter(pk=user_id).update(updated_at=clock.now())


def _authorize(actor: Actor, tenant_id: UUID | None) -> None:
    """Platform staff everywhere, administrators of an organisation in their own."""
    if actor.may(Permission.USERS_MANAGE):
        return
    authorize(actor, Permission.MEMBERS_MANAGE)
    if tenant_id is None or actor.tenant_id != tenant_id:
        raise Refused


def _grantable_role(actor: Actor, code: str) -> Role:
    """The role, held against its deletion. Nobody but platform staff gives more than he holds himself."""
    role = Role.objects.select_for_update(no_key=True).filter(code=code).first()
    if role is None:
        raise NotFound(gettext("There is no such role."), field="role")
    is_beyond = not set(role.permissions) <= actor.permissions
    if is_beyond and actor.kind is ActorKind.USER and not actor.may(Permission.USERS_MANAGE):
        message = gettext("This role may do things that you may not: ask the platform's staff.")
        raise Refused(message, permission=str(Permission.USERS_MANAGE))
    return role


def _member(tenant_id: UUID, user_id: UUID) -> Membership:
    membership = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id).first()
    if membership is None:
        raise NotFound(gettext("There is no such member."))
    return membership


def _admins_locked(tenant_id: UUID) -> list[UUID]:
    """The memberships of the active administrators.

    Their rows are locked before the one that is to change, and in one order: of two who leave at once
    one waits, where each would otherwise hold what the other wants.
    """
    admins = Membership.objects.select_for_update(of=("self",)).filter(
        tenant_id=tenant_id, role__code=ADMIN_ROLE, user__is_active=True
    )
    return [row.pk for row in admins.order_by("pk")]


def _admin_left(membership: Membership, admins: list[UUID]) -> None:
    """Passes when another active administrator remains."""
    if membership.role.code == ADMIN_ROLE and not set(admins) - {membership.pk}:
        message = gettext("This is the last administrator of the organisation.")
        raise Conflict(message, code="last_admin")


def _record(
    tag: Tag,
    membership: Membership,
    actor: Actor,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    trail.record(
        tag=tag,
        target=membership,
        target_label=membership.user.username,
        before=before,
        after=after,
        actor=actor,
        tenant_id=membership.tenant_id,
    )
