"""Provisioning: clone → configure → resize → start → ready. Exactly one right machine, or none.

The VMID and the intent to clone are stored before the clone is asked for. At most one clone to a VMID
can succeed, and only our clone carries our marker, so an unclear answer is settled by looking.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from audit.services import trail
from integrations.base.errors import AccessRefused
from integrations.proxmox.errors import GuestLocked, VmidTaken
from integrations.proxmox.interface import CloudInit, PowerState, TaskRef
from portal.kernel import clock, events
from portal.kernel.queue import (
    Advance,
    Complete,
    Poll,
    StepContext,
    StepFailed,
    StepResult,
    StepRetry,
)
from portal.kernel.stored_text import stored_text
from provisioning.events import AddressesFound
from provisioning.logic.reconciliation import disk_size_gb, guest_tags
from provisioning.models import Deployment, SlotKind, Template
from provisioning.selectors.bootstraps import snippet_of
from provisioning.selectors.deployments import machine_lock
from provisioning.services.bootstraps import bootstrap_start
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.saga.guest import (
    Guest,
    GuestForeign,
    guest_adopt,
    guest_inspect,
    guest_prove,
)
from provisioning.services.saga.outcome import settle
from provisioning.services.saga.tasks import guest_step, poll, task_run
from provisioning.services.slots import slot_free, slot_take
from provisioning.services.vmids import vmid_allocate, vmid_block
from provisioning.states import DeploymentStatus, DesiredPower
from provisioning.tags import Tag

CLOCK_SKEW = timedelta(minutes=5)


@guest_step
def clone(ctx: StepContext, guest: Guest) -> StepResult:
    """Makes the machine from its template under our VMID."""
    if guest.deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        return Complete({"canceled": True})
    try:
        if "clone" not in ctx.state:
            if wait := slot_take(guest.deployment, SlotKind.CLONE):
                return Poll(wait.after_s, str(wait))
            _resume(ctx, guest)
        waiting = task_run(ctx, guest, "clone", lambda: _submit(ctx, guest))
        if waiting:
            return waiting
        config = guest_inspect(guest)
    except VmidTaken:
        return _taken(ctx, guest)
    except GuestForeign:
        return _elsewhere(ctx, guest)
    if config is None:
        raise StepRetry(stored_text("The clone left no machine behind."), code="clone_vanished")
    if config.is_cloning:
        raise GuestLocked("clone")
    guest_adopt(guest.deployment, config)
    slot_free(guest.deployment.pk)
    return Advance(f"VMID {guest.vmid}, {config.node}")


def _taken(ctx: StepContext, guest: Guest) -> Poll:
    """The VMID is in use: by our own clone, whose answer got lost, or by a stranger."""
    try:
        if guest_inspect(guest) is not None:
            return poll("clone found")
    except (GuestForeign, AccessRefused):
        pass
    return _elsewhere(ctx, guest)


def _resume(ctx: StepContext, guest: Guest) -> None:
    """An earlier run may have asked for the clone: find its task again before asking once more.

    A task that failed is past: the machine is looked for, and cloned anew if it is not there.
    """
    deployment = guest.deployment
    if deployment.clone_requested_at is None:
        return
    source_node, source_vmid = deployment.clone_source
    ref = guest.hypervisor.clone_find(
        source_node=source_node,
        source_vmid=source_vmid,
        new_vmid=deployment.vmid,
        since=deployment.clone_requested_at - CLOCK_SKEW,
    )
    if ref is None or ctx.state.get("clone_done") == ref.upid:
        return
    ctx.state["clone_done"] = ref.upid
    if guest.hypervisor.task_state(ref).failure is None:
        ctx.state["clone"] = {"upid": ref.upid, "node": ref.node}
    ctx.save()


def _submit(ctx: StepContext, guest: Guest) -> TaskRef | None:
    """Asks for the clone unless the machine is there already."""
    deployment, template = guest.deployment, guest.deployment.template
    if deployment.clone_requested_at and guest_inspect(guest) is not None:
        return None
    if not guest.hypervisor.is_vmid_free(guest.vmid):
        raise VmidTaken(f"VMID {guest.vmid} is in use")
    ctx.save()
    source_node, source_vmid = deployment.clone_source
    return guest.hypervisor.clone_submit(
        source_node=source_node,
        source_vmid=source_vmid,
        target_node=deployment.node,
        new_vmid=deployment.vmid,
        name=deployment.name,
        marker=deployment.marker,
        pool=deployment.cluster.pool or None,
        storage=deployment.storage_pool if template.is_full_clone else None,
        is_full=template.is_full_clone,
    )


def _elsewhere(ctx: StepContext, guest: Guest) -> Poll:
    """A stranger has our VMID: leave it alone for ever and take the next one."""
    deployment = guest.deployment
    moves = int(ctx.state.get("moves", 0)) + 1
    if moves > 20:
        raise StepFailed(
            stored_text("Twenty VMIDs in a row were taken by other machines."), code="vmids_taken"
        )
    ctx.state.update(moves=moves)
    ctx.state.pop("clone", None)
    ctx.save()
    with transaction.atomic():
        machine_lock(deployment.pk)
        vmid = vmid_allocate(cluster_id=deployment.cluster_id, deployment_id=deployment.pk)
        vmid_block(cluster_id=deployment.cluster_id, vmid=deployment.vmid)
        Deployment.objects.filter(pk=deployment.pk).update(
            vmid=vmid, clone_requested_at=None, updated_at=clock.now()
        )
        trail.record(
            tag=Tag.VMID_TAKEN,
            target=deployment,
            actor=ctx.actor,
            before={"vmid": deployment.vmid},
            after={"vmid": vmid},
        )
    return Poll(0.0, stored_text("VMID %(vmid)s was taken", vmid=deployment.vmid))


@guest_step
def configure(ctx: StepContext, guest: Guest) -> StepResult:
    """Gives it processor, memory, tags and what cloud-init tells the guest."""
    config = guest_prove(guest)
    if "configure" not in ctx.state and ctx.state.get("configured"):
        return Advance()

    def submit() -> TaskRef | None:
        return guest.hypervisor.configure_submit(
            node=config.node,
            vmid=guest.vmid,
            cores=guest.deployment.cpu_cores,
            memory_mb=guest.deployment.memory_mb,
            tags=guest_tags(guest.deployment.pk, guest.deployment.tags),
            cloud_init=_cloud_init(guest.deployment.template, guest.deployment),
            digest=config.digest,
        )

    waiting = task_run(ctx, guest, "configure", submit)
    if waiting:
        return waiting
    ctx.state["configured"] = True
    return Advance(
        stored_text(
            "%(cores)s vCPU, %(memory)s MiB",
            cores=guest.deployment.cpu_cores,
            memory=guest.deployment.memory_mb,
        )
    )


def _cloud_init(template: Template, deployment: Deployment) -> CloudInit | None:
    if not template.has_cloud_init:
        return None
    domain = deployment.hostname.partition(".")[2]
    snippet = snippet_of(template, cluster_id=deployment.cluster_id, vmid=deployment.source_vmid)
    return CloudInit(
        user="uhub",
        address="dhcp",
        search_domain=domain or None,
        vendor_snippet=snippet or None,
    )


@guest_step
def grow(ctx: StepContext, guest: Guest) -> StepResult:
    """Grows the system disk to the wanted size; the size is absolute, so twice is once."""
    config = guest_prove(guest)
    template = guest.deployment.template
    disk = disk_size_gb(config, template.system_disk)
    if disk is None:
        raise StepFailed(
            stored_text("The template has no disk %(disk)s.", disk=template.system_disk),
            code="template_disk_missing",
        )
    if "resize" not in ctx.state:
        if disk >= guest.deployment.disk_gb:
            slot_free(guest.deployment.pk)
            return Advance(stored_text("%(size)s GiB", size=disk))
        if wait := slot_take(guest.deployment, SlotKind.DISK):
            return Poll(wait.after_s, str(wait))
    waiting = task_run(
        ctx,
        guest,
        "resize",
        lambda: guest.hypervisor.resize_submit(
            node=config.node,
            vmid=guest.vmid,
            disk=template.system_disk,
            size_gb=guest.deployment.disk_gb,
            digest=config.digest,
        ),
    )
    return waiting or poll()


@guest_step
def start(ctx: StepContext, guest: Guest) -> StepResult:
    """Starts it and believes only the status: a start task can fail while the machine runs."""
    config = guest_prove(guest)
    if "start" not in ctx.state:
        status = guest.hypervisor.guest_status(config.node, guest.vmid)
        ctx.state["power"] = str(status.power)
        if status.power is PowerState.RUNNING:
            return Advance()
    waiting = task_run(
        ctx,
        guest,
        "start",
        lambda: guest.hypervisor.start_submit(node=config.node, vmid=guest.vmid),
    )
    return waiting or poll()


@guest_step
def ready(ctx: StepContext, guest: Guest) -> StepResult:
    """Announces the machine. Its addresses come later: the guest agent never delays this."""
    guest_prove(guest)
    with transaction.atomic():
        settle(
            ctx,
            guest.deployment,
            DeploymentStatus.RUNNING,
            Tag.CREATED,
            ready_at=clock.now(),
            health="ok",
            desired_power=DesiredPower.RUNNING,
        )
        enqueue_for(guest.deployment, OperationType.REFRESH, actor=ctx.actor)
        bootstrap_start(guest.deployment, actor=ctx.actor)
    return Advance()


@guest_step
def refresh(ctx: StepContext, guest: Guest) -> StepResult:
    """Asks the guest agent for addresses, patiently, and gives up without harm."""
    deployment = guest.deployment
    if deployment.status != DeploymentStatus.RUNNING:
        return Complete()
    config = guest_inspect(guest)
    if config is None:
        return Complete()
    addresses = guest.hypervisor.guest_addresses(config.node, guest.vmid)
    tries = int(ctx.state.get("tries", 0)) + 1
    ctx.state["tries"] = tries
    if addresses:
        with transaction.atomic():
            Deployment.objects.filter(pk=deployment.pk).update(
                ip_addresses=list(addresses), updated_at=clock.now()
            )
            found = AddressesFound(deployment.pk, deployment.tenant_id, tuple(addresses))
            events.publish(found)
        return Complete({"addresses": list(addresses)})
    if tries >= int(settings.PROVISIONING["address_polls"]):
        return Complete({"addresses": []})
    return Poll(3 * float(settings.PROVISIONING["poll_s"]))
