"""Deletion that tells the truth: stop → destroy → prove the absence → release. Only then is it gone."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum, auto

from django.conf import settings
from django.db import transaction

from integrations.proxmox.errors import GuestAbsent, GuestLocked
from integrations.proxmox.interface import GuestConfig, PowerState, TaskRef
from portal.kernel import clock
from portal.kernel.queue import Advance, Complete, Poll, StepContext, StepResult
from portal.kernel.stored_text import stored_text
from provisioning.models import Deployment, SlotKind, Volume
from provisioning.services.endings import deployment_end
from provisioning.services.saga.create import CLOCK_SKEW
from provisioning.services.saga.guest import Guest, GuestForeign, guest_inspect
from provisioning.services.saga.protect import protection_write
from provisioning.services.saga.tasks import guest_step, poll, task_run
from provisioning.services.saga.volume_outcome import volumes_let_go
from provisioning.services.slots import slot_take
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag


def _present(guest: Guest) -> GuestConfig | Poll | None:
    """The machine if it is there; Poll while a clone may still appear; None when it is proven absent."""
    config = guest_inspect(guest)
    if config is not None and config.is_cloning:
        if clone_is_running(guest):
            return poll("clone")
        raise GuestLocked("clone")
    if config is None and _clone_may_appear(guest):
        return poll("waiting for a clone that was asked for")
    return config


def _clone_task(guest: Guest) -> TaskRef | None:
    deployment = guest.deployment
    if deployment.clone_requested_at is None:
        return None
    if deployment.restored_from_id is not None:
        return guest.hypervisor.copy_task_find(
            node=deployment.node,
            vmid=deployment.vmid,
            kind="qmrestore",
            since=deployment.clone_requested_at - CLOCK_SKEW,
        )
    source_node, source_vmid = deployment.clone_source
    return guest.hypervisor.clone_find(
        source_node=source_node,
        source_vmid=source_vmid,
        new_vmid=deployment.vmid,
        since=deployment.clone_requested_at - CLOCK_SKEW,
    )


def clone_is_running(guest: Guest) -> bool:
    """Whether the clone that was asked for last still makes the machine."""
    ref = _clone_task(guest)
    return ref is not None and guest.hypervisor.task_state(ref).outcome is None


def _clone_may_appear(guest: Guest) -> bool:
    """Whether a clone call of ours may still take effect: its task runs, or it was asked for lately."""
    deployment = guest.deployment
    if deployment.clone_requested_at is None or deployment.guest_uuid:
        return False
    ref = _clone_task(guest)
    if ref is not None:
        return guest.hypervisor.task_state(ref).outcome is None
    window = timedelta(seconds=float(settings.PROVISIONING["clone_window_s"]))
    return clock.now() - deployment.clone_requested_at < window


@guest_step
def halt(ctx: StepContext, guest: Guest) -> StepResult:
    """Cuts the power of the machine, if there is one."""
    config = _present(guest)
    if isinstance(config, Poll):
        return config
    if config is None:
        return Advance(stored_text("absent"))
    if "halt" not in ctx.state:
        power = guest.hypervisor.guest_status(config.node, guest.vmid).power
        if power is PowerState.STOPPED:
            return Advance()
    node = config.node
    waiting = task_run(
        ctx,
        guest,
        "halt",
        lambda: guest.hypervisor.stop_submit(node=node, vmid=guest.vmid, is_forced=True),
    )
    return waiting or poll()


@guest_step
def leave_disks(ctx: StepContext, guest: Guest) -> StepResult:
    """Takes the additional disks out of the stopped machine, so that nothing of them can go with it."""
    with transaction.atomic():
        rows = Volume.objects.filter(deployment_id=guest.deployment.pk)
        names = set(rows.exclude(stored_at=None).values_list("proxmox_volume_id", flat=True))
    if not names and "leave" not in ctx.state:
        return Advance()
    config = _present(guest)
    if isinstance(config, Poll):
        return config
    if config is None:
        return Advance(stored_text("absent"))
    drives = guest.hypervisor.drives(config.node, guest.vmid)
    keys = tuple(sorted({drive.key for drive in drives if drive.volume in names}))
    if "leave" not in ctx.state and not keys:
        return Advance()
    node, digest = config.node, config.digest
    if config.is_protected and guest.deployment.is_protected:
        protection_write(guest, config, is_protected=False)
        return poll()
    waiting = task_run(
        ctx,
        guest,
        "leave",
        lambda: guest.hypervisor.drive_detach_submit(
            node=node, vmid=guest.vmid, keys=keys, digest=digest
        ),
    )
    return waiting or poll()


@guest_step
def destroy(ctx: StepContext, guest: Guest) -> StepResult:
    """Destroys the machine, whose identity was proven a moment ago."""
    try:
        if "destroy" not in ctx.state:
            config = _present(guest)
            if isinstance(config, Poll):
                return config
            if config is None:
                return Advance(stored_text("absent"))
            if wait := slot_take(guest.deployment, SlotKind.DISK):
                return Poll(wait.after_s, str(wait))
            node = config.node
            if config.is_protected and guest.deployment.is_protected:
                protection_write(guest, config, is_protected=False)
        else:
            node = guest.node
        waiting = task_run(
            ctx,
            guest,
            "destroy",
            lambda: guest.hypervisor.delete_submit(node=node, vmid=guest.vmid),
        )
    except GuestAbsent:
        ctx.state.pop("destroy", None)
        return poll("confirming")
    except GuestForeign:
        if not _was_destroyed(ctx):
            raise
        return Advance(stored_text("absent; another machine has its VMID by now"))
    return waiting or poll("confirming")


def _was_destroyed(ctx: StepContext) -> bool:
    """Whether our machine was destroyed by a task of this operation: what has its VMID now is another."""
    return bool(ctx.state.get("destroy_succeeded"))


@guest_step
def release(ctx: StepContext, guest: Guest) -> StepResult:
    """Gives back quota, name and VMID, only on a proven absence."""
    absence = absence_prove(ctx, guest)
    if absence is None:
        return poll("still there")
    with transaction.atomic():
        row = Deployment.objects.select_for_update(of=("self",)).get(pk=guest.deployment.pk)
        if row.status == DeploymentStatus.DELETED:
            return Complete()
        is_with_volumes = ctx.payload.get("volumes") == "delete"
        volumes_let_go(row.pk, actor=ctx.actor, and_delete=is_with_volumes)
        warnings = ctx.state.get("warnings")
        deployment_end(
            row,
            actor=ctx.actor,
            tag=Tag.DELETED,
            is_taken=absence is Absence.TAKEN,
            after={"status": str(DeploymentStatus.DELETED)},
            detail={"warnings": warnings} if warnings else None,
        )
    return Advance()


class Absence(StrEnum):
    """How a machine is gone: its number is free, or another machine has it by now."""

    FREE = auto()
    TAKEN = auto()


def absence_prove(ctx: StepContext, guest: Guest) -> Absence | None:
    """The proof that our machine is gone; None while it is there.

    Raises:
        GuestForeign: another machine has the number, and this operation destroyed none there.
    """
    try:
        return Absence.FREE if guest_inspect(guest) is None else None
    except GuestForeign:
        if not _was_destroyed(ctx):
            raise
        return Absence.TAKEN
