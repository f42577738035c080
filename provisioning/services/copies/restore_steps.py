"""Restoring: over the stopped machine itself, or as a new one through the steps every new machine takes.

Before anything is written, the archive is proven to be this backup and to hold this machine. A restore over
a machine destroys its disks before it writes the new ones, so a failure ends with attention, and with the
archive as it was: restoring again is the way out.
"""

from __future__ import annotations

from django.db import transaction

from audit.services import trail
from integrations.proxmox.errors import GuestLocked, VmidTaken
from integrations.proxmox.interface import PowerState, TaskRef
from integrations.proxmox.interface.copies import Restored
from portal.kernel import clock, events
from portal.kernel.fsm import may, transition
from portal.kernel.queue import (
    Advance,
    Complete,
    Failure,
    Poll,
    StepContext,
    StepFailed,
    StepResult,
    StepRetry,
)
from portal.kernel.stored_text import stored_text
from portal.services.live_events import live_publish
from provisioning.events import DeploymentChanged
from provisioning.logic.copy_states import SnapshotStatus
from provisioning.logic.reconciliation import facts_of, guest_tags
from provisioning.models import Backup, Deployment, SlotKind, Snapshot
from provisioning.selectors.deployments import machine_lock
from provisioning.services.copies.archives import (
    archive_prove,
    archive_prove_content,
    backup_load,
)
from provisioning.services.copies.tasks import copy_task
from provisioning.services.saga import create
from provisioning.services.saga.guest import (
    Guest,
    deployment_load,
    guest_adopt,
    guest_inspect,
    guest_prove,
)
from provisioning.services.saga.outcome import (
    action_failed,
    attention_of,
    failure_note,
    provision_failed,
)
from provisioning.services.saga.tasks import guest_step, poll
from provisioning.services.slots import slot_free, slot_take
from provisioning.states import DEPLOYMENT_TRANSITIONS, DeploymentStatus
from provisioning.tags import Tag

IN_PLACE = "in_place"
NEW = "new"


@guest_step
def restore(ctx: StepContext, guest: Guest) -> StepResult:
    """Makes the machine out of the archive."""
    if guest.deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        return Complete({"canceled": True})
    backup = backup_load(ctx)
    is_under_way = "qmrestore" in ctx.state or ctx.state.get("qmrestore_succeeded")
    wait = None
    if not is_under_way:
        wait = slot_take(guest.deployment, SlotKind.COPY, storage=backup.storage)
    if wait is not None:
        return Poll(wait.after_s, str(wait))
    if is_in_place(ctx):
        return _over(ctx, guest, backup)
    return _anew(ctx, guest, backup)


def is_in_place(ctx: StepContext) -> bool:
    return ctx.payload.get("mode") == IN_PLACE


def _over(ctx: StepContext, guest: Guest, backup: Backup) -> StepResult:
    if "qmrestore" not in ctx.state and not ctx.state.get("qmrestore_succeeded"):
        config = guest_prove(guest)
        if config.lock is not None:
            raise GuestLocked(config.lock)
        power = guest.hypervisor.guest_status(config.node, guest.vmid).power
        if power is not PowerState.STOPPED:
            raise StepFailed(
                stored_text("The machine runs. Stop it, then restore it again."), code="running"
            )
        _demand_archive(ctx, guest, backup, config.node)
    waiting = copy_task(
        ctx,
        guest,
        kind="qmrestore",
        submit=lambda: _submit(guest, backup, is_forced=True),
    )
    if waiting:
        return waiting
    if not ctx.state.get("qmrestore_succeeded"):
        return poll()
    config = guest_prove(guest)
    slot_free(guest.deployment.pk)
    return Advance(f"VMID {guest.vmid}, {config.node}")


def _anew(ctx: StepContext, guest: Guest, backup: Backup) -> StepResult:
    """The VMID must be free, or hold the machine that this very restore has made."""
    if "qmrestore" not in ctx.state:
        is_asked = "qmrestore_asked" in ctx.state
        config = guest_inspect(guest) if is_asked else None
        if config is not None and not config.is_cloning:
            return _made(guest)
        if config is None:
            _demand_number(guest, is_asked=is_asked)
            _demand_archive(ctx, guest, backup, guest.node)
            _note_request(guest.deployment)
    try:
        waiting = copy_task(
            ctx,
            guest,
            kind="qmrestore",
            submit=lambda: _submit(guest, backup, is_forced=False),
        )
    except VmidTaken:
        # Ours, when the answer to an earlier request got lost; a stranger's is refused by the fence.
        guest_prove(guest)
        return poll()
    return waiting or _made(guest)


