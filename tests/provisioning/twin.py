"""A cluster in memory with machines for deployments on paper: sweeps without a wire."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from integrations.proxmox.fake import FakeHypervisor
from integrations.proxmox.interface import ClusterListing, Disk, PowerState
from integrations.proxmox.mapping import marker_build
from portal.kernel import clock
from portal.kernel.models import uuid7
from provisioning.logic.reconciliation import facts_of, guest_tags
from provisioning.models import Cluster, Deployment, Finding, Template, VmidAllocation
from provisioning.services.reconciliation import SweepReport, sweep
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper

GIB = 2**30


class Twin:
    """One registered cluster and its fake; what it holds beside ours is put there by the test."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cluster: Cluster = ClusterFactory(code="twin")
        self.template: Template = TemplateFactory(code="twin-linux", cluster=self.cluster)
        self.fake = FakeHypervisor()
        self.fake.guest_add(9003, is_template=True)
        self._vmids = iter(range(20_001, 29_999))

    def deployment(self, name: str = "web-1", **fields: Any) -> Deployment:
        """A running deployment of `north` with the machine that belongs to it."""
        vmid = next(self._vmids)
        key = uuid7()
        values = {
            "id": key,
            "name": name,
            "vmid": vmid,
            "marker": marker_build(str(key), "n0nce"),
            "guest_uuid": f"00000000-0000-4000-8000-{vmid:012d}",
        }
        row = paper.deployment(self.world, self.template, **(values | fields))
        VmidAllocation.objects.using("platform").create(
            cluster=self.cluster, vmid=row.vmid, deployment_id=row.pk
        )
        self.machine(row)
        facts = facts_of(self.fake.guest_config(row.node, row.vmid), self.template.system_disk)
        Deployment.across_tenants.filter(pk=row.pk).update(guest_facts=facts)
        self.fake.calls.clear()
        return Deployment.across_tenants.get(pk=row.pk)

    def machine(self, row: Deployment, **more: Any) -> None:
        """Puts the machine of a deployment in its place."""
        disk = Disk("scsi0", "ceph-vm", f"vm-{row.vmid}-disk-0", row.disk_gb * GIB)
        values: dict[str, Any] = {
            "node": row.node,
            "name": row.name,
            "cores": row.cpu_cores,
            "memory_mb": row.memory_mb,
            "disks": (disk,),
            "uuid": row.guest_uuid,
            "marker": row.marker,
            "description": row.marker,
            "tags": guest_tags(row.pk, row.tags),
            "pool": self.cluster.pool,
            "power": PowerState.RUNNING if row.status == "running" else PowerState.STOPPED,
        }
        self.fake.guest_add(row.vmid, **(values | more))

    def listing(
        self, *, without: tuple[int, ...] = (), offline: tuple[str, ...] = ()
    ) -> ClusterListing:
        """What the cluster lists now, or what is left of it."""
        whole = self.fake.listing()
        guests = tuple(
            replace(guest, status=PowerState.UNKNOWN) if guest.node in offline else guest
            for guest in whole.guests
            if guest.vmid not in without
        )
        nodes = tuple(replace(node, is_online=node.name not in offline) for node in whole.nodes)
        return replace(whole, guests=guests, nodes=nodes)

    def sweep(self, listing: ClusterListing | None = None, *, times: int = 1) -> SweepReport:
        """Sweeps over a listing, the present one unless another is given."""
        for _ in range(times):
            seen = listing or self.listing()
            report = sweep(self.cluster, seen, self.fake, asked_at=clock.now())
        return report

    def dry(self, listing: ClusterListing | None = None) -> SweepReport:
        seen = listing or self.listing()
        return sweep(self.cluster, seen, self.fake, asked_at=clock.now(), is_dry=True)

    def reads(self) -> int:
        return sum(call.method == "guest_config" for call in self.fake.calls)


def finding(kind: str, **wanted: Any) -> Finding:
    """The newest finding of a kind."""
    rows = Finding.across_tenants.filter(kind=kind, **wanted).select_related("cluster")
    return rows.latest("pk")


def kinds(*statuses: str) -> list[str]:
    """Kinds of the findings in these states, open ones when none are named."""
    rows = Finding.across_tenants.filter(status__in=statuses or ("open",))
    return sorted(rows.values_list("kind", flat=True))
