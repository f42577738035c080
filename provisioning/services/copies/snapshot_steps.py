"""Snapshots on the hypervisor: taken, gone back to, deleted, always behind the fence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.proxmox.interface import PowerState
from integrations.proxmox.interface.copies import SnapshotFact
from portal.kernel import clock
from portal.kernel.fsm import may, transition
from portal.kernel.queue import (
    Advance,
    Complete,
    Failure,
    StepContext,
    StepFailed,
    StepResult,
    StepRetry,
)
from portal.kernel.stored_text import stored_text
from provisioning.logic.copy_states import SNAPSHOT_TRANSITIONS, SnapshotStatus
from provisioning.models import Snapshot
from provisioning.selectors.deployments import machine_lock
from provisioning.services.copies.tasks import copy_task
from provisioning.services.copies.telling import copy_told
from provisioning.services.saga.guest import Guest, GuestForeign, deployment_load, guest_prove
from provisioning.services.saga.outcome import failure_note, settle
from provisioning.services.saga.tasks import guest_step, poll
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

_POWER = {
    PowerState.RUNNING: (DeploymentStatus.RUNNING, Tag.STARTED),
    PowerState.STOPPED: (DeploymentStatus.STOPPED, Tag.STOPPED),
}


@guest_step
def take(ctx: StepContext, guest: Guest) -> StepResult:
    """Takes the snapshot; one of that name that is there before we asked is somebody else's."""
    snapshot = _snapshot(ctx)
    config = guest_prove(guest) if "qmsnapshot" not in ctx.state else None
    if config is not None:
        found = _found(guest, snapshot)
        if found is not None and (ctx.state.get("qmsnapshot_asked") or _bears(found, snapshot)):
            return _taken(ctx, guest, found)
        if found is not None:
            raise StepFailed(
                stored_text("A snapshot of this name was made outside uHub. Choose another name."),
                code="snapshot_name_taken",
            )
    waiting = copy_task(
        ctx,
        guest,
        kind="qmsnapshot",
        submit=lambda: guest.hypervisor.snapshot_submit(
            node=guest.node,
            vmid=guest.vmid,
            name=snapshot.name,
            description=f"{snapshot.description} {_mark(snapshot)}".strip(),
            with_memory=snapshot.with_memory,
        ),
    )
    if waiting:
        return waiting
    found = _found(guest, snapshot)
    if found is None:
        raise StepRetry(stored_text("The snapshot is not there."), code="snapshot_vanished")
    return _taken(ctx, guest, found)


def _taken(ctx: StepContext, guest: Guest, found: SnapshotFact) -> StepResult:
    with transaction.atomic():
        snapshot = _locked(ctx)
        _move(
            snapshot,
            SnapshotStatus.READY,
            taken_at=found.taken_at or clock.now(),
            with_memory=found.with_memory,
        )
        copy_told(
            guest.deployment,
            tag=Tag.SNAPSHOT_CREATED,
            actor=ctx.actor,
            detail={"snapshot": snapshot.name},
        )
    return Advance(snapshot.name)


@guest_step
def roll_back(ctx: StepContext, guest: Guest) -> StepResult:
    """Goes back; the snapshot must be of this very machine. What ran runs again afterwards."""
    snapshot = _snapshot(ctx)
    if ctx.state.get("qmrollback_succeeded"):
        return Advance(snapshot.name)
    if "qmrollback" not in ctx.state:
        guest_prove(guest)
        if _found(guest, snapshot) is None:
            raise StepFailed(
                stored_text("The snapshot is not there any more."), code="snapshot_missing"
            )
        kept = guest.hypervisor.snapshot_config(guest.node, guest.vmid, snapshot.name)
        if kept.uuid != guest.deployment.guest_uuid:
            raise GuestForeign
    waiting = copy_task(
        ctx,
        guest,
        kind="qmrollback",
        submit=lambda: guest.hypervisor.rollback_submit(
            node=guest.node,
            vmid=guest.vmid,
            name=snapshot.name,
            is_started=ctx.payload.get("power") == DeploymentStatus.RUNNING,
        ),
    )
    return waiting or poll()