def _demand_number(guest: Guest, *, is_asked: bool) -> None:
    if is_asked or guest.hypervisor.is_vmid_free(guest.vmid):
        return
    raise StepFailed(
        stored_text(
            "Number %(vmid)s was taken by another machine. Restore once more.", vmid=guest.vmid
        ),
        code="vmid_taken",
    )


def _made(guest: Guest) -> StepResult:
    config = guest_inspect(guest)
    if config is None:
        raise StepRetry(stored_text("The restore left no machine behind."), code="restore_vanished")
    if config.is_cloning:
        raise GuestLocked("create")
    guest_adopt(guest.deployment, config)
    slot_free(guest.deployment.pk)
    return Advance(f"VMID {guest.vmid}, {config.node}")


def _submit(guest: Guest, backup: Backup, *, is_forced: bool) -> TaskRef:
    deployment = guest.deployment
    values = Restored(
        name=None if is_forced else deployment.name,
        description=None if is_forced else deployment.marker,
        cores=deployment.cpu_cores,
        memory_mb=deployment.memory_mb,
        tags=guest_tags(deployment.pk, deployment.tags),
    )
    return guest.hypervisor.restore_submit(
        node=guest.node,
        vmid=guest.vmid,
        archive=backup.volume_id,
        values=values,
        storage=deployment.storage_pool,
        pool=deployment.cluster.pool or None,
        is_unique=not is_forced,
        is_forced=is_forced,
    )


def _demand_archive(ctx: StepContext, guest: Guest, backup: Backup, node: str) -> None:
    """The archive is there, is this backup, and holds this machine; else nothing is sent."""
    found = archive_prove(ctx, backup, guest.hypervisor, node=node)
    if found is None:
        raise StepFailed(
            stored_text(
                "The archive is not on storage %(storage)s any more.", storage=backup.storage
            ),
            code="archive_missing",
        )
    archive_prove_content(ctx, backup, guest.hypervisor, node=node)


def _note_request(deployment: Deployment) -> None:
    """Tells a deletion that the machine may appear."""
    now = clock.now()
    with transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(clone_requested_at=now, updated_at=now)
    deployment.clone_requested_at = now


def configure(ctx: StepContext) -> StepResult:
    """A new machine is told who it is; one that was written over knows."""
    return Advance() if is_in_place(ctx) else create.configure(ctx)


def start(ctx: StepContext) -> StepResult:
    """A new machine starts; one that was written over stays stopped, for its owner to look at first."""
    return Advance() if is_in_place(ctx) else create.start(ctx)


def ready(ctx: StepContext) -> StepResult:
    """Announces the machine."""
    return _written_over(ctx) if is_in_place(ctx) else create.ready(ctx)


@guest_step
def _written_over(ctx: StepContext, guest: Guest) -> StepResult:
    """The machine is what the backup was; its snapshots went with its former disks."""
    config = guest_prove(guest)
    backup = backup_load(ctx)
    with transaction.atomic():
        row = Deployment.objects.select_for_update(of=("self",)).get(pk=guest.deployment.pk)
        if may(DEPLOYMENT_TRANSITIONS, row.status, DeploymentStatus.STOPPED):
            transition(
                row, table=DEPLOYMENT_TRANSITIONS, to=DeploymentStatus.STOPPED, attention=None
            )
        facts = facts_of(config, guest.deployment.template.system_disk)
        Deployment.objects.filter(pk=row.pk).update(attention=None, guest_facts=facts)
        live = Snapshot.objects.filter(deployment=row).exclude(status=SnapshotStatus.DELETED)
        live.update(status=SnapshotStatus.DELETED, updated_at=clock.now())
        trail.record(
            tag=Tag.RESTORED,
            target=row,
            actor=ctx.actor,
            detail={"backup": str(backup.pk), "archive": backup.volume_id},
        )
        live_publish(f"deployment:{row.pk}", tenant_id=row.tenant_id)
        events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status, str(Tag.RESTORED)))
    return Complete()


def restore_failed(ctx: StepContext, failure: Failure) -> None:
    """A machine that was not touched is as it was; one that was is failed, and says what to do."""
    deployment = deployment_load(ctx)
    machine_lock(deployment.pk)
    slot_free(deployment.pk)
    if not is_in_place(ctx):
        provision_failed(ctx, failure)
        return
    with transaction.atomic():
        trail.record(
            tag=Tag.RESTORE_FAILED,
            target=deployment,
            actor=ctx.actor,
            outcome="failed",
            detail=attention_of(failure) | {"backup": str(ctx.payload["backup_id"])},
        )
    if ctx.state.get("qmrestore_tried"):
        action_failed(ctx, failure)
    else:
        failure_note(ctx, failure)
