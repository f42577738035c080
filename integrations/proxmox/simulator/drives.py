"""The drives of a machine: reading their options, allocating, detaching, growing, freeing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from integrations.proxmox.simulator import access, schema, settings, volumes
from integrations.proxmox.simulator.errors import WorkError, invalid
from integrations.proxmox.simulator.scope import Identity, Scope
from integrations.proxmox.simulator.world import GIB, Machine, Volume

if TYPE_CHECKING:
    from integrations.proxmox.simulator.simulation import Simulation

_SIZE = re.compile(r"\d+(\.\d+)?")
_CONFIG = "/nodes/{node}/qemu/{vmid}/config"


def options(key: str, value: str) -> dict[str, str]:
    """Answer the property string of one drive; `file` is the volume."""
    return schema.parsed(str(schema.parameters(_CONFIG, "PUT")[key]["format"]), value)


def volume_of(value: str) -> str:
    return value.partition(",")[0].removeprefix("file=").removeprefix("volume=")


def of(machine: Machine) -> dict[str, str]:
    """Answer the drives that are volumes, by key."""
    return within(machine.config)


def within(config: dict[str, Any]) -> dict[str, str]:
    """Answer the drives of a configuration, be it the current one or that of a snapshot."""
    return {
        key: str(value)
        for key, value in sorted(config.items())
        if settings.DRIVE.fullmatch(key) and ":" in volume_of(str(value))
    }


def disks(config: dict[str, Any]) -> dict[str, str]:
    """Answer the drives that hold data: no disc of any kind."""
    return {key: value for key, value in within(config).items() if "media=cdrom" not in value}


def is_left_out(key: str, value: str) -> bool:
    """Say whether backups leave the drive out (`backup=0`)."""
    return options(key, value).get("backup") == "0"


def is_cloudinit(value: str) -> bool:
    return "cloudinit" in volume_of(value)


def is_iso(value: str) -> bool:
    return "media=cdrom" in value and not is_cloudinit(value)


def check(
    sim: Simulation, identity: Identity, node: str, values: dict[str, Any], *, vmid: int
) -> None:
    """Refuse what no worker would be started for; another machine's disk takes a right on that one.

    Raises WorkError for unknown storages and volumes, ApiError(403) without the privilege.
    """
    for key, value in sorted(values.items()):
        if not settings.DRIVE.fullmatch(key):
            continue
        source = volume_of(str(value))
        if source in ("none", "cdrom"):
            continue
        if source.startswith("/"):
            raise WorkError("Only root can pass arbitrary filesystem paths.")
        name, _, rest = source.partition(":")
        storage = volumes.storage_named(sim.world, name, node)
        access.require(sim.world, identity, f"/storage/{name}", "Datastore.AllocateSpace")
        if origin := options(key, str(value)).get("import-from"):
            _refuse_import(sim, identity, key, rest, origin)
        elif not _SIZE.fullmatch(rest) and rest != "cloudinit":
            volumes.check_name(storage, rest)
            known = sim.world.volumes.get(source)
            if known is None and not rest.startswith("iso/"):
                raise WorkError(f"volume '{source}' does not exist")
            if known is not None and known.vmid not in (0, vmid):
                access.require(sim.world, identity, f"/vms/{known.vmid}", "VM.Config.Disk")


def _refuse_import(sim: Simulation, identity: Identity, key: str, size: str, origin: str) -> None:
    """Raise WorkError for an image that is not there, ApiError(403) for somebody else's."""
    if size != "0":
        words = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"
        raise invalid(**{key: words})
    found = sim.world.volumes.get(origin)
    if found is None:
        raise WorkError(f"volume '{origin}' does not exist")
    if found.vmid:
        access.require(sim.world, identity, f"/vms/{found.vmid}", "VM.Config.Disk")


async def realise(
    sim: Simulation, scope: Scope, *, node: str, vmid: int, key: str, value: str
) -> str:
    """Turn `storage:8` into a volume and answers the stored form.

    Raises WorkError when it cannot be allocated.
    """
    props = options(key, value)
    source = props.pop("file")
    suffix = props.pop("format", "")
    origin = sim.world.volumes.get(props.pop("import-from", ""))
    name, _, rest = source.partition(":")
    if source in ("none", "cdrom") or (not _SIZE.fullmatch(rest) and rest != "cloudinit"):
        return _spelled(source, props, sim)
    storage = volumes.storage_named(sim.world, name, node)
    is_seed = rest == "cloudinit"
    volume = await volumes.allocate(
        sim,
        scope,
        storage=storage,
        node=node,
        vmid=vmid,
        size=_size(origin, is_seed=is_seed, asked=rest),
        name=f"vm-{vmid}-cloudinit" if is_seed else "",
        suffix=suffix or ("qcow2" if is_seed else "raw"),
    )
    if origin is not None:
        await sim.clock.sleep(storage.copy_base_s + origin.size / GIB / storage.copy_gib_per_s)
        volume.fingerprint = origin.fingerprint
    if is_seed:
        written = f"{volume.volid},media=cdrom"
    else:
        props["size"] = volumes.text_of(volume.size)
        written = ",".join([volume.volid, *(f"{k}={v}" for k, v in props.items())])
    scope.say(f"{key}: successfully created disk '{written}'")
    return written


def _size(origin: Volume | None, *, is_seed: bool, asked: str) -> int:
    if origin is not None:
        return origin.size
    return volumes.CLOUDINIT_SIZE if is_seed else int(float(asked) * GIB)


def _spelled(source: str, props: dict[str, str], sim: Simulation) -> str:
    volume = sim.world.volumes.get(source)
    if volume and props.get("media") != "cdrom":
        props["size"] = volumes.text_of(volume.size)
    return ",".join([source, *(f"{k}={v}" for k, v in props.items())])


def with_size(value: str, size: int) -> str:
    parts = [part for part in value.split(",") if not part.startswith("size=")]
    return ",".join([*parts, f"size={volumes.text_of(size)}"])


def free_unused(machine: Machine) -> str:
    """Answer the first key for a volume that hangs on nothing."""
    return next(f"unused{n}" for n in range(256) if f"unused{n}" not in machine.config)


async def detach(sim: Simulation, scope: Scope, machine: Machine, key: str, *, force: bool) -> None:
    """Make a drive `unusedN`; an unused one, or any by force, loses its volume.

    A volume of another machine's number stays on its storage and leaves nothing behind.
    Raises WorkError when the machine is protected.
    """
    volume = volume_of(str(machine.config.get(key, "")))
    is_drive = bool(settings.DRIVE.fullmatch(key))
    if ":" not in volume or is_iso(str(machine.config.get(key, ""))):
        settings.put(machine, key, None)
        return
    if machine.config.get("protection"):
        raise WorkError(f"can't remove drive '{key}' - protection mode enabled")
    settings.put(machine, key, None)
    held = sim.world.volumes.get(volume)
    if key in machine.config or (held is not None and held.vmid != machine.vmid):
        return
    if is_drive and not force and not is_cloudinit(volume):
        machine.config[free_unused(machine)] = volume
    else:
        await volumes.free(sim, scope, volume)
