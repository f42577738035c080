"""Consoles: a ticket for one, its only use, and whether who looks still may."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from integrations.base.errors import ProviderError
from integrations.proxmox.interface import ConsoleTicket, Hypervisor, PowerState
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Refused
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import User
from portal.selectors.memberships import actor_of, tenant_choices
from portal.services.live_access import session_holder
from portal.services.purges import purge_in_rounds
from portal.services.settings import setting_get
from provisioning.errors import ConsoleUnavailable, TooManyConsoles
from provisioning.logic import health_settings as keys
from provisioning.logic.consoles import console_end, obstacle_text
from provisioning.models import ConsoleSession, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock, is_in_hands_of
from provisioning.services.saga.guest import (
    GuestForeign,
    GuestUnproven,
    guest_inspect,
    guest_open,
)
from provisioning.states import ConsoleEnd
from provisioning.tags import Tag

_SILENT: Final = timedelta(minutes=3)
_PURGE: Final = """
  DELETE FROM provisioning_consolesession WHERE id IN (
    SELECT id FROM provisioning_consolesession
    WHERE expires_at < now() - make_interval(days => %(days)s) ORDER BY expires_at LIMIT %(most)s)"""


@dataclass(frozen=True, slots=True)
class Issued:
    """A ticket: its secret is told once and kept nowhere."""

    session: ConsoleSession
    token: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who came with a websocket: the session in its cookie."""

    session_key: str
    user: User


@transaction.atomic
def console_request(*, actor: Actor, deployment_id: UUID | str, session_key: str) -> Issued:
    """Gives a ticket for one look at a machine's screen, for this person in this session, for seconds.

    Raises:
        NotFound, Refused: also for who comes without a web session, since a browser must present it.
        ConsoleUnavailable, TooManyConsoles.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    if not session_key or actor.user_id is None:
        raise Refused(_("A console opens in a browser: sign in there."), permission="")
    end = obstacle_of(deployment)
    if end is not None or deployment.ready_at is None:
        raise ConsoleUnavailable(obstacle_text(end or ConsoleEnd.STOPPED))
    if _open_count(actor.user_id) >= settings.CONSOLE["per_user"]:
        raise TooManyConsoles
    token = secrets.token_urlsafe(32)
    session = ConsoleSession.objects.create(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        user_id=actor.user_id,
        ticket_hash=_hash(token),
        session_hash=_hash(session_key),
        vmid=deployment.vmid,
        marker=deployment.marker,
        guest_uuid=deployment.guest_uuid,
        expires_at=clock.now() + timedelta(seconds=settings.CONSOLE["ticket_s"]),
    )
    trail.record(tag=Tag.CONSOLE_REQUESTED, target=deployment, actor=actor)
    return Issued(session, token)


def obstacle_of(deployment: Deployment) -> ConsoleEnd | None:
    """Why the machine's screen may not be looked at, as it stands."""
    return console_end(
        status=deployment.status,
        expires_at=deployment.expires_at,
        is_held=deployment.hold,
        now=clock.now(),
    )


def _open_count(user_id: UUID) -> int:
    """How many consoles somebody has open, or has a ticket for, anywhere."""
    rows = ConsoleSession.objects.using(PLATFORM).filter(user_id=user_id, closed_at=None)
    alive = rows.filter(opened_at__isnull=False, updated_at__gt=clock.now() - _SILENT)
    return alive.count() + rows.filter(opened_at=None, expires_at__gt=clock.now()).count()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def console_admit(*, visitor: Visitor, deployment_id: UUID, token: str) -> ConsoleSession | None:
    """Uses a ticket up; None when it is wrong, used, too old, or another person's or session's.

    One guarded UPDATE: of any number that come with it at once, one gets in.
    """
    tickets = ConsoleSession.objects.using(PLATFORM).filter(
        ticket_hash=_hash(token),
        session_hash=_hash(visitor.session_key),
        user_id=visitor.user.pk,
        deployment_id=deployment_id,
    )
    now = clock.now()
    used = tickets.filter(opened_at=None, closed_at=None, expires_at__gt=now)
    if used.update(opened_at=now, updated_at=now) != 1:
        return None
    return tickets.select_related("deployment__cluster", "user").get()


def console_standing(session: ConsoleSession, session_key: str) -> ConsoleEnd | None:
    """Why a console has to be closed, asked every few seconds: the person, then the machine."""
    user = session_holder(session_key)
    if user is None or user.pk != session.user_id or user.must_change_password:
        return ConsoleEnd.SIGNED_OUT
    with tenant_scope(session.tenant_id, user_id=user.pk), transaction.atomic():
        deployment = Deployment.objects.filter(pk=session.deployment_id).first()
        if deployment is None:
            return ConsoleEnd.DELETED
        if not _is_permitted(user, deployment):
            return ConsoleEnd.REVOKED
        end = obstacle_of(deployment)
        if end is not None:
            return end
        known = (deployment.vmid, deployment.marker, deployment.guest_uuid)
    if known != (session.vmid, session.marker, session.guest_uuid):
        return ConsoleEnd.FOREIGN
    return None


