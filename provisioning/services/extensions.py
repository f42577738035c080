"""Requests for more time than the rules give: asked by one person, decided by another."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock, events
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, Refused
from portal.kernel.fsm import transition
from portal.services.settings import setting_get
from provisioning.errors import (
    DeploymentInvalid,
    ExtensionPending,
    RequestClosed,
    SelfApproval,
)
from provisioning.events import ExtensionAsked, ExtensionDecided
from provisioning.models import Deployment, ExtensionRequest
from provisioning.permissions import Permission
from provisioning.selectors.leases import extension_get, extension_lock
from provisioning.states import REQUEST_TRANSITIONS, RequestStatus
from provisioning.tags import Tag

REASON_MOST = 500


def extension_request(
    *, actor: Actor, deployment: Deployment, hours: int, reason: str
) -> ExtensionRequest:
    """Asks for hours beyond the rules, for a deployment that is locked and in the actor's hands.

    Raises:
        Refused: nobody in person asks.
        DeploymentInvalid, ExtensionPending.
    """
    if actor.user_id is None:
        raise Refused(_("A request needs a person who asks."))
    _demand_reason(reason)
    if ExtensionRequest.objects.filter(
        deployment=deployment, status=RequestStatus.PENDING
    ).exists():
        raise ExtensionPending
    request = ExtensionRequest.objects.create(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        requester_id=actor.user_id,
        hours=hours,
        reason=reason,
    )
    _record(Tag.EXTENSION_REQUESTED, request, deployment, actor, reason)
    events.publish(
        ExtensionAsked(
            request_id=request.pk,
            deployment_id=deployment.pk,
            tenant_id=deployment.tenant_id,
            requester_id=actor.user_id,
            requester=actor.label,
            name=deployment.name,
            hours=hours,
            reason=reason,
        )
    )
    return request


@transaction.atomic
def extension_withdraw(*, actor: Actor, request_id: UUID | str) -> ExtensionRequest:
    """Takes a request back: its requester, or who manages all deployments.

    Raises:
        NotFound, Refused, RequestClosed.
    """
    authorize(actor, Permission.OPERATE)
    deployment, request = _open(actor, request_id)
    if actor.user_id != request.requester_id:
        authorize(actor, Permission.MANAGE)
    _close(request, RequestStatus.WITHDRAWN, actor)
    _record(Tag.EXTENSION_WITHDRAWN, request, deployment, actor)
    return request


@transaction.atomic
def extension_deny(*, actor: Actor, request_id: UUID | str, reason: str = "") -> ExtensionRequest:
    """Says no. A deletion that waited for it leaves the notice's time to do without the machine.

    Raises:
        NotFound, Refused, SelfApproval, RequestClosed, DeploymentInvalid.
    """
    deployment, request = decision_open(actor=actor, request_id=request_id, reason=reason)
    _close(request, RequestStatus.DENIED, actor, reason)
    _record(Tag.EXTENSION_DENIED, request, deployment, actor, reason)
    _tell(request, deployment)
    notice = timedelta(hours=int(setting_get("cloudpods.lease.delete_notice_hours")))
    Deployment.objects.filter(pk=deployment.pk, delete_after__lt=clock.now() + notice).update(
        delete_after=clock.now() + notice, updated_at=clock.now()
    )
    return request


def decision_open(
    *, actor: Actor, request_id: UUID | str, reason: str
) -> tuple[Deployment, ExtensionRequest]:
    """A request that the actor may decide, locked behind its deployment.

    Raises:
        NotFound, Refused, SelfApproval, RequestClosed, DeploymentInvalid.
    """
    authorize(actor, Permission.APPROVE)
    deployment, request = _open(actor, request_id)
    if actor.user_id == request.requester_id:
        raise SelfApproval(permission=str(Permission.APPROVE))
    _demand_reason(reason)
    return deployment, request


def extension_approved(
    request: ExtensionRequest, deployment: Deployment, *, actor: Actor, reason: str
) -> None:
    """Writes down that a locked request was granted."""
    _close(request, RequestStatus.APPROVED, actor, reason)
    _record(Tag.EXTENSION_APPROVED, request, deployment, actor, reason)
    _tell(request, deployment)


def extensions_expire(deployment: Deployment, *, actor: Actor) -> None:
    """Ends the open request of a locked deployment that goes, or that has waited for too long."""
    rows = ExtensionRequest.objects.select_for_update(of=("self",)).filter(
        deployment=deployment, status=RequestStatus.PENDING
    )
    for request in rows:
        transition(request, table=REQUEST_TRANSITIONS, to=RequestStatus.EXPIRED)
        _record(Tag.EXTENSION_EXPIRED, request, deployment, actor)
        _tell(request, deployment)


def _open(actor: Actor, request_id: UUID | str) -> tuple[Deployment, ExtensionRequest]:
    request = extension_get(actor=actor, request_id=request_id)
    deployment, request = extension_lock(request)
    if request.status != RequestStatus.PENDING:
        label = RequestStatus(request.status).label.lower()
        message = _("The request is closed (%(status)s). Ask anew if it is still needed.")
        raise RequestClosed(message % {"status": label}, status=request.status)
    return deployment, request


def _close(request: ExtensionRequest, to: RequestStatus, actor: Actor, reason: str = "") -> None:
    transition(
        request,
        table=REQUEST_TRANSITIONS,
        to=to,
        decided_by_id=actor.user_id,
        decided_at=clock.now(),
        decision_reason=reason.strip(),
    )


def _tell(request: ExtensionRequest, deployment: Deployment) -> None:
    events.publish(
        ExtensionDecided(
            request_id=request.pk,
            deployment_id=deployment.pk,
            tenant_id=deployment.tenant_id,
            requester_id=request.requester_id,
            name=deployment.name,
            hours=request.hours,
            status=str(request.status),
            reason=request.decision_reason,
        )
    )


def _demand_reason(reason: str) -> None:
    if len(reason.strip()) <= REASON_MOST:
        return
    message = _("The reason has %(count)s characters; at most %(most)s are kept.")
    told = message % {"count": len(reason.strip()), "most": REASON_MOST}
    raise DeploymentInvalid(faults=(Fault("reason", "max_length", told),))


def _record(
    tag: Tag, request: ExtensionRequest, deployment: Deployment, actor: Actor, reason: str = ""
) -> None:
    said = f"{request.hours} h" + (f": {reason.strip()}" if reason.strip() else "")
    trail.record(
        tag=tag,
        target=deployment,
        actor=actor,
        after={"request": str(request.pk), "hours": request.hours, "status": request.status},
        detail={"message": said},
    )
