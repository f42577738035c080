"""Disks that a deletion left on a storage: found by the numbers of machines that are proven gone.

A destroyed machine's disk can stay behind when its storage did not answer. Nothing frees it by itself: a
person types the number, then an operation proves again that no machine has it, and frees what was shown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from integrations.base.errors import ProviderError
from integrations.proxmox.errors import GuestAbsent
from integrations.proxmox.interface import Hypervisor, StoredVolume, TaskRef
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
from provisioning.models import Deployment, Finding, Storage
from provisioning.selectors.reconciliation import retired_machines
from provisioning.services.clusters import cluster_connection
from provisioning.services.decisions import held
from provisioning.services.findings import Sighting, finding_end
from provisioning.services.operations import OperationType
from provisioning.services.saga.tasks import poll, step_error
from provisioning.states import DeploymentStatus, FindingKind, FindingStatus, Resolution
from provisioning.tags import Tag

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep

_GIB: Final = 2**30
_SETTLE: Final = timedelta(minutes=1)
_AT_ONCE: Final = 5
_CONFIGS_PER_STEP: Final = 25


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


def prove(ctx: StepContext) -> StepResult:
    """No machine has the number, no machine's configuration names one of the disks: all are read for it."""
    finding, hypervisor = _open(ctx)
    if finding is None:
        return Complete()
    try:
        _demand_nobody(finding, hypervisor)
        nodes = {one.vmid: one.node for one in hypervisor.guests() if not one.is_container}
        done = int(ctx.state.get("read_to", 0))
        part = [vmid for vmid in sorted(nodes) if vmid > done][:_CONFIGS_PER_STEP]
        for vmid in part:
            _demand_unused(ctx, hypervisor, nodes[vmid], vmid)
    except ProviderError as error:
        raise step_error(error) from error
    if part:
        ctx.state["read_to"] = part[-1]
        return Poll(0.0)
    return Advance(stored_text("%(count)s machines were read", count=len(nodes)))


def free(ctx: StepContext) -> StepResult:
    """Frees what was shown, one by one, and believes the storage alone."""
    finding, hypervisor = _open(ctx)
    if finding is None:
        return Complete()
    node, storage = finding.node, str(finding.found["storage"])
    try:
        if (known := ctx.state.get("freeing")) is not None:
            state = hypervisor.task_state(TaskRef(upid=known["upid"], node=known["node"]))
            if state.outcome is None:
                return poll()
            ctx.state.pop("freeing")
            if state.failure is not None:
                raise state.failure
        _demand_nobody(finding, hypervisor)
        left = [
            one
            for one in hypervisor.stored_volumes(node, storage, finding.vmid)
            if one.volume in ctx.payload["volumes"]
        ]
        if not left:
            return _freed(ctx, finding)
        ref = hypervisor.volume_free_submit(node=node, storage=storage, volume=left[0].volume)
    except ProviderError as error:
        raise step_error(error) from error
    if ref is not None:
        ctx.state["freeing"] = {"upid": ref.upid, "node": ref.node}
        ctx.save()
    return poll(left[0].volume)


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


def _open(ctx: StepContext) -> tuple[Finding | None, Hypervisor]:
    finding = (
        Finding.objects.using(PLATFORM)
        .select_related("cluster")
        .get(pk=UUID(str(ctx.payload["finding_id"])))
    )
    hypervisor = hypervisor_for(cluster_connection(finding.cluster))
    return (finding if finding.status == FindingStatus.OPEN else None), hypervisor


def _demand_nobody(finding: Finding, hypervisor: Hypervisor) -> None:
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
