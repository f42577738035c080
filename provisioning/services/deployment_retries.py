"""Trying work on a machine once more: it is shown as under way again with the checks of the first request.

What cannot be done again by its operation is refused with the way that leads there: an operation that only
finds that nothing is left to do would tell people that it did what they asked for.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.queue import Payload
from provisioning.errors import DeploymentBusy, WrongState
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.selectors.reconciliation import busy_ids
from provisioning.services.bootstraps import bootstrap_begin
from provisioning.services.creation import provision_begin
from provisioning.services.leases import demand_no_hold
from provisioning.services.leftover_secrets import secrets_are_left
from provisioning.services.lifecycle import resize_lock, restart_begin, start_begin, stop_begin
from provisioning.services.saga.outcome import RESTART_NEEDED
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag


def provision_again(actor: Actor, payload: Payload) -> None:
    """A machine whose making failed is being made again. Raises NotFound, Refused, DeploymentBusy, WrongState."""
    provision_begin(actor=actor, deployment_id=_live(payload))


def start_again(actor: Actor, payload: Payload) -> None:
    """It is starting again, unless its lease has ended. Raises as `deployment_start`."""
    start_begin(actor=actor, deployment_id=_live(payload))


def stop_again(actor: Actor, payload: Payload) -> None:
    """It is stopping again. Raises as `deployment_stop`."""
    stop_begin(actor=actor, deployment_id=_live(payload), mode=str(payload.get("mode", "shutdown")))


def restart_again(actor: Actor, payload: Payload) -> None:
    """It is restarting again. Raises as `deployment_restart`."""
    restart_begin(actor=actor, deployment_id=_live(payload), is_again=True)


def resize_again(actor: Actor, payload: Payload) -> Payload:
    """Its figures, which it holds since they were asked for, are set again. Raises as `deployment_resize`."""
    deployment = resize_lock(actor=actor, deployment_id=_live(payload))
    _quieten(deployment)
    trail.record(
        tag=Tag.RESIZE_REQUESTED,
        target=deployment,
        actor=actor,
        after=deployment.amounts.as_dict(),
    )
    return {**payload, "power": deployment.status}


def protect_again(actor: Actor, payload: Payload) -> None:
    """The hypervisor is told of the hold, as it is now. Raises NotFound, Refused, DeploymentBusy."""
    deployment = deployment_lock(
        actor=actor, deployment_id=_live(payload), permission=Permission.MANAGE
    )
    if deployment.status == DeploymentStatus.DELETING:
        raise DeploymentBusy(_("The deployment is being deleted already."))
    _quieten(deployment)


def destroy_again(actor: Actor, payload: Payload) -> None:
    """The deletion goes on, unless somebody holds the machine by now.

    Raises:
        NotFound, Refused, DeploymentBusy, OnHold.
    """
    if payload.get("volumes") == "delete":
        authorize(actor, Permission.VOLUMES_MANAGE)
    deployment = deployment_lock(
        actor=actor, deployment_id=_live(payload), permission=Permission.DELETE
    )
    demand_no_hold(deployment)
    if busy_ids([deployment.pk]):
        raise DeploymentBusy
    _quieten(deployment)
    trail.record(
        tag=Tag.DELETE_REQUESTED,
        target=deployment,
        actor=actor,
        detail={"volumes": payload.get("volumes", "keep")},
    )


def adopt_again(_actor: Actor, _payload: Payload) -> None:
    """What it had reserved was given back at once. Raises WrongState."""
    raise WrongState(
        _("The machine was let go when this failed. Adopt it anew from what the clusters show.")
    )


def heal_again(_actor: Actor, _payload: Payload) -> None:
    """Only what the machine shows begins a healing. Raises WrongState."""
    raise WrongState(
        _("Healing decides by itself when it tries again. Start or restart the deployment instead.")
    )


def bootstrap_again(actor: Actor, payload: Payload) -> Payload:
    """The installation gets its next run; the failed one would only tell its end again.

    Raises:
        NotFound, Refused, WrongState, Conflict.
    """
    _deployment, run = bootstrap_begin(
        actor=actor, deployment_id=_live(payload), run=int(payload["run"])
    )
    return {**payload, "run": run}


def secrets_forget_again(_actor: Actor, payload: Payload) -> None:
    """Passwords of a machine that is gone. Raises WrongState when none are left."""
    if not secrets_are_left(str(payload["deployment_id"])):
        raise WrongState(_("No passwords of this machine are left."))


def _live(payload: Payload) -> str:
    """The machine's key. Raises WrongState for one that has ended, NotFound for none."""
    key = str(payload["deployment_id"])
    status = Deployment.objects.filter(pk=key).values_list("status", flat=True).first()
    if status is None:
        raise NotFound(_("There is no such deployment."))
    if status == DeploymentStatus.DELETED:
        raise WrongState(_("The deployment is gone: there is nothing to try again."), status=status)
    return key


def _quieten(deployment: Deployment) -> None:
    """Takes back what the failure wrote on the machine's page; a restart it waits for stays there."""
    if deployment.attention and deployment.attention != RESTART_NEEDED:
        Deployment.objects.filter(pk=deployment.pk).update(attention=None, updated_at=clock.now())
