"""Volumes: their names, their sizes, and the locked moment in which they come and go."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from integrations.proxmox.simulator.errors import WorkError
from integrations.proxmox.simulator.scope import Scope
from integrations.proxmox.simulator.world import GIB, MIB, Storage, Volume, World

if TYPE_CHECKING:
    from integrations.proxmox.simulator.simulation import Simulation

FILE_KINDS = ("dir", "nfs", "cifs")
THIN_KINDS = ("rbd", "lvmthin", "zfspool", "btrfs")
_BASE = re.compile(r":(\d+/)?base-[^/]+$")
CLOUDINIT_SIZE = 4 * MIB
_UNITS = {"": 1, "K": 1024, "M": MIB, "G": GIB, "T": 1024 * GIB}
_QCOW = (
    "fmt=qcow2 cluster_size=65536 extended_l2=off preallocation=metadata "
    "compression_type=zlib size={size} lazy_refcounts=off refcount_bits=16"
)


def mac_for(vmid: int) -> str:
    """Answer a fixture's address; machines made by the API draw theirs."""
    return f"BC:24:11:00:{vmid // 256 % 256:02X}:{vmid % 256:02X}"


def bytes_of(text: str) -> int:
    """`10G` in bytes.

    Raises WorkError for anything else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    if found is None:
        raise WorkError(f"unable to parse size '{text}'")
    return int(float(found[1]) * _UNITS[found[2]])


def text_of(size: int) -> str:
    """Answer the shortest exact spelling."""
    for unit in ("T", "G", "M", "K"):
        if size >= _UNITS[unit] and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def volid(storage: Storage, vmid: int, name: str, suffix: str = "") -> str:
    if storage.kind in FILE_KINDS:
        return f"{storage.name}:{vmid}/{name}.{suffix or 'qcow2'}"
    return f"{storage.name}:{name}"


def storage_named(world: World, name: str, node: str) -> Storage:
    """Raise WorkError when it is unknown, or not there for this node."""
    storage = world.storages.get(name)
    if storage is None:
        raise WorkError(f"storage '{name}' does not exist")
    if node not in storage.nodes:
        raise WorkError(f"storage '{name}' is not available on node '{node}'")
    return storage


def used(world: World, storage: Storage, node: str) -> int:
    """Bytes taken; a linked clone costs next to nothing."""
    return 843_776 + sum(
        volume.size if not volume.base else 200_704
        for volume in world.volumes.values()
        if volume.storage == storage.name and (storage.shared or volume.node == node)
    )


def next_name(world: World, storage: Storage, vmid: int) -> str:
    taken = " ".join(v.volid for v in world.volumes.values() if v.storage == storage.name)
    number = next(n for n in range(1000) if not re.search(rf"(vm|base)-{vmid}-disk-{n}\b", taken))
    return f"vm-{vmid}-disk-{number}"


def check_name(storage: Storage, name: str) -> None:
    """Raise WorkError when the part behind the colon cannot be a volume of this storage."""
    if storage.kind in FILE_KINDS:
        if not re.fullmatch(r"\d+/.+|(iso|snippets|vztmpl|backup)/.+", name):
            raise WorkError(f"unable to parse directory volume name '{name}'")
    elif not re.fullmatch(r"(base-.+/)?(vm|base)-\d+-.+", name):
        raise WorkError(f"unable to parse {storage.kind} volume name '{name}'")


def snippet_demand(world: World, volume: str, node: str) -> None:
    """Raise WorkError when a node that makes a cloud-init disc cannot read the document."""
    storage = storage_named(world, volume.partition(":")[0], node)
    name = volume.partition(":")[2]
    check_name(storage, name)
    if not name.startswith("snippets/"):
        raise WorkError(f"{volume} is not in the snippets directory")
    if storage.is_offline:
        raise WorkError(f"storage '{storage.name}' is not online")
    if node not in world.snippets.get(volume, ()):
        raise WorkError(f"volume '{volume}' does not exist")


_FOLDERS = {"backup": "dump", "iso": "template/iso", "vztmpl": "template/cache"}


def path_of(storage: Storage, volume: str) -> str:
    """Answer where the volume lies, as seen from the node."""
    name = volume.partition(":")[2]
    if storage.kind not in FILE_KINDS:
        return f"/dev/{storage.name}/{name.rpartition('/')[2]}"
    top = "/var/lib/vz" if storage.kind == "dir" else f"/mnt/pve/{storage.name}"
    folder, _, rest = name.partition("/")
    if folder in _FOLDERS:
        return f"{top}/{_FOLDERS[folder]}/{rest}"
    return f"{top}/images/" + "/".join(name.split("/")[-2:])


def refuse_full(sim: Simulation, scope: Scope, storage: Storage, node: str, size: int) -> None:
    facts = {**scope.facts, "storage": storage.name}
    if storage.is_offline or sim.faults.take("storage_offline", facts):
        raise WorkError(f"storage '{storage.name}' is not online")
    lacks = storage.total - used(sim.world, storage, node) < size
    fault = None if lacks or storage.is_full else sim.faults.take("storage_full", facts)
    if lacks or storage.is_full or fault:
        word = "No space left on device" if storage.kind in FILE_KINDS else "not enough free space"
        word = str(fault.param("message", word)) if fault else word
        raise WorkError(f"unable to create image: {word}")


async def allocate(
    sim: Simulation,
    scope: Scope,
    *,
    storage: Storage,
    node: str,
    vmid: int,
    size: int,
    name: str = "",
    suffix: str = "qcow2",
    base: str = "",
) -> Volume:
    """Make a volume under the storage lock.

    Raises WorkError when the lock is not granted or the space is not there.
    """
    async with sim.locks.storage(scope, node, storage.name, shared=storage.shared):
        refuse_full(sim, scope, storage, node, 0 if base else size)
        await sim.clock.sleep(storage.alloc_s)
        chosen = name or next_name(sim.world, storage, vmid)
        own = volid(storage, vmid, chosen, suffix)
        full = f"{base}/{own.partition(':')[2]}" if base else own
        if full in sim.world.volumes:
            raise WorkError(f"unable to create image: volume '{full}' already exists")
        place = "" if storage.shared else node
        volume = Volume(full, storage.name, place, vmid, size, base)
        sim.world.volumes[full] = volume
        sim.touch()
    _say_formatting(scope, storage, volume, suffix)
    return volume


def _say_formatting(scope: Scope, storage: Storage, volume: Volume, suffix: str) -> None:
    if storage.kind not in FILE_KINDS:
        return
    path = path_of(storage, volume.volid)
    if volume.base:
        source = volume.base.partition(":")[2]
        target = path.rsplit("/", 1)[-1]
        scope.say(f"clone {source}: images, {target}, {volume.vmid} to {target} (base=../{source})")
        linked = _QCOW.replace("65536", "131072").replace("extended_l2=off", "extended_l2=on")
        backing = f"backing_file=../{source} backing_fmt=qcow2 lazy"
        shape = linked.format(size=volume.size).replace("lazy", backing, 1)
        scope.say(f"Formatting '{path}', {shape}")
    elif suffix == "qcow2":
        scope.say(f"Formatting '{path}', {_QCOW.format(size=volume.size)}")
    else:
        scope.say(f"Formatting '{path}', fmt={suffix} size={volume.size} preallocation=off")


async def free(sim: Simulation, scope: Scope, volume_id: str) -> None:
    """Remove a volume under the storage lock; one that is gone already is no matter."""
    volume = sim.world.volumes.get(volume_id)
    if volume is None:
        return
    storage = sim.world.storages[volume.storage]
    node = volume.node or str(scope.facts.get("node", ""))
    async with sim.locks.storage(scope, node, storage.name, shared=storage.shared):
        await sim.clock.sleep(storage.alloc_s / 2)
        sim.world.volumes.pop(volume_id, None)
        sim.touch()


def format_of(volume: Volume) -> str:
    """Answer what the bytes are wrapped in, which only files tell by their name."""
    name = volume.volid.rpartition("/")[2]
    if volume.content == "backup":
        return name.partition(".")[2]
    suffix = name.rpartition(".")[2]
    return suffix if "." in name and suffix in ("qcow2", "vmdk", "iso") else "raw"


def has_feature(world: World, volume: Volume, feature: str) -> bool:
    """Tell whether the storage can do that with this volume."""
    kind, is_base = world.storages[volume.storage].kind, bool(_BASE.search(volume.volid))
    if feature == "copy":
        return True
    if kind in FILE_KINDS:
        able = is_base if feature == "clone" else format_of(volume) == "qcow2"
    else:
        able = kind in THIN_KINDS and (feature == "snapshot" or is_base)
    return able


def scribble(volume: Volume) -> None:
    """Let a guest write: from now on these bytes are like no other's."""
    generation = int(volume.fingerprint.rpartition(":")[2]) + 1
    volume.fingerprint = f"{random.randbytes(6).hex()}:{generation}"


def linked_clones(world: World, volume_id: str) -> list[Volume]:
    return [volume for volume in world.volumes.values() if volume.base == volume_id]


async def grow(sim: Simulation, scope: Scope, volume: Volume, size: int) -> None:
    """Raise WorkError when the additional space is not there."""
    storage = sim.world.storages[volume.storage]
    node = volume.node or str(scope.facts.get("node", ""))
    async with sim.locks.storage(scope, node, storage.name, shared=storage.shared):
        refuse_full(sim, scope, storage, node, size - volume.size)
        await sim.clock.sleep(storage.alloc_s)
        volume.size = size
        sim.touch()
