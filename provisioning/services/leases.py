"""The ends of a deployment as people move them: longer, shorter, on hold. Each change is a new version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, Refused
from portal.services.settings import setting_get
from provisioning.errors import DeploymentInvalid, ExtensionNeedsApproval, OnHold, WrongState
from provisioning.logic.leases import (
    HOURS_MOST,
    ExtensionRules,
    RuleBreach,
    end_moved,
    rule_broken,
)
from provisioning.models import Deployment, ExtensionRequest
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.services.extensions import (
    decision_open,
    extension_approved,
    extension_request,
)
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

REASON_MOST = 200


def extension_rules() -> ExtensionRules:
    """The rules in force."""
    return ExtensionRules(
        step_hours=int(setting_get("cloudpods.lease.max_extension_hours")),
        total_hours=int(setting_get("cloudpods.lease.max_total_hours")),
    )


@transaction.atomic
def deployment_extend(
    *, actor: Actor, deployment_id: UUID | str, hours: int, reason: str = ""
) -> tuple[Deployment, ExtensionRequest | None]:
    """Moves the end of the lease: later within the rules, earlier always.

    Later counts from the end, or from now when that is past; `hours` below zero shorten, at most to now.
    What goes beyond the rules becomes a request when it comes with a reason, and changes nothing yet.

    Raises:
        NotFound, Refused, WrongState, DeploymentInvalid.
        ExtensionNeedsApproval: beyond the rules and without a reason.
        ExtensionPending: beyond the rules while an earlier request waits.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    if deployment.status == DeploymentStatus.DELETING:
        raise WrongState(_("The deployment is being deleted."))
    if hours == 0 or abs(hours) > HOURS_MOST:
        message = _("Give hours from 1 to %(most)s; below zero, they shorten the lease.")
        fault = Fault("hours", "out_of_range", message % {"most": HOURS_MOST})
        raise DeploymentInvalid(faults=(fault,))
    now = clock.now()
    if hours < 0 and (deployment.expired_at is not None or deployment.expires_at <= now):
        raise WrongState(
            _("The lease has ended, so it cannot be shortened. Delete the deployment instead.")
        )
    new_end = end_moved(deployment.expires_at, now, hours)
    breach = rule_broken(
        extension_rules(), created_at=deployment.created_at, new_end=new_end, hours=hours
    )
    if breach is None:
        lease_change(actor=actor, deployment=deployment, expires_at=new_end)
        return deployment, None
    if not reason.strip():
        raise _approval_needed(breach)
    request = extension_request(
        actor=actor, deployment=deployment, hours=hours, reason=reason.strip()
    )
    return deployment, request


@transaction.atomic
def deployment_expire(
    *, actor: Actor, deployment_id: UUID | str
) -> tuple[Deployment, ExtensionRequest | None]:
    """Ends a lease now: the machine is stopped, and deleted after the grace, with its warnings.

    Raises:
        NotFound, Refused, OnHold, WrongState.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    left = deployment.expires_at - clock.now()
    hours = max(1, -(-left // timedelta(hours=1)))
    return deployment_extend(actor=actor, deployment_id=deployment_id, hours=-hours)


@transaction.atomic
def extension_approve(
    *, actor: Actor, request_id: UUID | str, reason: str = ""
) -> ExtensionRequest:
    """Grants a request: its hours are added as if the rules gave them.

    Raises:
        NotFound, Refused, SelfApproval, RequestClosed, DeploymentInvalid.
    """
    deployment, request = decision_open(actor=actor, request_id=request_id, reason=reason)
    new_end = end_moved(deployment.expires_at, clock.now(), request.hours)
    lease_change(actor=actor, deployment=deployment, expires_at=new_end, request=str(request.pk))
    extension_approved(request, deployment, actor=actor, reason=reason)
    return request


def lease_change(
    *, actor: Actor, deployment: Deployment, expires_at: datetime, **detail: Any
) -> None:
    """Gives a locked deployment another end: a new version, which no warning was sent for yet."""
    before = deployment.expires_at
    lease_update(deployment, expires_at=expires_at, expired_at=None, delete_after=None)
    trail.record(
        tag=Tag.EXTENDED,
        target=deployment,
        actor=actor,
        before={"expires_at": before.isoformat()},
        after={"expires_at": expires_at.isoformat(), "lease_version": deployment.lease_version},
        detail=detail or None,
    )


def lease_update(deployment: Deployment, **values: Any) -> None:
    """Writes values of a locked deployment's lease as its next version."""
    now = clock.now()
    values |= {
        "lease_version": deployment.lease_version + 1,
        "lease_set_at": now,
        "updated_at": now,
    }
    Deployment.objects.filter(pk=deployment.pk).update(**values)
    for name, value in values.items():
        setattr(deployment, name, value)


