"""Every verb about copies as one play: what it needs, how it is asked for, and what is right at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provisioning.models import Backup, Deployment, Snapshot
from provisioning.services.copies import backups, restores, snapshots
from tests.conftest import Cloud
from tests.provisioning import scenes as machines
from tests.provisioning.copies import scenes

OURS_FROM = 20_000


@dataclass
class Stage:
    """One machine with what stands around it; `asked` is what the verb was asked about last."""

    cloud: Cloud
    deployment: Deployment
    snapshot: Snapshot | None = None
    backup: Backup | None = None
    made: Deployment | None = None
    saved: list[str] = field(default_factory=list)

    def ask(self, service: Callable[..., Any], **values: Any) -> Any:
        return scenes.asked(self.cloud, service, **values)[0]

    def tasks(self, kind: str) -> int:
        """How many tasks of a kind the cluster has ever begun, on our machines and archives."""
        rows = self.cloud.simulator.state()["tasks"]
        return sum(f":{kind}:" in row["upid"] for row in rows)

    def taken(self) -> list[str]:
        """The snapshots of the machine, as the cluster lists them."""
        path = f"/nodes/{self.deployment.node}/qemu/{self.deployment.vmid}/snapshot"
        rows = self.cloud.simulator.api("GET", path).json()["data"]
        return sorted(row["name"] for row in rows if row["name"] != "current")


@dataclass(frozen=True)
class Play:
    """`task` is begun once, and once only; `writes` is how many changing calls the verb makes at least."""

    prepare: Callable[[Stage, int], None]
    ask: Callable[[Stage, int], None]
    demand: Callable[[Stage], None]
    clean: Callable[[Stage], None]
    call: dict[str, str]
    task: str
    writes: int = 1


def _nothing(stage: Stage, number: int = 0) -> None:
    del stage, number


def snapshotted(stage: Stage, number: int) -> None:
    stage.snapshot = scenes.snapshotted(stage.cloud, stage.deployment, f"at-{number}")
    stage.saved = scenes.disk_bytes(stage.cloud, stage.deployment.vmid)


def backed_up(stage: Stage, number: int) -> None:
    """A backup, of a machine that is off from then on: one is enough, unless it was deleted."""
    if stage.backup is None or scenes.backup_of(stage.backup).status == "deleted":
        if machines.reloaded(stage.deployment).status == "running":
            scenes.stopped(stage.cloud, stage.deployment)
        stage.saved = scenes.disk_bytes(stage.cloud, stage.deployment.vmid)
        stage.backup = scenes.backed_up(stage.cloud, stage.deployment)


def backed_up_and_changed(stage: Stage, number: int) -> None:
    backed_up(stage, number)
    path = f"/nodes/{stage.deployment.node}/qemu/{stage.deployment.vmid}/status"
    for verb in ("start", "stop"):
        stage.cloud.simulator.run("POST", f"{path}/{verb}")
    assert scenes.disk_bytes(stage.cloud, stage.deployment.vmid) != stage.saved


def ask_snapshot(stage: Stage, number: int) -> None:
    stage.snapshot = stage.ask(
        snapshots.snapshot_create, deployment_id=stage.deployment.pk, name=f"at-{number}"
    )


def ask_rollback(stage: Stage, number: int) -> None:
    assert stage.snapshot
    stage.ask(
        snapshots.snapshot_rollback,
        deployment_id=stage.deployment.pk,
        snapshot_id=stage.snapshot.pk,
    )


def ask_snapshot_deletion(stage: Stage, number: int = 0) -> None:
    assert stage.snapshot
    stage.ask(
        snapshots.snapshot_delete,
        deployment_id=stage.deployment.pk,
        snapshot_id=stage.snapshot.pk,
    )


def ask_backup(stage: Stage, number: int) -> None:
    stage.backup = stage.ask(backups.backup_create, deployment_id=stage.deployment.pk)


def ask_backup_deletion(stage: Stage, number: int = 0) -> None:
    assert stage.backup
    stage.ask(backups.backup_delete, backup_id=stage.backup.pk)


def ask_restore(stage: Stage, number: int) -> None:
    assert stage.backup
    stage.ask(restores.restore_in_place, backup_id=stage.backup.pk)


def ask_drill(stage: Stage, number: int) -> None:
    assert stage.backup
    stage.made = stage.ask(
        restores.restore_as_new,
        tenant_id=stage.deployment.tenant_id,
        owner_id=stage.deployment.owner_id,
        backup_id=stage.backup.pk,
        name=f"drill-{number}",
    )


def snapshot_is_there(stage: Stage) -> None:
    assert stage.snapshot
    row = scenes.snapshot_of(stage.snapshot)
    assert (row.status, row.failure, stage.taken()) == ("ready", "", [row.name])


def snapshot_is_gone(stage: Stage) -> None:
    assert stage.snapshot
    row = scenes.snapshot_of(stage.snapshot)
    assert (row.status, row.failure, stage.taken()) == ("deleted", "", [])


def is_rolled_back(stage: Stage) -> None:
    snapshot_is_there(stage)
    vm = stage.cloud.simulator.vm(stage.deployment.vmid) or {}
    assert (machines.reloaded(stage.deployment).status, vm["status"]) == ("running", "running")


def archive_is_there(stage: Stage) -> None:
    assert stage.backup
    row = scenes.backup_of(stage.backup)
    assert (row.status, row.failure) == ("complete", "")
    assert scenes.archives(stage.cloud) == [row.volume_id]


def archive_is_gone(stage: Stage) -> None:
    assert stage.backup
    row = scenes.backup_of(stage.backup)
    assert (row.status, row.failure, scenes.archives(stage.cloud)) == ("deleted", "", [])


def is_written_over(stage: Stage) -> None:
    archive_is_there(stage)
    row = machines.reloaded(stage.deployment)
    assert (row.status, row.attention) == ("stopped", None)
    assert scenes.disk_bytes(stage.cloud, row.vmid) == stage.saved


def is_made_anew(stage: Stage) -> None:
    archive_is_there(stage)
    assert stage.made
    row = machines.reloaded(stage.made)
    vm = stage.cloud.simulator.vm(row.vmid) or {}
    assert (row.status, row.attention, vm["status"]) == ("running", None, "running")
    assert (vm["uuid"], vm["config"]["description"].split()[0]) == (row.guest_uuid, row.marker)


def machine_deleted(stage: Stage) -> None:
    assert stage.made
    assert scenes.deleted(stage.cloud, stage.made).status == "deleted"
    stage.made = None


PLAYS = {
    "snapshot.create": Play(
        _nothing,
        ask_snapshot,
        snapshot_is_there,
        ask_snapshot_deletion,
        {"method": "POST", "path": "/snapshot$"},
        "qmsnapshot",
    ),
    "snapshot.rollback": Play(
        snapshotted,
        ask_rollback,
        is_rolled_back,
        ask_snapshot_deletion,
        {"method": "POST", "path": "/rollback$"},
        "qmrollback",
    ),
    "snapshot.delete": Play(
        snapshotted,
        ask_snapshot_deletion,
        snapshot_is_gone,
        _nothing,
        {"method": "DELETE", "path": "/snapshot/"},
        "qmdelsnapshot",
    ),
    "backup.create": Play(
        _nothing,
        ask_backup,
        archive_is_there,
        ask_backup_deletion,
        {"method": "POST", "path": "/vzdump$"},
        "vzdump",
    ),
    "backup.delete": Play(
        backed_up,
        ask_backup_deletion,
        archive_is_gone,
        _nothing,
        {"method": "DELETE", "path": "/content/"},
        "imgdel",
    ),
    "backup.restore": Play(
        backed_up_and_changed,
        ask_restore,
        is_written_over,
        _nothing,
        {"method": "POST", "path": "/qemu$"},
        "qmrestore",
    ),
    "backup.restore_new": Play(
        backed_up,
        ask_drill,
        is_made_anew,
        machine_deleted,
        {"method": "POST", "path": "/qemu$"},
        "qmrestore",
        writes=3,
    ),
}


def count_of_ours(stage: Stage) -> int:
    """Machines in our range: never more than the ones that live."""
    return sum(vm["vmid"] >= OURS_FROM for vm in stage.cloud.simulator.state()["vms"])
