"""Disks that a deletion left on a storage: found by the numbers of machines that are proven gone.

A destroyed machine's disk can stay behind when its storage did not answer. Nothing frees it by itself: a
person types the number, then an operation proves again that no machine has it, and frees what was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from integrations.proxmox.errors import GuestAbsent
from integrations.proxmox.interface import Hypervisor, StoredVolume
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault, InvalidInput
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
from portal.kernel.tenancy import PLATFORM
from portal.models import Operation
from portal.services.operations import operation_enqueue
from provisioning.models import Deployment, Finding, GuestObservation, Storage
from provisioning.selectors.maintenance import cluster_maintenance_of
from provisioning.selectors.reconciliation import live_deployments, retired_machines
from provisioning.services.clusters import cluster_connection
from provisioning.services.decisions import held
from provisioning.services.findings import Sighting, finding_end
from provisioning.services.operations import OperationType
from provisioning.services.saga.tasks import cluster_attempt, poll, task_run
from provisioning.states import DeploymentStatus, FindingKind, FindingStatus, Resolution
from provisioning.tags import Tag

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep

_GIB: Final = 2**30
_SETTLE: Final = timedelta(minutes=1)
_AT_ONCE: Final = 5
_CONFIGS_PER_STEP: Final = 25
_PROOF_HOLDS: Final = timedelta(minutes=10)


def look(sweep: Sweep) -> None:
    """Asks the storages of a few retired machines for what bears their numbers, each now and then."""
    storages = {
        row.name: row
        for row in Storage.objects.using(PLATFORM).filter(cluster=sweep.cluster, is_active=True)
    }
    asked = 0
    for row in retired_machines(sweep.cluster, before=sweep.now - _SETTLE):
        node = _node_for(row, storages.get(row.storage_pool))
        if row.vmid in sweep.view.guests or row.vmid in sweep.live:
            sweep.ledger.clear(row.vmid, FindingKind.ORPHAN_DISK)
            continue
        if not node or asked >= _AT_ONCE or not _is_due(sweep, row):
            continue
        asked += 1
        stored = sweep.ask.stored(node, row.storage_pool, row.vmid)
        if stored is None:
            continue
        if not stored:
            sweep.ledger.clear(row.vmid, FindingKind.ORPHAN_DISK)
            continue
        found = _portrait(row, stored)
        sweep.ledger.see(Sighting(FindingKind.ORPHAN_DISK, row.vmid, node=node, found=found))


def finding_delete_disks(
    *, actor: Actor, finding_id: UUID | str, typed: str
) -> tuple[Finding, Operation]:
    """Asks for disks of nobody to be freed, by whoever types their number.

    Raises:
        NotFound, Refused, Conflict.
        InvalidInput: the number is not the one typed.
    """
    with held(actor=actor, finding_id=finding_id, action="delete") as finding:
        if typed.strip() != str(finding.vmid):
            message = _("Type %(vmid)s to say that you mean it.") % {"vmid": finding.vmid}
            raise InvalidInput(faults=(Fault("typed", "invalid", message),))
        operation = operation_enqueue(
            actor=actor,
            type=OperationType.DISKS_FREE,
            tenant_id=finding.tenant_id,
            target_type="finding",
            target_id=finding.pk,
            payload={"finding_id": str(finding.pk), "volumes": finding.found["volumes"]},
            concurrency_key=f"disks:{finding.pk}",
        )
    return finding, operation


@dataclass(frozen=True, slots=True)
class Remains:
    """What a machine that is gone left on a storage, for the length of one step."""

    finding: Finding
    hypervisor: Hypervisor


def _remains_step(
    step: Callable[[StepContext, Remains], StepResult],
) -> Callable[[StepContext], StepResult]:
    """Opens the finding, unless it has ended; waits while its cluster is out of service or silent."""

    @wraps(step)
    def run(ctx: StepContext) -> StepResult:
        rows = Finding.objects.using(PLATFORM).select_related("cluster")
        finding = rows.get(pk=UUID(str(ctx.payload["finding_id"])))
        cluster = finding.cluster
        if finding.status != FindingStatus.OPEN:
            return Complete()

        def work() -> StepResult:
            return step(ctx, Remains(finding, hypervisor_for(cluster_connection(cluster))))

        return cluster_attempt(
            ctx, cluster, parked=lambda: cluster_maintenance_of(cluster), work=work
        )

    return run


@_remains_step
def prove(ctx: StepContext, remains: Remains) -> StepResult:
    """No machine has the number, no machine's configuration names one of the disks: all are read for it."""
    if not _is_proven(ctx, remains):
        return Poll(0.0)
    return Advance(stored_text("%(count)s machines were read", count=ctx.state["machines"]))


@_remains_step
def free(ctx: StepContext, remains: Remains) -> StepResult:
    """Frees what was shown, one by one, and believes the storage alone."""
    finding, hypervisor = remains.finding, remains.hypervisor
    node, storage, volume = finding.node, str(finding.found["storage"]), ""
    if "freeing" not in ctx.state:
        if not _is_proven(ctx, remains):
            return Poll(0.0)
        _demand_nobody(remains)
        stored = hypervisor.stored_volumes(node, storage, finding.vmid)
        left = [one.volume for one in stored if one.volume in ctx.payload["volumes"]]
        if not left:
            return _freed(ctx, finding)
        volume = left[0]
        _demand_news(ctx, volume)
        ctx.state["asked_for"] = volume
    waiting = task_run(
        ctx,
        remains,
        "freeing",
        lambda: hypervisor.volume_free_submit(node=node, storage=storage, volume=volume),
    )
    return waiting or poll(volume)


