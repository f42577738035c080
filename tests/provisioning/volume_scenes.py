"""Short scripts over volumes that several tests play."""

from __future__ import annotations

from typing import Any

from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.logic.volumes import disk_name
from provisioning.models import Deployment, ShelfPurpose, Volume, VolumeShelf
from provisioning.services import volumes
from provisioning.services.ledgers import quota_gaps
from tests.conftest import Cloud
from tests.engine import run_until_idle


def requested(
    cloud: Cloud, deployment: Deployment, name: str = "data-1", size_gb: int = 5
) -> Volume:
    """Asks for a volume; no worker has seen it yet."""
    with tenant_scope(deployment.tenant_id):
        volume, _ = volumes.volume_create(
            actor=cloud.world.actor("ops"),
            deployment_id=deployment.pk,
            name=name,
            size_gb=size_gb,
        )
    return volume


def attached(
    cloud: Cloud, deployment: Deployment, name: str = "data-1", size_gb: int = 5
) -> Volume:
    """A volume that was made and plugged in."""
    volume = requested(cloud, deployment, name, size_gb)
    run_until_idle()
    row = reloaded(volume)
    assert (row.status, row.attention) == ("attached", None), last_operation(volume).last_error
    return row


def asked(cloud: Cloud, volume: Volume, verb: str, **more: Any) -> None:
    """Asks for attach, detach, resize or delete as the ops person."""
    with tenant_scope(volume.tenant_id):
        action = getattr(volumes, f"volume_{verb}")
        action(actor=cloud.world.actor("ops"), volume_id=volume.pk, **more)


def acted(cloud: Cloud, volume: Volume, verb: str, **more: Any) -> Volume:
    """The same, worked through."""
    asked(cloud, volume, verb, **more)
    run_until_idle()
    return reloaded(volume)


def reloaded(volume: Volume) -> Volume:
    return Volume.across_tenants.select_related("deployment").get(pk=volume.pk)


def last_operation(volume: Volume) -> Operation:
    return Operation.across_tenants.filter(target_id=volume.pk).latest("pk")


def disks(cloud: Cloud, volume: Volume) -> list[dict[str, Any]]:
    """Every disk on the cluster that bears the volume's name, with the drives it sits in."""
    state = cloud.simulator.state()
    found = []
    for one in state["volumes"]:
        if volume.pk.hex not in one["volid"]:
            continue
        drives = [
            (vm["vmid"], key)
            for vm in state["vms"]
            for key, value in {**vm["config"], **vm.get("pending", {})}.items()
            if str(value).split(",")[0] == one["volid"]
        ]
        found.append({**one, "drives": drives})
    return found


def shelves(cloud: Cloud) -> list[dict[str, Any]]:
    """Every machine that holds our numbers for disks."""
    return _guards(cloud, ShelfPurpose.SHELF)


def benches(cloud: Cloud) -> list[dict[str, Any]]:
    """Every machine in which detached disks grow."""
    return _guards(cloud, ShelfPurpose.BENCH)


def _guards(cloud: Cloud, purpose: ShelfPurpose) -> list[dict[str, Any]]:
    rows = VolumeShelf.objects.using("platform").filter(purpose=purpose)
    vmids = set(rows.values_list("vmid", flat=True))
    return [vm for vm in cloud.simulator.state()["vms"] if vm["vmid"] in vmids]


def named(volume: Volume) -> str:
    return disk_name(volume.pk, int(volume.owner_vmid or 0))


def books_balance() -> bool:
    """Whether counters, reservations, machines and disks say the same."""
    return quota_gaps() == []


def left_in_bench(cloud: Cloud, volume: Volume) -> None:
    """A growth gave up while the disk was in the bench."""
    acted(cloud, volume, "resize", size_gb=9)
    row = VolumeShelf.objects.using("platform").get(purpose=ShelfPurpose.BENCH)
    path = f"/nodes/{row.node}/qemu/{row.vmid}/config"
    disk = {"scsi1": str(volume.proxmox_volume_id)}
    answer = cloud.simulator.api("PUT", path, disk, token="root@pam!adm")
    assert answer.status_code == 200, answer.text
    Volume.across_tenants.filter(pk=volume.pk).update(bench=row)


def machine(cloud: Cloud, deployment: Deployment) -> dict[str, Any]:
    state = cloud.simulator.state()
    return next(vm for vm in state["vms"] if vm["vmid"] == deployment.vmid)


def configured(cloud: Cloud, deployment: Deployment, **options: str) -> None:
    """Somebody changes the machine on the cluster itself."""
    path = f"/nodes/{deployment.node}/qemu/{deployment.vmid}/config"
    answer = cloud.simulator.api("PUT", path, options, token="root@pam!adm")
    assert answer.status_code == 200, answer.text
