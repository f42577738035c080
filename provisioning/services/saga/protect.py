"""The hold on the hypervisor: while a deployment is held, the hypervisor itself refuses to destroy it."""

from __future__ import annotations

from django.db import transaction

from audit.services import trail
from integrations.proxmox.interface import GuestConfig
from portal.kernel import clock
from portal.kernel.queue import Complete, Failure, StepContext, StepResult
from portal.states import OperationStatus
from provisioning.models import Deployment
from provisioning.services.saga.guest import Guest, guest_inspect
from provisioning.services.saga.outcome import failure_note
from provisioning.services.saga.tasks import guest_step, poll
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag


@guest_step
def protect(ctx: StepContext, guest: Guest) -> StepResult:
    """Makes the machine's protection what the hold is now, however often it changed meanwhile.

    A deployment without a machine has nothing to protect. A protection that somebody else set is left alone.
    """
    deployment = guest.deployment
    if deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        return Complete({"canceled": True})
    config = guest_inspect(guest)
    if config is None:
        return Complete({"is_absent": True})
    is_foreign = config.is_protected and not deployment.is_protected
    if config.is_protected == deployment.hold or is_foreign:
        return Complete({"is_protected": config.is_protected})
    protection_write(guest, config, is_protected=deployment.hold)
    with transaction.atomic():
        trail.record(
            tag=Tag.PROTECTION,
            target=deployment,
            actor=ctx.actor,
            before={"is_protected": config.is_protected},
            after={"is_protected": deployment.hold},
        )
    return poll("checking")


def protection_write(guest: Guest, config: GuestConfig, *, is_protected: bool) -> None:
    """Changes the configuration that was just proven ours; that it may be protected is stored before."""
    if is_protected:
        _remember(guest.deployment, is_protected=True)
    guest.hypervisor.protection_set(
        node=config.node, vmid=guest.vmid, is_protected=is_protected, digest=config.digest
    )
    if not is_protected:
        _remember(guest.deployment, is_protected=False)


def protect_failed(ctx: StepContext, failure: Failure) -> None:
    """The machine stays as it is; its page says that the hypervisor does not know of the hold."""
    if failure.status == OperationStatus.CANCELED:
        return
    failure_note(ctx, failure)


def _remember(deployment: Deployment, *, is_protected: bool) -> None:
    with transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(
            is_protected=is_protected, updated_at=clock.now()
        )
    deployment.is_protected = is_protected
