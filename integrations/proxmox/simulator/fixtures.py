"""The clusters a simulator can start with."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import Any

from integrations.proxmox.simulator import volumes
from integrations.proxmox.simulator.world import (
    GIB,
    MIB,
    Grant,
    Machine,
    Node,
    Storage,
    Token,
    User,
    Volume,
    World,
)

ROLE = [
    "Datastore.AllocateSpace", "Datastore.Audit", "Pool.Audit", "SDN.Use", "Sys.Audit",
    "VM.Allocate", "VM.Audit", "VM.Clone", "VM.Config.CDROM", "VM.Config.CPU",
    "VM.Config.Cloudinit", "VM.Config.Disk", "VM.Config.HWType", "VM.Config.Memory",
    "VM.Config.Network", "VM.Config.Options", "VM.GuestAgent.Audit", "VM.Migrate",
    "VM.PowerMgmt", "VM.Snapshot",
]  # fmt: skip
ADMINISTRATOR = [
    *ROLE,
    "Datastore.Allocate", "Datastore.AllocateTemplate", "Group.Allocate", "Mapping.Audit",
    "Mapping.Modify", "Mapping.Use", "Permissions.Modify", "Pool.Allocate", "Realm.Allocate",
    "Realm.AllocateUser", "SDN.Allocate", "SDN.Audit", "Sys.AccessNetwork", "Sys.Console",
    "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt", "Sys.Syslog", "User.Modify", "VM.Backup",
    "VM.Config.Cloudinit", "VM.Console", "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite", "VM.GuestAgent.Unrestricted",
    "VM.Snapshot.Rollback",
]  # fmt: skip
PORTAL = [
    *ROLE,
    "Datastore.Allocate", "Pool.Allocate", "SDN.Audit", "VM.Backup", "VM.Console",
    "VM.GuestAgent.FileRead", "VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite", "VM.GuestAgent.Unrestricted",
    "VM.Snapshot.Rollback",
]  # fmt: skip
# fixtures everybody knows, one secret per cluster
ROOT_PASSWORD = "simulator"  # noqa: S105 - a fixture everybody knows
PORTAL_SECRETS = {
    "paris": "44444444-4444-4444-4444-444444444444",
    "lyon": "55555555-5555-5555-5555-555555555555",
}
# vmid, name, guest, disk in GiB, memory in MiB, cores
TEMPLATES = (
    (9001, "turnkey-pbx", "linux", 16, 2048, 2),
    (9002, "windows-support", "windows", 40, 4096, 2),
    (9003, "linux-utility", "linux", 8, 1024, 1),
    (9004, "ubuntu", "linux", 10, 2048, 2),
    (9005, "debian", "linux", 8, 1024, 1),
    (9006, "wordpress", "linux", 20, 2048, 2),
    (9007, "laravel", "linux", 20, 2048, 2),
    (9008, "node", "linux", 12, 1024, 1),
)
# vmid, name, node, disk in GiB
STRANGERS = {
    "paris": ((100, "mail-gateway", "pve1", 32), (101, "legacy-erp", "pve2", 80)),
    "lyon": ((120, "print-server", "pve4", 40), (121, "old-crm", "pve5", 64)),
}
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


def build(name: str, now: float) -> World:
    """Build a fresh cluster.

    Raises ValueError for a name that is not a fixture.
    """
    if name not in FIXTURES:
        raise ValueError(f"unknown fixture '{name}', one of: {', '.join(sorted(FIXTURES))}")
    build_world, _ = FIXTURES[name]
    world = build_world(now)
    world.fixture = name
    return world


def _bare(name: str, now: float) -> World:
    world = World(name=name, booted=now - 2899.0)
    world.users = {"root@pam": User(ROOT_PASSWORD)}
    world.ticket_secret = secrets.token_hex(16)
    world.roles = {"Administrator": ADMINISTRATOR, "NoAccess": []}
    return world


def _wire(now: float) -> World:
    """Build the setting of the recorded exchanges of Proxmox VE 9.2: no pvestatd ran there."""
    world = _bare("sim", now)
    world.has_pvestatd = False
    world.nodes = {
        "pve1": Node("pve1", cpus=2, memory=25_276_514_304, started=world.booted, observed=False),
        "pve2": Node("pve2", online=False, observed=False),
        "pve3": Node("pve3", online=False, observed=False),
    }
    world.storages = {"local": Storage("local", nodes=["pve1"], copy_gib_per_s=4.0)}
    world.pools = {"prod": []}
    world.users["prov@pve"] = User()
    world.roles["Provisioning"] = ROLE
    world.tokens = {
        "prov@pve!full": Token("22222222-2222-2222-2222-222222222222", is_separated=False),
        "prov@pve!sim": Token("11111111-1111-1111-1111-111111111111"),
        "root@pam!adm": Token("33333333-3333-3333-3333-333333333333", is_separated=False),
    }
    world.grants = [
        Grant("/", "prov@pve", "Provisioning"),
        Grant("/vms/9000", "prov@pve!sim", "Provisioning"),
    ]
    return world


def _cluster(name: str, now: float, nodes: list[Node], storages: list[Storage]) -> World:
    """Build one of uHub's clusters, without a single machine."""
    world = _bare(name, now)
    for node in nodes:
        node.bridges, node.started = ["vmbr0", "vmbr1"], world.booted
        world.nodes[node.name] = node
    for storage in storages:
        storage.nodes = list(world.nodes)
        world.storages[storage.name] = storage
    world.pools = {"uhub": []}
    world.users["uhub@pve"] = User()
    world.roles["UHub"] = PORTAL
    world.tokens = {
        "uhub@pve!portal": Token(PORTAL_SECRETS[name]),
        "root@pam!adm": Token("33333333-3333-3333-3333-333333333333", is_separated=False),
    }
    world.grants = [Grant("/", "uhub@pve", "UHub"), Grant("/", "uhub@pve!portal", "UHub")]
    return world


