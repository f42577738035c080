"""Whether those who listen may still: asked of all of them together, every few seconds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY
from django.utils.crypto import constant_time_compare

from portal.kernel import clock
from portal.kernel.authz import platform_permissions
from portal.kernel.live import topics_permitted
from portal.kernel.tenancy import PLATFORM
from portal.models import Membership, User, WebSession
from portal.services.web_sessions import SessionStore


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens to what, through which session."""

    user_id: UUID
    tenant_id: UUID
    session_key: str
    topics: frozenset[str]


def listeners_refused(listeners: Collection[Listener]) -> set[Listener]:
    """Those who signed out, were deactivated, changed their password or lost the role that let them in."""
    keys = {listener.session_key for listener in listeners}
    users = {user.pk: user for user in _active({listener.user_id for listener in listeners})}
    sessions = {
        session.session_key: session
        for session in WebSession.objects.using(PLATFORM).filter(
            session_key__in=keys, expire_date__gt=clock.now()
        )
    }
    roles = _permissions({listener.user_id for listener in listeners})
    return {
        listener
        for listener in listeners
        if not _is_signed_in(sessions.get(listener.session_key), users.get(listener.user_id))
        or not _is_permitted(listener, users[listener.user_id], roles)
    }


def session_holder(session_key: str) -> User | None:
    """Whose web session it is, if it still is one: not ended, the person active, the password the same."""
    row = (
        WebSession.objects.using(PLATFORM)
        .filter(session_key=session_key, expire_date__gt=clock.now())
        .first()
    )
    user = next(iter(_active({row.user_id})), None) if row and row.user_id else None
    return user if _is_signed_in(row, user) else None


def _active(ids: Collection[UUID]) -> list[User]:
    return list(User.objects.using(PLATFORM).filter(pk__in=ids, is_active=True))


def _permissions(user_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], frozenset[str]]:
    rows = Membership.objects.using(PLATFORM).filter(user_id__in=user_ids, tenant__is_active=True)
    return {
        (row.user_id, row.tenant_id): frozenset(row.role.permissions)
        for row in rows.select_related("role")
    }


def _is_signed_in(session: WebSession | None, user: User | None) -> bool:
    if session is None or user is None:
        return False
    known = SessionStore().decode(session.session_data).get(HASH_SESSION_KEY, "")
    return constant_time_compare(known, user.get_session_auth_hash())


def _is_permitted(
    listener: Listener, user: User, roles: dict[tuple[UUID, UUID], frozenset[str]]
) -> bool:
    held = roles.get((listener.user_id, listener.tenant_id))
    if held is None:
        return False
    permissions = held | platform_permissions() if user.is_platform_admin else held
    return topics_permitted(listener.topics, permissions, listener.user_id)