@guest_step
def rolled_back(ctx: StepContext, guest: Guest) -> StepResult:
    """Takes over what the machine does now; nothing else of it has changed."""
    config = guest_prove(guest)
    power = guest.hypervisor.guest_status(config.node, guest.vmid).power
    if power not in _POWER:
        return poll(stored_text("waiting for its power state"))
    status, tag = _POWER[power]
    with transaction.atomic():
        machine_lock(guest.deployment.pk)
        snapshot = _locked(ctx)
        _move(snapshot, SnapshotStatus.READY)
        copy_told(
            guest.deployment,
            tag=Tag.SNAPSHOT_ROLLED_BACK,
            actor=ctx.actor,
            detail={"snapshot": snapshot.name},
        )
        settle(ctx, guest.deployment, status, tag)
    return Advance()


@guest_step
def delete(ctx: StepContext, guest: Guest) -> StepResult:
    """Deletes the snapshot; that it is gone is read from the machine's list."""
    snapshot = _snapshot(ctx)
    if "qmdelsnapshot" not in ctx.state:
        guest_prove(guest)
        if _found(guest, snapshot) is None:
            return _deleted(ctx, guest)
    waiting = copy_task(
        ctx,
        guest,
        kind="qmdelsnapshot",
        submit=lambda: guest.hypervisor.snapshot_delete_submit(
            node=guest.node, vmid=guest.vmid, name=snapshot.name
        ),
    )
    return waiting or poll()


def _deleted(ctx: StepContext, guest: Guest) -> StepResult:
    with transaction.atomic():
        snapshot = _locked(ctx)
        _move(snapshot, SnapshotStatus.DELETED)
        copy_told(
            guest.deployment,
            tag=Tag.SNAPSHOT_DELETED,
            actor=ctx.actor,
            detail={"snapshot": snapshot.name},
        )
    return Complete()


def take_failed(ctx: StepContext, failure: Failure) -> None:
    """The snapshot is marked as failed; the machine goes on as it was."""
    _failed(ctx, failure, SnapshotStatus.ERROR)


def delete_failed(ctx: StepContext, failure: Failure) -> None:
    """The snapshot is still there, as far as anybody knows."""
    _failed(ctx, failure, SnapshotStatus.READY)


def roll_back_failed(ctx: StepContext, failure: Failure) -> None:
    """The snapshot is as it was; of the machine a person must know, once a rollback was asked for."""
    machine_lock(deployment_load(ctx).pk)
    _failed(ctx, failure, SnapshotStatus.READY)
    if ctx.state.get("qmrollback_tried"):
        failure_note(ctx, failure)


@transaction.atomic
def _failed(ctx: StepContext, failure: Failure, to: SnapshotStatus) -> None:
    snapshot = _locked(ctx)
    _move(snapshot, to, failure=failure.message[:500])
    copy_told(
        deployment_load(ctx),
        tag=Tag.SNAPSHOT_FAILED,
        actor=ctx.actor,
        outcome="failed",
        detail={"snapshot": snapshot.name, "code": failure.code, "message": failure.message},
    )


def _found(guest: Guest, snapshot: Snapshot) -> SnapshotFact | None:
    facts = guest.hypervisor.snapshots(guest.node, guest.vmid)
    return next((fact for fact in facts if fact.name == snapshot.name), None)


def _mark(snapshot: Snapshot) -> str:
    """What stands at the end of the description of a snapshot of ours."""
    return f"(uhub:{snapshot.pk})"


def _bears(found: SnapshotFact, snapshot: Snapshot) -> bool:
    """Whether an earlier try has taken it."""
    return _mark(snapshot) in found.description


def _snapshot(ctx: StepContext) -> Snapshot:
    with transaction.atomic():
        return Snapshot.objects.get(pk=UUID(str(ctx.payload["snapshot_id"])))


def _locked(ctx: StepContext) -> Snapshot:
    rows = Snapshot.objects.select_for_update(of=("self",))
    return rows.get(pk=UUID(str(ctx.payload["snapshot_id"])))


def _move(snapshot: Snapshot, to: SnapshotStatus, **changes: Any) -> None:
    """Once: a step may run twice."""
    if may(SNAPSHOT_TRANSITIONS, snapshot.status, to):
        transition(snapshot, table=SNAPSHOT_TRANSITIONS, to=to, **changes)
