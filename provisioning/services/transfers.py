"""Machines that change hands within their organisation: offered, accepted, declined, withdrawn, expired.

Who manages all deployments hands over at once; everybody else offers, and the receiver decides.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, Fault, InvalidInput, Refused
from portal.kernel.fsm import transition
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from portal.selectors.memberships import members_permitted
from portal.services.settings import setting_get
from provisioning.errors import DeploymentBusy
from provisioning.events import DeploymentChanged, OwnershipOffered, OwnershipSettled
from provisioning.logic.fleet_settings import OFFER_DAYS
from provisioning.models import Deployment, OwnershipTransfer
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock, is_in_hands_of
from provisioning.selectors.transfers import transfer_get, transfer_lock, transfer_open_of
from provisioning.states import TRANSFER_TRANSITIONS, DeploymentStatus, TransferStatus
from provisioning.tags import Tag

REASON_MOST: Final = 500
_T = TransferStatus


@transaction.atomic
def deployment_transfer(
    *, actor: Actor, deployment_id: UUID | str, to_user_id: UUID | str, reason: str = ""
) -> tuple[Deployment, OwnershipTransfer]:
    """Offers a machine to a colleague, or hands it over where the actor manages all deployments.

    Raises:
        NotFound, Refused, DeploymentBusy: it is being deleted.
        InvalidInput: the receiver cannot own a machine here, or owns it already.
        Conflict: an offer waits for its receiver.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    if actor.user_id is None:
        raise Refused(_("A transfer needs a person who asks for it."))
    if deployment.status == DeploymentStatus.DELETING:
        raise DeploymentBusy(_("The deployment is being deleted."))
    receiver = _receiver(deployment, to_user_id)
    if len(reason.strip()) > REASON_MOST:
        told = _("At most %(most)s characters are kept.") % {"most": REASON_MOST}
        raise InvalidInput(faults=(Fault("reason", "max_length", told),))
    waiting = transfer_open_of(deployment)
    if waiting is not None:
        message = _("It is offered to %(person)s already. Withdraw that offer first.")
        raise Conflict(message % {"person": waiting.to_owner}, code="transfer_pending")
    row = OwnershipTransfer.objects.create(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        requester_id=actor.user_id,
        from_owner=deployment.owner,
        to_owner=receiver,
        reason=reason.strip(),
        expires_at=clock.now() + timedelta(days=float(setting_get(OFFER_DAYS))),
    )
    if actor.may(Permission.MANAGE) or receiver.pk == actor.user_id:
        _hand_over(row, deployment, actor)
        return deployment, row
    _record(Tag.OWNER_OFFERED, row, deployment, actor)
    events.publish(
        OwnershipOffered(
            transfer_id=row.pk,
            deployment_id=deployment.pk,
            tenant_id=deployment.tenant_id,
            receiver_id=receiver.pk,
            requester=actor.label,
            name=deployment.name,
        )
    )
    return deployment, row


@transaction.atomic
def transfer_accept(*, actor: Actor, transfer_id: UUID | str) -> OwnershipTransfer:
    """Takes the machine: its receiver alone. Raises NotFound, Refused, Conflict."""
    deployment, row = _open(actor, transfer_id)
    _demand_receiver(actor, row)
    if deployment.owner_id != row.from_owner_id:
        raise Conflict(
            _("The machine has another owner by now. Ask %(owner)s.") % {"owner": deployment.owner},
            code="transfer_closed",
        )
    if deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        raise DeploymentBusy(_("The deployment is being deleted."))
    _hand_over(row, deployment, actor)
    return row


@transaction.atomic
def transfer_decline(
    *, actor: Actor, transfer_id: UUID | str, reason: str = ""
) -> OwnershipTransfer:
    """Says no: its receiver alone. Raises NotFound, Refused, Conflict."""
    deployment, row = _open(actor, transfer_id)
    _demand_receiver(actor, row)
    _close(row, deployment, _T.DECLINED, Tag.OWNER_DECLINED, actor, reason)
    return row


@transaction.atomic
def transfer_withdraw(*, actor: Actor, transfer_id: UUID | str) -> OwnershipTransfer:
    """Takes the offer back: who made it, or who may act on the machine. Raises NotFound, Refused, Conflict."""
    deployment, row = _open(actor, transfer_id)
    if actor.user_id != row.requester_id and not is_in_hands_of(actor, deployment):
        raise Refused(_("Only who offered it can withdraw the offer."))
    _close(row, deployment, _T.WITHDRAWN, Tag.OWNER_WITHDRAWN, actor)
    return row


