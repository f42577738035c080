"""Start, stop, restart and resize of a machine that exists."""

from __future__ import annotations

from django.db import transaction

from audit.services import trail
from integrations.proxmox.errors import GuestNotRunning
from integrations.proxmox.interface import GuestConfig, PowerState, TaskRef
from portal.kernel.queue import Advance, StepContext, StepResult
from provisioning.models import Deployment
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.saga.guest import Guest, guest_prove
from provisioning.services.saga.outcome import RESTART_NEEDED, settle
from provisioning.services.saga.tasks import guest_step, poll, task_run
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag


def _power(ctx: StepContext, guest: Guest, config: GuestConfig) -> PowerState:
    """Asks for the power state and remembers it for the case that the action fails."""
    power = guest.hypervisor.guest_status(config.node, guest.vmid).power
    ctx.state["power"] = str(power)
    return power


@guest_step
def power_on(ctx: StepContext, guest: Guest) -> StepResult:
    """Starts the machine; one that runs already is a success."""
    config = guest_prove(guest)
    if "task" not in ctx.state and _power(ctx, guest, config) is PowerState.RUNNING:
        with transaction.atomic():
            settle(ctx, guest.deployment, DeploymentStatus.RUNNING, Tag.STARTED)
            enqueue_for(guest.deployment, OperationType.REFRESH, actor=ctx.actor)
        return Advance()
    waiting = task_run(
        ctx,
        guest,
        "task",
        lambda: guest.hypervisor.start_submit(node=config.node, vmid=guest.vmid),
    )
    return waiting or poll()


@guest_step
def power_off(ctx: StepContext, guest: Guest) -> StepResult:
    """Shuts the machine down, or cuts its power when forced; a stopped one is a success."""
    config = guest_prove(guest)
    if "task" not in ctx.state and _power(ctx, guest, config) is PowerState.STOPPED:
        settle(ctx, guest.deployment, DeploymentStatus.STOPPED, Tag.STOPPED)
        return Advance()
    waiting = task_run(ctx, guest, "task", lambda: _stop_submit(ctx, guest, config))
    return waiting or poll()


def _stop_submit(ctx: StepContext, guest: Guest, config: GuestConfig) -> TaskRef:
    if ctx.payload.get("mode") == "force":
        return guest.hypervisor.stop_submit(node=config.node, vmid=guest.vmid, is_forced=True)
    return guest.hypervisor.shutdown_submit(
        node=config.node, vmid=guest.vmid, timeout_s=60, is_forced=True
    )


@guest_step
def reboot(ctx: StepContext, guest: Guest) -> StepResult:
    """Restarts the machine: the hypervisor's task is the shutdown, the start follows by itself."""
    config = guest_prove(guest)
    if ctx.state.get("rebooted"):
        if _power(ctx, guest, config) is PowerState.RUNNING:
            with transaction.atomic():
                settle(ctx, guest.deployment, DeploymentStatus.RUNNING, Tag.RESTARTED)
                enqueue_for(guest.deployment, OperationType.REFRESH, actor=ctx.actor)
            return Advance()
        return poll("starting")
    try:
        waiting = task_run(
            ctx,
            guest,
            "task",
            lambda: guest.hypervisor.reboot_submit(node=config.node, vmid=guest.vmid),
        )
    except GuestNotRunning:
        waiting = task_run(
            ctx,
            guest,
            "task",
            lambda: guest.hypervisor.start_submit(node=config.node, vmid=guest.vmid),
        )
    if waiting:
        return waiting
    ctx.state["rebooted"] = True
    return poll("starting")


@guest_step
def resized(ctx: StepContext, guest: Guest) -> StepResult:
    """Writes down that a resize is done; processor and memory of a running guest wait for its restart."""
    config = guest_prove(guest)
    is_running = _power(ctx, guest, config) is PowerState.RUNNING
    with transaction.atomic():
        if is_running and ctx.payload.get("needs_restart"):
            Deployment.objects.filter(pk=guest.deployment.pk).update(attention=RESTART_NEEDED)
        trail.record(
            tag=Tag.RESIZED,
            target=guest.deployment,
            actor=ctx.actor,
            after=guest.deployment.amounts.as_dict(),
        )
    return Advance()
