"""Ending sessions: one's own, one by one or all others, and anybody's by platform staff."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import DEFAULT, PLATFORM, platform_alias, user_scope
from portal.models import User, WebSession
from portal.permissions import Permission
from portal.selectors.sessions import SessionView, session_find, session_list
from portal.services.sign_in import home_tenant_id
from portal.services.tokens import families_revoke
from portal.states import SessionKind
from portal.tags import Tag


def session_revoke(*, actor: Actor, session_id: UUID) -> None:
    """Ends one session: a browser's is out, a token's opens nothing, with the very next request.

    Raises:
        NotFound: there is none, or it is somebody else's and the actor does not manage users.
    """
    assert actor.user_id is not None
    mine = session_list(user_id=actor.user_id)
    view = next((item for item in mine if item.id == session_id), None)
    if view is not None:
        with transaction.atomic():
            _end(actor, view, DEFAULT)
        return
    if actor.may(Permission.USERS_MANAGE):
        with platform_alias(), transaction.atomic(using=PLATFORM):
            theirs = session_find(session_id=session_id, alias=PLATFORM)
            if theirs is not None:
                _end(actor, theirs, PLATFORM)
                return
    raise NotFound(gettext("There is no such session."))


@transaction.atomic
def sessions_revoke_others(*, actor: Actor, current: UUID | str) -> int:
    """Ends all of one's own sessions but the current one; answers how many that were."""
    assert actor.user_id is not None
    views = session_list(user_id=actor.user_id, current=current)
    others = [view for view in views if not view.is_current]
    for view in others:
        _end(actor, view, DEFAULT)
    return len(others)


def sessions_end(*, user_id: UUID, alias: str = DEFAULT, but_key: str = "") -> None:
    """Ends everything of a person in the open transaction, but the browser session `but_key`."""
    families_revoke(user_id=user_id, alias=alias)
    browsers = WebSession.objects.using(alias).filter(user_id=user_id)
    browsers.exclude(session_key=but_key).delete()


def _end(actor: Actor, view: SessionView, alias: str) -> None:
    with user_scope(view.user_id):
        if view.kind is SessionKind.WEB:
            WebSession.objects.using(alias).filter(public_id=view.id).delete()
        else:
            families_revoke(user_id=view.user_id, alias=alias, family=view.id)
        user = User.objects.using(alias).get(pk=view.user_id)
        tenant_id = home_tenant_id(user)
    trail.record(
        tag=Tag.SESSION_REVOKED,
        target=user,
        actor=actor,
        detail={"kind": str(view.kind), "session": str(view.id), "address": view.address},
        tenant_id=tenant_id,
    )