@transaction.atomic
def deployment_hold(
    *, actor: Actor, deployment_id: UUID | str, hold: bool, reason: str = ""
) -> Deployment:
    """Suspends both ends and protects the machine on its hypervisor, or lifts that.

    The ends that had not come stand still meanwhile: lifting the hold moves them by the time it lasted.

    Raises:
        NotFound, Refused, WrongState, DeploymentInvalid.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    hold_set(actor=actor, deployment=deployment, hold=hold, reason=reason)
    return deployment


def hold_set(*, actor: Actor, deployment: Deployment, hold: bool, reason: str = "") -> None:
    """The same for a deployment that is locked already."""
    try:
        authorize(actor, Permission.MANAGE)
    except Refused as error:
        message = _("Only who manages all deployments may put them on hold or lift a hold.")
        raise Refused(message, permission=str(Permission.MANAGE)) from error
    reason = reason.strip()
    if len(reason) > REASON_MOST:
        message = _("The reason has %(count)s characters; at most %(most)s are kept.")
        told = message % {"count": len(reason), "most": REASON_MOST}
        raise DeploymentInvalid(faults=(Fault("hold_reason", "max_length", told),))
    if deployment.status == DeploymentStatus.DELETING:
        raise WrongState(_("The deployment is being deleted."))
    if hold:
        _hold(actor, deployment, reason)
    elif deployment.hold:
        _release(actor, deployment)


def lease_demand(deployment: Deployment) -> None:
    """Passes while the lease runs or is suspended: nothing is started after its end. Raises WrongState."""
    if deployment.expires_at <= clock.now() and not deployment.hold:
        raise WrongState(_("The lease has ended. Extend it, then start the deployment."))


def demand_no_hold(deployment: Deployment) -> None:
    """Passes while nobody holds it. Raises OnHold, which says why it is held and who can lift that."""
    if not deployment.hold:
        return
    why = f" ({deployment.hold_reason})" if deployment.hold_reason else ""
    message = _("The deployment is on hold%(why)s. Who manages all deployments can lift the hold.")
    raise OnHold(message % {"why": why}, reason=deployment.hold_reason)


def _hold(actor: Actor, deployment: Deployment, reason: str) -> None:
    if deployment.hold and (not reason or reason == deployment.hold_reason):
        return
    was_held = deployment.hold
    values = {
        "hold": True,
        "hold_reason": reason,
        "held_at": deployment.held_at if was_held else clock.now(),
        "updated_at": clock.now(),
    }
    Deployment.objects.filter(pk=deployment.pk).update(**values)
    for name, value in values.items():
        setattr(deployment, name, value)
    detail = {"message": reason} if reason else None
    trail.record(tag=Tag.HELD, target=deployment, actor=actor, detail=detail)
    if not was_held:
        enqueue_for(deployment, OperationType.PROTECT, actor=actor)


def _release(actor: Actor, deployment: Deployment) -> None:
    now = clock.now()
    held = now - (deployment.held_at or now)
    values: dict[str, Any] = {"hold": False, "hold_reason": "", "held_at": None}
    if deployment.expired_at is None:
        values["expires_at"] = deployment.expires_at + held
    if deployment.delete_after is not None:
        values["delete_after"] = deployment.delete_after + held
    lease_update(deployment, **values)
    after = {name: getattr(deployment, name) for name in ("expires_at", "delete_after")}
    trail.record(
        tag=Tag.RELEASED,
        target=deployment,
        actor=actor,
        after={name: value.isoformat() for name, value in after.items() if value},
        detail={"held_hours": round(held / timedelta(hours=1), 1)},
    )
    enqueue_for(deployment, OperationType.PROTECT, actor=actor)


def _approval_needed(breach: RuleBreach) -> ExtensionNeedsApproval:
    if breach.rule == "step":
        message = _(
            "%(asked)s h at once are more than the %(limit)s h that one extension may add. "
            "Ask for fewer, or send a reason with the request: then somebody decides on it."
        )
    else:
        message = _(
            "The deployment would live %(asked)s h in all, and %(limit)s h is the limit. "
            "Ask for fewer, or send a reason with the request: then somebody decides on it."
        )
    return ExtensionNeedsApproval(
        message % {"asked": breach.asked_hours, "limit": breach.limit_hours},
        field="hours",
        rule=breach.rule,
        limit_hours=breach.limit_hours,
        asked_hours=breach.asked_hours,
        how=_("Send the same request with a `reason`."),
    )
