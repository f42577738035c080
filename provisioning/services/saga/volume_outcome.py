"""What steps write about volumes on our own side: state, audit and events in one transaction."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.services import trail
from billing.services.quotas import quota_adjust, quota_release
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.fsm import may, transition
from portal.kernel.queue import Failure, StepContext
from portal.kernel.stored_text import stored_text
from provisioning.events import VolumeChanged
from provisioning.logic.volumes import VolumeTag
from provisioning.models import Volume
from provisioning.selectors.watch import FORGOTTEN_CODE
from provisioning.services.operations import OperationType, enqueue_for_volume
from provisioning.services.saga.disk import volume_load
from provisioning.services.saga.outcome import attention_of
from provisioning.states import VOLUME_TRANSITIONS, VolumeStatus

RESTART_CODE: Final = "restart_needed"
PLUG_WAITS: Final = {
    "code": RESTART_CODE,
    "message": stored_text("The machine sees the disk after its next restart."),
    "command": "",
}
UNPLUG_WAITS: Final = {
    "code": RESTART_CODE,
    "message": stored_text("The machine lets go of the disk at its next restart."),
    "command": "",
}
_S = VolumeStatus


def restart_waiters(deployment_id: UUID) -> QuerySet[Volume]:
    """The machine's volumes whose change waits for its restart, and nothing else."""
    return Volume.objects.filter(
        deployment_id=deployment_id,
        status=_S.ATTACHED,
        action="",
        attention__code=RESTART_CODE,
    )


def volume_row(volume_id: UUID) -> Volume:
    """The row, locked until the transaction ends."""
    return Volume.objects.select_for_update(of=("self",)).get(pk=volume_id)


@transaction.atomic
def volume_settle(
    volume: Volume,
    to: VolumeStatus,
    tag: VolumeTag,
    *,
    actor: Actor | None,
    attention: dict[str, str] | None = None,
    **changes: Any,
) -> None:
    """Moves the volume to what was proven. One that is being deleted keeps its state, not its place."""
    row = volume_row(volume.pk)
    if row.status == _S.DELETED:
        return
    values = {"action": "", "attention": attention, **changes}
    if row.status in {to, _S.DELETING}:
        is_news = row.status == to and bool(row.action or row.attention != attention)
        Volume.objects.filter(pk=row.pk).update(updated_at=clock.now(), **values)
    else:
        is_news = True
        transition(row, table=VOLUME_TRANSITIONS, to=to, **values)
    if is_news:
        trail.record(tag=tag, target=row, actor=actor, after={"status": str(to), **changes})
    told(row, tag)


def told(volume: Volume, tag: str) -> None:
    """Tells who looks at it, or at its machine."""
    events.publish(
        VolumeChanged(volume.pk, volume.tenant_id, volume.deployment_id, volume.status, str(tag))
    )


@transaction.atomic
def volume_grown(volume: Volume, size_gb: int, *, actor: Actor) -> None:
    """The proven size, with the quota it takes: more than asked for where somebody else grew it."""
    row = volume_row(volume.pk)
    if row.status == _S.DELETED:
        return
    before = row.size_gb
    Volume.objects.filter(pk=row.pk).update(
        size_gb=size_gb, wanted_gb=None, action="", attention=None, updated_at=clock.now()
    )
    row.size_gb, row.wanted_gb = size_gb, None
    trail.record(
        tag=VolumeTag.RESIZED,
        target=row,
        actor=actor,
        before={"size_gb": before},
        after={"size_gb": size_gb},
    )
    told(row, VolumeTag.RESIZED)


@transaction.atomic
def volume_released(volume: Volume, *, actor: Actor) -> None:
    """The end: its disk is proven gone, so quota and name are free."""
    row = volume_row(volume.pk)
    if row.status == _S.DELETED:
        return
    quota_release(tenant_id=row.tenant_id, subject_id=row.pk)
    transition(
        row,
        table=VOLUME_TRANSITIONS,
        to=_S.DELETED,
        deleted_at=clock.now(),
        slot="",
        action="",
        wanted_gb=None,
        attention=None,
    )
    trail.record(tag=VolumeTag.DELETED, target=row, actor=actor, after={"status": "deleted"})
    told(row, VolumeTag.DELETED)


def volume_failed(ctx: StepContext, failure: Failure) -> None:
    """An action ended badly: back to what is proven, or to failed when nobody knows."""
    with transaction.atomic():
        row = volume_row(volume_load(ctx).pk)
        if row.status == _S.DELETED:
            return
        attention = attention_of(failure)
        changes: dict[str, Any] = {"action": "", "attention": attention}
        to = _fallback(ctx, row)
        if to not in {_S.ATTACHED, _S.ERROR}:
            changes["slot"] = ""
        if row.wanted_gb and not ctx.state.get("asked"):
            changes["wanted_gb"] = None
            row.wanted_gb = None
            quota_adjust(
                actor=ctx.actor, tenant_id=row.tenant_id, subject_id=row.pk, amounts=row.amounts
            )
        if may(VOLUME_TRANSITIONS, row.status, to):
            transition(row, table=VOLUME_TRANSITIONS, to=to, **changes)
        else:
            Volume.objects.filter(pk=row.pk).update(updated_at=clock.now(), **changes)
        trail.record(
            tag=VolumeTag.FAILED, target=row, actor=ctx.actor, outcome="failed", detail=attention
        )
        told(row, VolumeTag.FAILED)


def _fallback(ctx: StepContext, row: Volume) -> VolumeStatus:
    """Where it stands after a failure: `asked` says that a change was sent whose effect nobody knows."""
    status = VolumeStatus(row.status)
    if row.action == "resize":
        return status
    if status == _S.DELETING:
        if ctx.state.get("freed"):
            return status
        if row.slot and not ctx.state.get("asked"):
            return _S.ATTACHED
        is_whole = row.stored_at is not None and not row.slot
        return _S.DETACHED if is_whole else _S.ERROR
    if ctx.state.get("asked") or status == _S.CREATING:
        return _S.ERROR
    return status


def volumes_lock(deployment_id: UUID) -> list[Volume]:
    """The volumes of a machine, locked: behind the machine's row and ahead of the quota they hold."""
    rows = Volume.objects.select_for_update(of=("self",)).filter(deployment_id=deployment_id)
    return list(rows.exclude(status=_S.DELETED).order_by("pk"))


def volumes_let_go(
    deployment_id: UUID, *, actor: Actor, and_delete: bool, is_proven: bool = False
) -> None:
    """The machine is gone: its disks belong to nobody now, or go after it.

    Runs in the transaction that ends the deployment. Those of a machine that was forgotten while nobody
    could reach it wait for the proof.
    """
    loose: dict[str, Any] = {"deployment": None, "slot": "", "action": ""}
    for row in volumes_lock(deployment_id):
        is_doubted = (row.attention or {}).get("code") == FORGOTTEN_CODE
        if is_doubted and not is_proven:
            continue
        if row.status != _S.ATTACHED and not is_doubted:
            Volume.objects.filter(pk=row.pk).update(updated_at=clock.now(), **loose)
        elif and_delete:
            transition(row, table=VOLUME_TRANSITIONS, to=_S.DELETING, attention=None, **loose)
            trail.record(tag=VolumeTag.DELETE_REQUESTED, target=row, actor=actor)
            enqueue_for_volume(row, OperationType.VOLUME_DELETE, actor=actor)
        else:
            transition(row, table=VOLUME_TRANSITIONS, to=_S.DETACHED, attention=None, **loose)
            trail.record(tag=VolumeTag.DETACHED, target=row, actor=actor)
        told(row, VolumeTag.DETACHED)
