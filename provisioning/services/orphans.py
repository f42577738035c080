"""The part of a sweep about machines and numbers without a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from integrations.proxmox.interface import GuestConfig, GuestSummary
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from provisioning.logic.reconciliation import MAKING_LOCKS, Presence, Urgency, claims_ours
from provisioning.models import Deployment, VmidAllocation
from provisioning.selectors.reconciliation import (
    busy_ids,
    held_numbers,
    shelf_vmids,
    template_vmids,
    tombstones,
)
from provisioning.selectors.watch import volumes_named
from provisioning.services.findings import Sighting
from provisioning.services.saga.tasks import leftover_command
from provisioning.states import DeploymentStatus, FindingKind

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep

_K = FindingKind
_STRANGERS = (_K.ORPHAN, _K.REAPPEARED, _K.HALF_CLONE)
_GIB = 2**30


def look(sweep: Sweep) -> None:
    """Finds machines that sit where only ours should, half clones among them."""
    cluster = sweep.cluster
    numbers = range(cluster.vmid_first, cluster.vmid_last + 1)
    templates, shelves = template_vmids(cluster), shelf_vmids(cluster)
    for vmid, guest in sweep.view.guests.items():
        if vmid in shelves:
            continue
        row = sweep.live.get(vmid)
        if guest.lock in MAKING_LOCKS:
            if row is not None or claims_ours(guest, numbers=numbers, pool=cluster.pool):
                _half_clone(sweep, guest, row)
            continue
        sweep.ledger.clear(vmid, _K.HALF_CLONE)
        if row is not None:
            sweep.ledger.clear(vmid, _K.ORPHAN, _K.REAPPEARED)
        elif vmid not in templates and claims_ours(guest, numbers=numbers, pool=cluster.pool):
            sweep.suggest(Urgency.SOON, guest)
    for finding in sweep.ledger.standing(*_STRANGERS):
        if sweep.view.presence(finding.vmid, finding.node) is Presence.ABSENT:
            sweep.ledger.clear(finding.vmid, _K(finding.kind))


def check(sweep: Sweep, guest: GuestSummary, config: GuestConfig) -> None:
    """Names a machine without a deployment: a forgotten one that is back, or an orphan."""
    if config.is_template:
        return
    past = _past(sweep, config)
    found = _portrait(guest, config)
    if past is None:
        sweep.ledger.clear(guest.vmid, _K.REAPPEARED)
        sweep.ledger.see(Sighting(_K.ORPHAN, guest.vmid, node=config.node, found=found))
        return
    sweep.ledger.clear(guest.vmid, _K.ORPHAN)
    sweep.ledger.see(
        Sighting(
            _K.REAPPEARED,
            guest.vmid,
            tenant_id=past.tenant_id,
            deployment_id=past.pk,
            node=config.node,
            expected={"deployment": past.name, "marker": past.marker},
            found=found | ({"own_volumes": names} if (names := volumes_named(past.pk)) else {}),
        )
    )


def numbers_look(sweep: Sweep) -> None:
    """Finds numbers that are held for nobody: their deployment has ended, or their stranger has gone."""
    held = {allocation.vmid: allocation for allocation in held_numbers(sweep.cluster)}
    for allocation in held.values():
        row = sweep.live.get(allocation.vmid)
        is_held = row is not None and row.pk == allocation.deployment_id
        if is_held or allocation.updated_at >= sweep.asked_at:
            sweep.ledger.clear(allocation.vmid, _K.STALE_VMID)
        else:
            _stale_number(sweep, allocation)
    for finding in sweep.ledger.standing(_K.STALE_VMID):
        if finding.vmid not in held:
            sweep.ledger.clear(finding.vmid, _K.STALE_VMID)


def _stale_number(sweep: Sweep, allocation: VmidAllocation) -> None:
    vmid = allocation.vmid
    if vmid in sweep.view.guests:
        sweep.ledger.clear(vmid, _K.STALE_VMID)
        return
    patience = sweep.patience()
    is_due = sweep.ledger.sweeps(_K.STALE_VMID, vmid) >= patience
    is_proven = sweep.ledger.is_shown(_K.STALE_VMID, vmid) or (is_due and sweep.ask.is_free(vmid))
    if not is_proven:
        patience = sweep.ledger.sweeps(_K.STALE_VMID, vmid) + 1
    found = {"is_blocked": allocation.is_blocked, "deployment": str(allocation.deployment_id or "")}
    sweep.ledger.see(Sighting(_K.STALE_VMID, vmid, found=found, patience=patience))


def _half_clone(sweep: Sweep, guest: GuestSummary, row: Deployment | None) -> None:
    """A lock of the making of a machine that nothing of ours is making any more."""
    if row is not None and (row.status == DeploymentStatus.PROVISIONING or busy_ids([row.pk])):
        sweep.ledger.clear(guest.vmid, _K.HALF_CLONE)
        return
    patience = sweep.patience()
    is_due = sweep.ledger.sweeps(_K.HALF_CLONE, guest.vmid) >= patience
    is_new = is_due and not sweep.ledger.is_shown(_K.HALF_CLONE, guest.vmid)
    if is_new and row is not None and sweep.ask.is_being_cloned(row):
        patience = sweep.ledger.sweeps(_K.HALF_CLONE, guest.vmid) + 1
    sweep.ledger.see(
        Sighting(
            _K.HALF_CLONE,
            guest.vmid,
            tenant_id=row.tenant_id if row else PLATFORM_TENANT_ID,
            deployment_id=row.pk if row else None,
            node=guest.node,
            found={
                "lock": guest.lock,
                "name": guest.name,
                "command": leftover_command(str(guest.lock), node=guest.node, vmid=guest.vmid),
            },
            patience=patience,
        )
    )


def _past(sweep: Sweep, config: GuestConfig) -> Deployment | None:
    """The ended deployment whose marker a machine carries."""
    parts = (config.marker or "").split(":")
    try:
        deployment_id = UUID(parts[1]) if len(parts) == 3 else None
    except ValueError:
        return None
    if deployment_id is None:
        return None
    past = tombstones(sweep.cluster, [deployment_id]).get(deployment_id)
    return past if past is not None and past.marker == config.marker else None


def _portrait(guest: GuestSummary, config: GuestConfig) -> dict[str, Any]:
    """What a person needs to say whose it is, and what an adoption would reserve."""
    disks = {disk.key: (disk.size_bytes or 0) // _GIB for disk in config.disks if not disk.is_cdrom}
    return {
        "name": config.name,
        "node": config.node,
        "cpu_cores": config.cores,
        "memory_mb": config.memory_mb,
        "disk_gb": max(disks.values(), default=0),
        "disks": [f"{key} {size} GiB" for key, size in sorted(disks.items())],
        "pool": guest.pool,
        "tags": list(config.tags),
        "uuid": config.uuid,
        "marker": config.marker,
    }
