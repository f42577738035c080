"""People and their memberships: made and changed by platform staff, their own profile by themselves."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from audit.services import trail
from portal.errors import WrongCredentials
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.logic.validation import faults_of
from portal.models import User
from portal.permissions import Permission
from portal.services.sessions import sessions_end
from portal.services.sign_in import home_tenant_id
from portal.tags import Tag

OWN_FIELDS: Final = ("display_name", "email", "theme", "language", "timezone", "has_shortcuts")
STAFF_FIELDS: Final = (
    *OWN_FIELDS,
    "username",
    "is_active",
    "is_staff",
    "is_platform_admin",
    "must_change_password",
)


def user_create(
    *,
    actor: Actor,
    username: str,
    password: str,
    is_password_checked: bool = True,
    **fields: Any,
) -> User:
    """Makes a person. `is_password_checked` False is for first passwords that are replaced at once and demos.

    Raises:
        Refused: the actor does not manage users.
        InvalidInput: a field breaks its rule, or the name is taken in whatever case.
    """
    authorize(actor, Permission.USERS_MANAGE)
    return user_insert(
        actor=actor,
        username=username,
        password=password,
        is_password_checked=is_password_checked,
        **fields,
    )


def user_insert(
    *,
    actor: Actor,
    username: str,
    password: str,
    is_password_checked: bool = True,
    **fields: Any,
) -> User:
    """Makes a person for a service that has asked whether the actor may. Raises InvalidInput."""
    user = User(username=username, **fields)
    if is_password_checked:
        _password_check(password, user)
    user.password = make_password(password)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        _fields_check(user)
        user.save(using=PLATFORM, force_insert=True)
        trail.record(
            tag=Tag.USER_CREATED,
            target=user,
            after=_shown(user),
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
        )
    return user


def user_update(*, actor: Actor, user_id: UUID, changes: Mapping[str, Any]) -> User:
    """Changes what staff may change of a person; deactivating somebody ends all sessions and tokens.

    Raises:
        Refused: the actor does not manage users.
        InvalidInput: a field breaks its rule.
        Conflict: the last active platform administrator would be gone.
    """
    authorize(actor, Permission.USERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        user = _locked_among_admins(user_id)
        before = _shown(user)
        for name in STAFF_FIELDS:
            setattr(user, name, changes.get(name, getattr(user, name)))
        _fields_check(user)
        _someone_left(user)
        user.save(using=PLATFORM)
        if not user.is_active:
            sessions_end(user_id=user.id, alias=PLATFORM)
        _record_difference(Tag.USER_CHANGED, user, before, actor)
    return user


def password_reset(*, actor: Actor, user_id: UUID, password: str) -> User:
    """Gives a person a new first password, which ends all sessions and tokens.

    Raises:
        Refused: the actor does not manage users.
        InvalidInput: the password is too weak.
    """
    authorize(actor, Permission.USERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        user = _locked_user(user_id)
        _password_check(password, user)
        user.password = make_password(password)
        user.must_change_password = True
        user.password_changed_at = clock.now()
        user.save(using=PLATFORM)
        sessions_end(user_id=user.id, alias=PLATFORM)
        trail.record(
            tag=Tag.PASSWORD_CHANGED, target=user, actor=actor, tenant_id=PLATFORM_TENANT_ID
        )
    return user


@transaction.atomic
def password_change(
    *, actor: Actor, user: User, old_password: str, new_password: str, session_key: str = ""
) -> None:
    """Replaces one's own password, which ends all API tokens and every session but `session_key`.

    Raises:
        WrongCredentials: the old password is wrong.
        InvalidInput: the new one is too weak or the old one again.
    """
    if not user.check_password(old_password):
        raise WrongCredentials(_("The current password is wrong."), field="old_password")
    if old_password == new_password:
        message = _("Choose a password that differs from the current one.")
        raise InvalidInput(faults=(Fault("new_password", "password_unchanged", message),))
    _password_check(new_password, user)
    now = clock.now()
    user.password, user.must_change_password = make_password(new_password), False
    user.password_changed_at = now
    User.objects.filter(pk=user.pk).update(
        password=user.password,
        must_change_password=False,
        password_changed_at=now,
        updated_at=now,
    )
    sessions_end(user_id=user.id, but_key=session_key)
    trail.record(tag=Tag.PASSWORD_CHANGED, target=user, actor=actor, tenant_id=home_tenant_id(user))


@transaction.atomic
def profile_update(*, actor: Actor, user: User, changes: Mapping[str, Any]) -> User:
    """Changes what people decide about themselves.

    Raises:
        InvalidInput: a field breaks its rule.
    """
    before = _shown(user)
    own = {name: changes[name] for name in OWN_FIELDS if name in changes}
    for name, value in own.items():
        setattr(user, name, value)
    _fields_check(user, only=OWN_FIELDS)
    if _difference(before, _shown(user)):
        User.objects.filter(pk=user.pk).update(updated_at=clock.now(), **own)
        _record_difference(Tag.PROFILE_CHANGED, user, before, actor, tenant_id=home_tenant_id(user))
    return user


def _locked_user(user_id: UUID) -> User:
    user = User.objects.using(PLATFORM).select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound
    return user


def _locked_among_admins(user_id: UUID) -> User:
    """The account, locked with all active administrators in one order: two who end each other take turns."""
    rows = User.objects.using(PLATFORM).select_for_update().order_by("pk")
    held = rows.filter(Q(pk=user_id) | Q(is_active=True, is_platform_admin=True))
    user = next((row for row in held if row.pk == user_id), None)
    if user is None:
        raise NotFound
    return user


def _someone_left(user: User) -> None:
    if user.is_active and user.is_platform_admin:
        return
    others = User.objects.using(PLATFORM)
    if not others.filter(is_active=True, is_platform_admin=True).exclude(pk=user.pk).exists():
        raise Conflict(
            _("This is the last active platform administrator."), code="last_platform_admin"
        )


def _password_check(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        faults = tuple(
            Fault("new_password", item.code or "invalid", str(message))
            for item in error.error_list
            for message in item.messages
        )
        raise InvalidInput(faults=faults) from error


def _fields_check(user: User, only: tuple[str, ...] = ()) -> None:
    names = {field.name for field in User._meta.fields}
    faults: list[Fault] = []
    try:
        user.full_clean(
            exclude=names - set(only) if only else {"password"},
            validate_unique=not only,
            validate_constraints=not only,
        )
    except ValidationError as error:
        faults = [*faults_of(error, whole="username")]
    if user.timezone and user.timezone not in zoneinfo.available_timezones():
        message = _("This time zone is not known. Choose one of the list, say Europe/Paris.")
        faults.append(Fault("timezone", "invalid", message))
    if faults:
        raise InvalidInput(faults=tuple(faults))


def _shown(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in STAFF_FIELDS}


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in after if before[name] != after[name]]


def _record_difference(
    tag: Tag,
    user: User,
    before: Mapping[str, Any],
    actor: Actor,
    tenant_id: UUID = PLATFORM_TENANT_ID,
) -> None:
    after = _shown(user)
    changed = _difference(before, after)
    if changed:
        trail.record(
            tag=tag,
            target=user,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            actor=actor,
            tenant_id=tenant_id,
        )