def _freed(ctx: StepContext, finding: Finding) -> StepResult:
    with transaction.atomic():
        row = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
        if row.status == FindingStatus.OPEN:
            finding_end(
                row, actor=ctx.actor, resolution=Resolution.DELETED, reason="", now=clock.now()
            )
            trail.record(
                tag=Tag.DISKS_DELETED,
                target=row,
                actor=ctx.actor,
                before={"volumes": ctx.payload["volumes"]},
                tenant_id=row.tenant_id,
            )
    return Advance()


def _is_proven(ctx: StepContext, remains: Remains) -> bool:
    """Reads some configurations more; a proof holds for some minutes, then all are read again."""
    known = ctx.state.get("proven_at")
    if known is not None:
        if clock.now() - datetime.fromisoformat(known) < _PROOF_HOLDS:
            return True
        del ctx.state["proven_at"]
        ctx.state["read_to"] = 0
    _demand_nobody(remains)
    guests = remains.hypervisor.guests()
    _demand_whole(remains, {one.vmid for one in guests})
    nodes = {one.vmid: one.node for one in guests if not one.is_container}
    done = int(ctx.state.get("read_to", 0))
    part = [vmid for vmid in sorted(nodes) if vmid > done][:_CONFIGS_PER_STEP]
    for vmid in part:
        _demand_unused(ctx, remains.hypervisor, nodes[vmid], vmid)
    if part:
        ctx.state["read_to"] = part[-1]
        return False
    ctx.state.update(machines=len(nodes), proven_at=clock.now().isoformat())
    return True


def _demand_nobody(remains: Remains) -> None:
    finding, hypervisor = remains.finding, remains.hypervisor
    live = Deployment.across_tenants.filter(
        cluster_id=finding.cluster_id, vmid=finding.vmid
    ).exclude(status=DeploymentStatus.DELETED)
    if not hypervisor.has_quorum():
        raise StepRetry(stored_text("The cluster has no quorum."), code="no_quorum")
    if live.exists() or not hypervisor.is_vmid_free(finding.vmid):
        raise StepFailed(
            stored_text("A machine has the number %(vmid)s by now.", vmid=finding.vmid),
            code="number_taken",
        )


def _demand_whole(remains: Remains, listed: set[int]) -> None:
    """A listing that lacks a machine which is there proves nothing about disks. Raises StepRetry."""
    cluster = remains.finding.cluster
    seen = GuestObservation.objects.using(PLATFORM).filter(cluster=cluster)
    known = set(seen.values_list("vmid", flat=True))
    known |= {row.vmid for row in live_deployments(cluster)}
    for vmid in sorted(known - listed):
        if not remains.hypervisor.is_vmid_free(vmid):
            text = stored_text(
                "The cluster does not list machine %(vmid)s, which is there.", vmid=vmid
            )
            raise StepRetry(text, code="listing_cut")


def _demand_news(ctx: StepContext, volume: str) -> None:
    """A disk whose deletion ended well is gone: where it is listed still, a try is over. Raises StepRetry."""
    is_done = ctx.state.pop("freeing_succeeded", False)
    if is_done and ctx.state.get("asked_for") == volume:
        raise StepRetry(
            stored_text("The storage still has %(disk)s after its deletion.", disk=volume),
            code="disk_stays",
        )


def _demand_unused(ctx: StepContext, hypervisor: Hypervisor, node: str, vmid: int) -> None:
    try:
        config = hypervisor.guest_config(node, vmid)
        drives = hypervisor.drives(node, vmid)
    except GuestAbsent:
        return
    used = {disk.volume for disk in config.disks} | {drive.volume for drive in drives}
    if taken := used & set(ctx.payload["volumes"]):
        raise StepFailed(
            stored_text("Disk %(disk)s is in use by machine %(vmid)s.", disk=min(taken), vmid=vmid),
            code="disk_in_use",
        )


def _node_for(row: Deployment, storage: Storage | None) -> str:
    if storage is None:
        return ""
    names = [str(name) for name in storage.node_names]
    if row.node in names:
        return row.node
    return names[0] if storage.is_shared and names else ""


def _is_due(sweep: Sweep, row: Deployment) -> bool:
    """Each number now and then; a run by hand looks at all it may."""
    span = float(settings.PROVISIONING["patrol_s"])
    if sweep.is_dry or not span:
        return True
    return bool(cache.add(f"retired-disk:{row.pk}", 1, timeout=span))


def _portrait(row: Deployment, stored: tuple[StoredVolume, ...]) -> dict[str, Any]:
    volumes = sorted(one.volume for one in stored)
    return {
        "deployment": row.name,
        "storage": row.storage_pool,
        "volumes": volumes,
        "disk_gb": sum(one.size_bytes for one in stored) // _GIB,
        "command": " && ".join(f"pvesm free {volume}" for volume in volumes),
    }