def _is_permitted(user: User, deployment: Deployment) -> bool:
    choices = {choice.id: choice for choice in tenant_choices(user.pk)}
    choice = choices.get(deployment.tenant_id)
    if choice is None:
        return False
    actor = actor_of(user, choice)
    return actor.may(Permission.OPERATE) and is_in_hands_of(actor, deployment)


def console_prove(session: ConsoleSession) -> ConsoleEnd | None:
    """Asks the cluster whether the machine behind the number is still the one the ticket was for."""
    try:
        _proven(session)
    except _Ended as ended:
        return ended.end
    return None


def console_ticket(session: ConsoleSession) -> tuple[Hypervisor, ConsoleTicket] | ConsoleEnd:
    """Opens the machine's screen, right after its identity was proven."""
    try:
        hypervisor, node = _proven(session)
        return hypervisor, hypervisor.console_open(node, session.vmid)
    except _Ended as ended:
        return ended.end
    except ProviderError:
        return ConsoleEnd.UNREACHABLE


class _Ended(Exception):
    def __init__(self, end: ConsoleEnd) -> None:
        super().__init__(str(end))
        self.end = end


def _proven(session: ConsoleSession) -> tuple[Hypervisor, str]:
    """The hypervisor and the node of a machine that is proven ours and runs. Raises _Ended."""
    with tenant_scope(session.tenant_id), transaction.atomic():
        deployment = Deployment.objects.select_related("cluster", "template").get(
            pk=session.deployment_id
        )
    try:
        with tenant_scope(session.tenant_id):
            guest = guest_open(deployment)
            config = guest_inspect(guest)
        if config is None or config.uuid != session.guest_uuid or config.marker != session.marker:
            raise _Ended(ConsoleEnd.FOREIGN)
        status = guest.hypervisor.guest_status(config.node, session.vmid)
    except (GuestForeign, GuestUnproven) as error:
        raise _Ended(ConsoleEnd.FOREIGN) from error
    except ProviderError as error:
        raise _Ended(ConsoleEnd.UNREACHABLE) from error
    if status.power is not PowerState.RUNNING:
        raise _Ended(ConsoleEnd.STOPPED)
    return guest.hypervisor, config.node


def console_opened(session: ConsoleSession) -> None:
    """Writes down that somebody looks."""
    _record(session, Tag.CONSOLE_OPENED)


def console_alive(session: ConsoleSession) -> None:
    """Says that the console is still open, so that nobody takes it for one a dead process left."""
    rows = ConsoleSession.objects.using(PLATFORM).filter(pk=session.pk, closed_at=None)
    rows.update(updated_at=clock.now())


def console_closed(session: ConsoleSession, end: ConsoleEnd, *, is_opened: bool) -> None:
    """Writes down that it is over, how long it was and why, once."""
    now = clock.now()
    rows = ConsoleSession.objects.using(PLATFORM).filter(pk=session.pk, closed_at=None)
    if rows.update(closed_at=now, end=end, updated_at=now) != 1:
        return
    began = session.opened_at or now
    tag = Tag.CONSOLE_CLOSED if is_opened else Tag.CONSOLE_REFUSED
    detail = {"code": str(end), "message": str(end.label), "seconds": _seconds(began, now)}
    _record(session, tag, **detail)


def _seconds(began: datetime, ended: datetime) -> int:
    return round((ended - began).total_seconds())


def _record(session: ConsoleSession, tag: Tag, **detail: object) -> None:
    choices = {choice.id: choice for choice in tenant_choices(session.user_id)}
    actor = actor_of(session.user, choices.get(session.tenant_id))
    with tenant_scope(session.tenant_id), transaction.atomic():
        trail.record(
            tag=tag,
            target=session.deployment,
            actor=actor,
            outcome="refused" if tag is Tag.CONSOLE_REFUSED else "success",
            detail={"vmid": session.vmid, **detail},
            tenant_id=session.tenant_id,
        )


def consoles_settle() -> int:
    """Closes on paper what a process left that died; answers how many."""
    left = ConsoleSession.objects.using(PLATFORM).filter(
        opened_at__isnull=False, closed_at=None, updated_at__lt=clock.now() - _SILENT
    )
    found = list(left.select_related("deployment", "user"))
    for session in found:
        console_closed(session, ConsoleEnd.RESTART, is_opened=True)
    return len(found)


def consoles_purge() -> int:
    """Forgets consoles of longer ago than they are kept; answers how many."""
    return purge_in_rounds(_PURGE, {"days": int(setting_get(keys.CONSOLE_KEPT_D))})
