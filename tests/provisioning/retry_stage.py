"""Where retries are played: a cluster and a name server in memory, and an end by force for what was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction

from billing.services.quotas import quota_reserve
from integrations.powerdns.fake import FakeNameServer
from integrations.proxmox.interface import Disk, PowerState, StorageSummary, StoredVolume
from integrations.services import hypervisors
from portal.kernel.authz import Actor
from portal.kernel.models import uuid7
from portal.kernel.queue import Failure
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.remedies import _force_end
from provisioning.logic.volumes import disk_name
from provisioning.models import Deployment, Volume
from provisioning.services.clusters import cluster_connection
from provisioning.services.operations import OperationType, enqueue_for
from tests.conftest import World
from tests.engine import run_until_idle
from tests.factories.provisioning import VolumeFactory
from tests.provisioning.twin import GIB, Twin

Done = Callable[[], bool]
_SHELF: Final = 29_000
STORAGES: Final = (
    StorageSummary("pve1", "ceph-vm", "rbd", ("images",), True, True, 2**50, 2**49),
    StorageSummary("pve1", "backup", "dir", ("backup",), True, True, 2**50, 2**49),
)


class Stage(Twin):
    """A cluster in memory that workers reach, and a name server beside it."""

    def __init__(self, world: World, names: FakeNameServer) -> None:
        super().__init__(world)
        self.names = names
        self.fake.storages = lambda _node: STORAGES  # type: ignore[method-assign]
        hypervisors._clients[cluster_connection(self.cluster)] = self.fake

    def asked(self, service: Callable[..., Any], *, role: str = "support", **values: Any) -> Any:
        """One call of a service in `north`; what it answers beside the operation is left out."""
        with tenant_scope(self.world.north.pk), transaction.atomic():
            answer = service(actor=self.world.actor(role), **values)
        return answer[1] if isinstance(answer, tuple) else answer

    def enqueued(self, row: Deployment, type_: OperationType, **payload: Any) -> Operation:
        with tenant_scope(row.tenant_id), transaction.atomic():
            return enqueue_for(row, type_, actor=self.world.actor("support"), **payload)

    def power(self, row: Deployment) -> PowerState:
        return self.fake.guest_status(row.node, row.vmid).power

    def volume(self, *, is_attached: bool = True) -> Volume:
        """A disk of 5 GiB that is on the storage, and in its machine unless it was taken out."""
        row, key = self.deployment(), uuid7()
        name = f"ceph-vm:{disk_name(key, _SHELF)}"
        values = {} if is_attached else {"status": "detached", "slot": ""}
        with tenant_scope(row.tenant_id), transaction.atomic():
            volume: Volume = VolumeFactory(
                id=key,
                deployment=row,
                size_gb=5,
                owner_vmid=_SHELF,
                proxmox_volume_id=name,
                **values,
            )
            quota_reserve(
                actor=Actor.system("test", tenant_id=row.tenant_id),
                tenant_id=row.tenant_id,
                subject_id=key,
                amounts=volume.amounts,
            )
        self.fake._stored[name] = StoredVolume(name, _SHELF, 5 * GIB)
        if is_attached:
            config = self.fake.guest_config(row.node, row.vmid)
            disk = Disk(volume.slot, "ceph-vm", name, 5 * GIB)
            self.fake.guest_change(row.vmid, disks=(*config.disks, disk))
        return volume

    def drives(self, volume: Volume) -> list[int]:
        """The machines that have the disk."""
        return [
            vmid
            for vmid, guest in self.fake._guests.items()
            for disk in guest.config.disks
            if disk.volume == volume.proxmox_volume_id
        ]

    def drive_gb(self, volume: Volume) -> int:
        """How large the disk is in its machine."""
        disks = [one for vm in self.fake._guests.values() for one in vm.config.disks]
        sizes = [one.size_bytes or 0 for one in disks if one.volume == volume.proxmox_volume_id]
        return sum(sizes) // GIB


def failed(operation: Operation) -> Operation:
    """The operation ended by force before a worker took it, with all that its failure asks for."""
    _force_end(operation.pk, operation.queue, Failure("failed", "forced", "Ended by a test."))
    run_until_idle()
    row: Operation = Operation.across_tenants.get(pk=operation.pk)
    assert row.status == "failed"
    return row