def _empty(now: float) -> World:
    """Build the cluster of Paris: three nodes, disks on Ceph."""
    nodes = [
        Node("pve1", cpus=32, memory=256 * GIB, ip="10.10.0.1"),
        Node("pve2", cpus=32, memory=256 * GIB, ip="10.10.0.2"),
        Node("pve3", cpus=24, memory=192 * GIB, ip="10.10.0.3"),
    ]
    ceph = Storage(
        "ceph-vm",
        kind="rbd",
        content="images,rootdir",
        shared=True,
        total=10 * 1024 * GIB,
        alloc_s=0.3,
        copy_base_s=4.5,
        copy_gib_per_s=5.5,
    )
    local = Storage("local", total=200 * GIB)
    return _cluster("paris", now, nodes, [local, ceph, _thin(1024), _archive("backup", 20)])


def _lyon(now: float) -> World:
    """Build the second cluster: two smaller nodes, disks on another Ceph."""
    nodes = [
        Node("pve4", cpus=16, memory=128 * GIB, ip="10.20.0.4"),
        Node("pve5", cpus=16, memory=128 * GIB, ip="10.20.0.5"),
    ]
    ceph = Storage(
        "ceph-lyon",
        kind="rbd",
        content="images,rootdir",
        shared=True,
        total=4 * 1024 * GIB,
        alloc_s=0.4,
        copy_base_s=5.0,
        copy_gib_per_s=4.0,
    )
    local = Storage("local", total=100 * GIB)
    return _cluster("lyon", now, nodes, [local, ceph, _thin(512), _archive("backup-lyon", 8)])


def _thin(total_gib: int) -> Storage:
    return Storage(
        "local-lvm",
        kind="lvmthin",
        content="images,rootdir",
        total=total_gib * GIB,
        alloc_s=0.2,
        copy_base_s=0.5,
        copy_gib_per_s=3.0,
    )


def _archive(name: str, total_tib: int) -> Storage:
    total = total_tib * 1024 * GIB
    return Storage(name, kind="nfs", content="backup,iso", shared=True, total=total)


def _demo(now: float) -> World:
    return _inhabited(_empty(now), now)


def _demo_b(now: float) -> World:
    return _inhabited(_lyon(now), now)


def _inhabited(world: World, now: float) -> World:
    """Add the templates, each cluster with its own copies, and somebody else's machines."""
    for vmid, name, guest, disk_gib, memory_mb, cores in TEMPLATES:
        _add_template(world, vmid, name, guest, disk_gib=disk_gib, memory_mb=memory_mb, cores=cores)
    for vmid, name, node, disk_gib in STRANGERS[world.name]:
        stranger(world, vmid=vmid, node=node, name=name, disk_gib=disk_gib, now=now)
        world.machines[vmid].status = "running"
        world.machines[vmid].started = now - 86_400
        world.machines[vmid].pid = 900 + vmid
    store = next(s for s in world.storages.values() if "iso" in s.content and s.shared)
    disc = f"{store.name}:iso/debian-13.1.0-amd64-netinst.iso"
    world.volumes[disc] = Volume(
        disc, store.name, "", 0, 783 * MIB, content="iso", fingerprint="debian-13.1:0"
    )
    return world


