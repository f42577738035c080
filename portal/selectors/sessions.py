"""Where somebody is signed in: browsers and families of API tokens, as one list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Min

from portal.kernel import clock
from portal.kernel.tenancy import DEFAULT, user_scope
from portal.models import RefreshToken, WebSession
from portal.states import SessionKind


@dataclass(frozen=True, slots=True)
class SessionView:
    """One sign-in that still opens something. `last_used_at` of tokens is their last refresh."""

    id: UUID
    kind: SessionKind
    user_id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str
    agent: str
    is_current: bool


def session_list(
    *, user_id: UUID, current: UUID | str | None = None, alias: str = DEFAULT
) -> list[SessionView]:
    """The person's sessions, the latest used first. `current` is the key or family of the request."""
    with transaction.atomic(using=alias), user_scope(user_id):
        found = [*_browsers(user_id, current, alias), *_families(user_id, current, alias)]
    return sorted(found, key=lambda view: (view.last_used_at, view.id), reverse=True)


def session_find(*, session_id: UUID, alias: str) -> SessionView | None:
    """Anybody's session by its id, through a role that sees everybody's."""
    web = WebSession.objects.using(alias).filter(public_id=session_id).first()
    token = RefreshToken.objects.using(alias).filter(family=session_id).first()
    user_id = web.user_id if web else token.user_id if token else None
    if user_id is None:
        return None
    views = session_list(user_id=user_id, alias=alias)
    return next((view for view in views if view.id == session_id), None)


def _browsers(user_id: UUID, current: UUID | str | None, alias: str) -> list[SessionView]:
    rows = WebSession.objects.using(alias).filter(user_id=user_id, expire_date__gt=clock.now())
    return [
        SessionView(
            id=row.public_id,
            kind=SessionKind.WEB,
            user_id=user_id,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expire_date,
            address=row.address,
            agent=row.agent,
            is_current=row.session_key == current,
        )
        for row in rows
    ]


def _families(user_id: UUID, current: UUID | str | None, alias: str) -> list[SessionView]:
    now = clock.now()
    alive = RefreshToken.objects.using(alias).filter(
        user_id=user_id, revoked_at__isnull=True, family_expires_at__gt=now
    )
    spans = {
        span["family"]: span
        for span in alive.order_by()
        .values("family")
        .annotate(first=Min("created_at"), ends=Max("expires_at"))
    }
    newest = alive.order_by("family", "-created_at", "-id").distinct("family")
    return [
        SessionView(
            id=row.family,
            kind=SessionKind.TOKEN,
            user_id=user_id,
            created_at=spans[row.family]["first"],
            last_used_at=row.created_at,
            expires_at=spans[row.family]["ends"],
            address=row.address,
            agent=row.agent,
            is_current=row.family == current,
        )
        for row in newest
        if spans[row.family]["ends"] > now
    ]