def transfers_expire() -> None:
    """Ends offers whose time is over, or whose machine goes, one by one."""
    now = clock.now()
    rows = OwnershipTransfer.across_tenants.filter(status=_T.PENDING)
    gone = rows.filter(deployment__status__in=(DeploymentStatus.DELETING, DeploymentStatus.DELETED))
    due = rows.filter(expires_at__lte=now)
    for found in {row.pk: row for row in (*due, *gone)}.values():
        actor = Actor.system("transfers", tenant_id=found.tenant_id)
        with tenant_scope(found.tenant_id), transaction.atomic():
            deployment, row = transfer_lock(found)
            if row.status == _T.PENDING:
                _close(row, deployment, _T.EXPIRED, Tag.OWNER_EXPIRED, actor)


def _receiver(deployment: Deployment, to_user_id: UUID | str) -> User:
    try:
        key = UUID(str(to_user_id))
    except ValueError:
        key = None
    able = members_permitted(tenant_id=deployment.tenant_id, permission=Permission.OPERATE)
    if key is None or key not in able:
        message = _("Choose an active member of the organisation who may operate deployments.")
        raise InvalidInput(faults=(Fault("owner_id", "invalid", message),))
    if key == deployment.owner_id:
        message = _("The machine belongs to this person already.")
        raise InvalidInput(faults=(Fault("owner_id", "same", message),))
    return User.objects.get(pk=key)


def _open(actor: Actor, transfer_id: UUID | str) -> tuple[Deployment, OwnershipTransfer]:
    deployment, row = transfer_lock(transfer_get(actor=actor, transfer_id=transfer_id))
    if row.status != _T.PENDING or row.expires_at <= clock.now():
        label = _T(row.status).label.lower() if row.status != _T.PENDING else _T.EXPIRED.label
        message = _("The offer is closed (%(status)s).") % {"status": label.lower()}
        raise Conflict(message, code="transfer_closed", status=row.status)
    return deployment, row


def _demand_receiver(actor: Actor, row: OwnershipTransfer) -> None:
    if actor.user_id != row.to_owner_id:
        message = _("Only %(person)s can answer this offer.")
        raise Refused(message % {"person": row.to_owner})
    _receiver_is_able(row)


def _receiver_is_able(row: OwnershipTransfer) -> None:
    able = members_permitted(tenant_id=row.tenant_id, permission=Permission.OPERATE)
    if row.to_owner_id not in able:
        message = _("%(person)s may not operate deployments in this organisation.")
        raise Refused(message % {"person": row.to_owner}, permission=str(Permission.OPERATE))


def _hand_over(row: OwnershipTransfer, deployment: Deployment, actor: Actor) -> None:
    Deployment.objects.filter(pk=deployment.pk).update(
        owner_id=row.to_owner_id, updated_at=clock.now()
    )
    deployment.owner = row.to_owner
    transition(row, table=TRANSFER_TRANSITIONS, to=_T.ACCEPTED, decided_at=clock.now())
    _record(Tag.OWNER_CHANGED, row, deployment, actor)
    events.publish(DeploymentChanged(deployment.pk, deployment.tenant_id, deployment.status))
    _settled(row, deployment, actor)


def _close(
    row: OwnershipTransfer,
    deployment: Deployment,
    to: TransferStatus,
    tag: Tag,
    actor: Actor,
    reason: str = "",
) -> None:
    said = " ".join(reason.split())[:REASON_MOST]
    transition(row, table=TRANSFER_TRANSITIONS, to=to, decided_at=clock.now(), decision_reason=said)
    _record(tag, row, deployment, actor, said)
    _settled(row, deployment, actor)


def _settled(row: OwnershipTransfer, deployment: Deployment, actor: Actor) -> None:
    people = {row.requester_id, row.from_owner_id, row.to_owner_id} - {actor.user_id}
    events.publish(
        OwnershipSettled(
            deployment_id=deployment.pk,
            tenant_id=row.tenant_id,
            told=tuple(sorted(people)),
            name=deployment.name,
            owner=str(row.to_owner),
            status=str(row.status),
            cause=f"transfer:{row.pk}:{row.status}",
        )
    )


def _record(
    tag: Tag, row: OwnershipTransfer, deployment: Deployment, actor: Actor, reason: str = ""
) -> None:
    said = reason or row.reason
    trail.record(
        tag=tag,
        target=deployment,
        actor=actor,
        before={"owner": str(row.from_owner)},
        after={"owner": str(row.to_owner), "status": str(row.status)},
        detail={"message": said} if said else None,
    )