# name: (how it is built, what it is)
FIXTURES: dict[str, tuple[Callable[[float], World], str]] = {
    "demo": (_demo, "cluster paris: pve1 to pve3, templates, two machines of somebody else"),
    "demo-b": (_demo_b, "cluster lyon: pve4 and pve5, the same templates, other machines"),
    "empty": (_empty, "cluster paris without machines"),
    "wire": (_wire, "the setting of the recorded exchanges"),
}


def _identity(seed: str) -> dict[str, Any]:
    return {
        "smbios1": f"uuid={uuid.uuid5(_NAMESPACE, seed)}",
        "vmgenid": str(uuid.uuid5(_NAMESPACE, f"{seed}/generation")),
    }


def _add_template(
    world: World, vmid: int, name: str, guest: str, *, disk_gib: int, memory_mb: int, cores: int
) -> None:
    node, store = next(iter(world.nodes)), _disk_store(world)
    base = volumes.volid(store, vmid, f"base-{vmid}-disk-0")
    world.volumes[base] = Volume(
        base, store.name, "", vmid, disk_gib * GIB, fingerprint=f"template-{name}:0"
    )
    config: dict[str, Any] = {
        **_identity(f"template/{vmid}" if world.name == "paris" else f"{world.name}/{vmid}"),
        "name": name,
        "memory": str(memory_mb),
        "cores": cores,
        "ostype": "win11" if guest == "windows" else "l26",
        "agent": "1",
        "template": 1,
        "scsihw": "virtio-scsi-pci",
        "scsi0": f"{base},size={disk_gib}G",
        "net0": f"virtio={volumes.mac_for(vmid)},bridge=vmbr0",
        "boot": "order=scsi0;net0",
        "meta": "creation-qemu=10.1.2,ctime=1767225600",
    }
    if guest == "linux":
        seed = volumes.volid(store, vmid, f"vm-{vmid}-cloudinit")
        world.volumes[seed] = Volume(seed, store.name, "", vmid, volumes.CLOUDINIT_SIZE)
        config |= {"ide2": f"{seed},media=cdrom,size=4M", "serial0": "socket", "vga": "serial0"}
    world.machines[vmid] = Machine(vmid, node, config, guest=guest)


def _disk_store(world: World) -> Storage:
    """Answer where disks belong: on what all nodes see, if there is such a storage."""
    able = [s for s in world.storages.values() if "images" in s.content]
    return next((s for s in able if s.shared), able[0])


def stranger(
    world: World, *, vmid: int, node: str, name: str, disk_gib: int = 32, now: float = 0.0
) -> Machine:
    """Somebody else's machine, with an identity of its own."""
    evict(world, vmid)
    store = _disk_store(world)
    disk = volumes.volid(store, vmid, f"vm-{vmid}-disk-0", "qcow2")
    owner = "" if store.shared else node
    world.volumes[disk] = Volume(
        disk, store.name, owner, vmid, disk_gib * GIB, fingerprint=f"stranger-{vmid}-{name}:0"
    )
    config: dict[str, Any] = {
        **_identity(f"stranger/{vmid}/{name}/{now}"),
        "name": name,
        "memory": "4096",
        "cores": 2,
        "ostype": "l26",
        "scsihw": "virtio-scsi-pci",
        "scsi0": f"{disk},size={disk_gib}G",
        "net0": f"virtio={volumes.mac_for(vmid)},bridge=vmbr0",
        "boot": "order=scsi0;net0",
    }
    machine = Machine(vmid, node, config, is_foreign=True)
    world.machines[vmid] = machine
    return machine


def evict(world: World, vmid: int) -> None:
    """Remove a machine behind everybody's back, volumes and memberships included."""
    world.machines.pop(vmid, None)
    for volume in world.machine_volumes(vmid):
        world.volumes.pop(volume.volid)
    for members in world.pools.values():
        if vmid in members:
            members.remove(vmid)
