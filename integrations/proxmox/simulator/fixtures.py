"""The clusters a simulator can start with."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.proxmox.simulator import volumes
from integrations.proxmox.simulator.world import (
    GIB,
    Grant,
    Machine,
    Node,
    Storage,
    Token,
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
PORTAL_SECRET = "44444444-4444-4444-4444-444444444444"  # noqa: S105 - a fixture everybody knows
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
STRANGERS = ((100, "mail-gateway", "pve1", 32), (101, "legacy-erp", "pve2", 80))
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


def build(name: str, now: float) -> World:
    """Build a fresh cluster.

    Raises ValueError for a name that is not a fixture.
    """
    builders = {"demo": _demo, "wire": _wire, "empty": _empty}
    if name not in builders:
        raise ValueError(f"unknown fixture '{name}', one of: {', '.join(sorted(builders))}")
    world = builders[name](now)
    world.fixture = name
    return world


def _bare(name: str, now: float) -> World:
    world = World(name=name, booted=now - 2899.0)
    world.users = ["root@pam"]
    world.roles = {"Administrator": ADMINISTRATOR, "NoAccess": []}
    return world


def _wire(now: float) -> World:
    """Build the setting of the recorded exchanges of Proxmox VE 9.2."""
    world = _bare("sim", now)
    world.nodes = {
        "pve1": Node("pve1", cpus=2, memory=25_276_514_304, started=world.booted, observed=False),
        "pve2": Node("pve2", online=False, observed=False),
        "pve3": Node("pve3", online=False, observed=False),
    }
    world.storages = {"local": Storage("local", nodes=["pve1"], copy_gib_per_s=4.0)}
    world.pools = {"prod": []}
    world.users.append("prov@pve")
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


def _empty(now: float) -> World:
    """Build the demo's cluster without a single machine."""
    world = _bare("demo", now)
    for index in (1, 2, 3):
        name = f"pve{index}"
        bridges = ["vmbr0", "vmbr1"]
        world.nodes[name] = Node(name, ip=f"10.10.0.{index}", bridges=bridges, started=world.booted)
    everywhere = list(world.nodes)
    world.storages = {
        "local": Storage("local", total=200 * GIB, nodes=everywhere),
        "ceph-vm": Storage(
            "ceph-vm",
            kind="rbd",
            content="images,rootdir",
            shared=True,
            total=10 * 1024 * GIB,
            nodes=everywhere,
            alloc_s=0.3,
            copy_base_s=4.5,
            copy_gib_per_s=5.5,
        ),
    }
    world.pools = {"uhub": []}
    world.users.append("uhub@pve")
    world.roles["UHub"] = [*ROLE, "Pool.Allocate", "VM.Snapshot.Rollback", "VM.Backup"]
    world.tokens = {
        "uhub@pve!portal": Token(PORTAL_SECRET),
        "root@pam!adm": Token("33333333-3333-3333-3333-333333333333", is_separated=False),
    }
    world.grants = [Grant("/", "uhub@pve", "UHub"), Grant("/", "uhub@pve!portal", "UHub")]
    return world


def _demo(now: float) -> World:
    world = _empty(now)
    for vmid, name, guest, disk_gib, memory_mb, cores in TEMPLATES:
        _add_template(world, vmid, name, guest, disk_gib=disk_gib, memory_mb=memory_mb, cores=cores)
    for vmid, name, node, disk_gib in STRANGERS:
        stranger(world, vmid=vmid, node=node, name=name, disk_gib=disk_gib, now=now)
        world.machines[vmid].status = "running"
        world.machines[vmid].started = now - 86_400
        world.machines[vmid].pid = 900 + vmid
    return world


def _identity(seed: str) -> dict[str, Any]:
    return {
        "smbios1": f"uuid={uuid.uuid5(_NAMESPACE, seed)}",
        "vmgenid": str(uuid.uuid5(_NAMESPACE, f"{seed}/generation")),
    }


def _add_template(
    world: World, vmid: int, name: str, guest: str, *, disk_gib: int, memory_mb: int, cores: int
) -> None:
    node, store = "pve1", world.storages["ceph-vm"]
    base = volumes.volid(store, vmid, f"base-{vmid}-disk-0")
    world.volumes[base] = Volume(base, store.name, "", vmid, disk_gib * GIB)
    config: dict[str, Any] = {
        **_identity(f"template/{vmid}"),
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


def stranger(
    world: World, *, vmid: int, node: str, name: str, disk_gib: int = 32, now: float = 0.0
) -> Machine:
    """Somebody else's machine, with an identity of its own."""
    evict(world, vmid)
    shared = next((s for s in world.storages.values() if s.shared), None)
    store = shared or next(iter(world.storages.values()))
    disk = volumes.volid(store, vmid, f"vm-{vmid}-disk-0", "qcow2")
    owner = "" if store.shared else node
    world.volumes[disk] = Volume(disk, store.name, owner, vmid, disk_gib * GIB)
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
