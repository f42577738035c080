"""What ends leftovers as plays: a forgotten machine that is back, and disks of nobody.

Each play says how its leftovers come about, how their end is asked for, and what is right then. All that is
somebody else's is remembered before and compared after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Operation
from portal.services.operations import operation_retry
from portal.states import OPEN_STATUSES, RETRYABLE_STATUSES
from provisioning.models import Deployment, Slot, VmidAllocation, Volume
from provisioning.services import decisions
from provisioning.services.observation import cluster_look
from provisioning.services.reconciliation import cluster_reconcile
from provisioning.services.retired_disks import finding_delete_disks
from provisioning.services.watch import finding_destroy
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes, volume_scenes
from tests.provisioning.twin import finding

STAFF = Actor.system("test")
NODE, STORAGE = "pve1", "ceph-vm"
ROOT = "root@pam!adm"
SETTLED = timedelta(minutes=2)


@dataclass
class Stage:
    """A machine of ours that stays; `past` is what the leftovers were of, `volume` what it must leave."""

    cloud: Cloud
    neighbour: Deployment
    past: Deployment | None = None
    volume: Volume | None = None
    shown: list[str] = field(default_factory=list)
    others: dict[str, Any] = field(default_factory=dict)

    @property
    def vmid(self) -> int:
        assert self.past
        return self.past.vmid

    def swept(self, times: int = 1) -> None:
        for _ in range(times):
            with clock.travelled(SETTLED):
                cluster_reconcile(self.cloud.cluster)

    def remember(self, play: Play) -> None:
        """What must be as it is: every machine and every disk that is not meant."""
        self.others = self._others(play)

    def _others(self, play: Play) -> dict[str, Any]:
        state = self.cloud.simulator.state()
        found: dict[str, Any] = {
            vm["uuid"]: (vm["node"], vm["vmid"], vm["status"], vm["config"])
            for vm in state["vms"]
            if vm["vmid"] != self.vmid
        }
        found |= {
            one["volid"]: (one["size"], one["fingerprint"])
            for one in state["volumes"]
            if not play.is_meant(self, one)
        }
        return found

    def demand_others(self, play: Play) -> None:
        now = self._others(play)
        assert [
            (one, now.get(key)) for key, one in self.others.items() if one != now.get(key)
        ] == []

    def disks(self) -> list[str]:
        """What bears the number on the storage."""
        state = self.cloud.simulator.state()
        return sorted(one["volid"] for one in state["volumes"] if one["vmid"] == self.vmid)


@dataclass(frozen=True)
class Play:
    """`call` is what carries the verb out, `task` what it starts; `writes` how many changes it takes."""

    type: str
    tag: str
    prepare: Callable[[Stage, int], None]
    ask: Callable[[Stage], None]
    is_meant: Callable[[Stage, dict[str, Any]], bool]
    demand: Callable[[Stage], None]
    call: dict[str, str]
    task: str
    writes: int


def staged(cloud: Cloud) -> Stage:
    cluster_look(cloud.cluster)
    return Stage(cloud, scenes.running(cloud, "neighbour"))


def last(play: Play) -> Operation:
    return Operation.across_tenants.filter(type=play.type).latest("pk")


def open_types() -> list[str]:
    rows = Operation.across_tenants.filter(status__in=OPEN_STATUSES).exclude(type="pod.refresh")
    return list(rows.values_list("type", flat=True))


def demand_end(stage: Stage, play: Play) -> None:
    """Exactly what is meant is gone, and it was told once."""
    operation = last(play)
    assert operation.status == "completed", operation.last_error
    play.demand(stage)
    stage.demand_others(play)
    entries = Entry.objects.using(PLATFORM).filter(tag=play.tag)
    assert entries.filter(operation_id=operation.pk).count() == 1
    assert open_types() == []
    assert not Slot.objects.using(PLATFORM).exists()
    assert volume_scenes.books_balance()


def demand_truth(stage: Stage, play: Play) -> None:
    """Either it ended well, or it says why not; nobody else was touched, and nothing is said to be gone."""
    stage.demand_others(play)
    operation = last(play)
    assert open_types() == []
    if operation.status == "completed":
        demand_end(stage, play)
        return
    assert operation.status in RETRYABLE_STATUSES
    assert operation.last_error
    found = finding(KINDS[play.type])
    assert (found.status, found.resolution) == ("open", "")


def recovered(stage: Stage, play: Play) -> str:
    """What a person does afterwards: the advice is followed, the operation retried."""
    for _ in range(4):
        operation = last(play)
        if operation.status not in RETRYABLE_STATUSES:
            break
        _follow(stage, str((operation.attention or {}).get("command", "")))
        with tenant_scope(operation.tenant_id):
            operation_retry(actor=STAFF, operation_id=operation.pk)
        run_until_idle()
    return str(last(play).status)


def _follow(stage: Stage, command: str) -> None:
    """Does on the node what the operation told a person to type."""
    control = stage.cloud.simulator.control
    if "pvesh delete" in command:
        control("POST", "/crash-task", {"upid": command.rpartition("/")[2]})
    if "qm unlock" in command:
        control("POST", "/unlock", {"vmid": stage.vmid})
    if "qm destroy" in command:
        control("POST", "/remove-vm", {"vmid": stage.vmid})


KINDS = {"disks.free": "orphan_disk", "pod.destroy_forgotten": "reappeared"}


def disks_left(stage: Stage, number: int) -> None:
    """A machine is gone, two disks with its number are not, and a third came after they were told."""
    if stage.past is None:
        row = scenes.running(stage.cloud, "gone")
        scenes.acted(stage.cloud, row, "delete")
        run_until_idle()
        stage.past = scenes.reloaded(row)
    for volume in stage.disks():
        path = f"/nodes/{NODE}/storage/{STORAGE}/content/{volume}"
        stage.cloud.simulator.run("DELETE", path, token=ROOT)
    stage.shown = [_disk_made(stage, f"{number}-{one}") for one in ("a", "b")]
    stage.swept()
    assert finding("orphan_disk").found["volumes"] == stage.shown
    _disk_made(stage, f"{number}-late")


def _disk_made(stage: Stage, name: str) -> str:
    api = stage.cloud.simulator.api
    body = {"filename": f"vm-{stage.vmid}-{name}", "vmid": stage.vmid, "size": "1G"}
    answer = api("POST", f"/nodes/{NODE}/storage/{STORAGE}/content", body, token=ROOT)
    return str(answer.json()["data"])


def ask_disks(stage: Stage) -> None:
    finding_delete_disks(actor=STAFF, finding_id=finding("orphan_disk").pk, typed=str(stage.vmid))


def is_shown(stage: Stage, disk: dict[str, Any]) -> bool:
    return disk["volid"] in stage.shown


def disks_are_gone(stage: Stage) -> None:
    assert not set(stage.disks()) & set(stage.shown)
    found = finding("orphan_disk")
    assert (found.status, found.resolution) == ("resolved", "deleted")


def forgotten(stage: Stage, number: int) -> None:
    """A machine with a volume was forgotten while its node was down; it is back, and runs."""
    cloud = stage.cloud
    row = scenes.running(cloud, f"lost-{number}")
    stage.volume = volume_scenes.attached(cloud, row, f"data-{number}")
    fault = cloud.simulator.fault("node_down", node=row.node)
    stage.swept(3)
    with tenant_scope(row.tenant_id):
        decisions.finding_forget(
            actor=STAFF,
            finding_id=finding("unreachable", vmid=row.vmid).pk,
            reason="The node burnt.",
        )
    del fault
    cloud.simulator.clear_faults()
    stage.past = scenes.reloaded(row)
    stage.swept(2)


def ask_destruction(stage: Stage) -> None:
    found = finding("reappeared", vmid=stage.vmid)
    finding_destroy(actor=STAFF, finding_id=found.pk, typed=str(stage.vmid))


def is_its_own(stage: Stage, disk: dict[str, Any]) -> bool:
    return bool(disk["vmid"] == stage.vmid)


def machine_is_gone(stage: Stage) -> None:
    assert stage.past
    assert stage.volume
    cloud = stage.cloud
    left = cloud.simulator.vm(stage.vmid)
    assert left is None or left["foreign"]
    if disks := stage.disks() if left is None else []:
        # Its destruction ended with warnings: what stayed is told, and freed by whoever says so.
        stage.swept()
        assert finding("orphan_disk", vmid=stage.vmid).found["volumes"] == disks
    volume = volume_scenes.reloaded(stage.volume)
    (disk,) = volume_scenes.disks(cloud, volume)
    assert (volume.status, volume.deployment_id, volume.slot, volume.attention) == (
        "detached",
        None,
        "",
        None,
    )
    assert disk["drives"] == []
    found = finding("reappeared", vmid=stage.vmid)
    assert (found.status, found.resolution) == ("resolved", "deleted")
    assert scenes.reloaded(stage.past).watched_until is None
    number = VmidAllocation.objects.using(PLATFORM).get(vmid=stage.vmid)
    is_kept = number.is_blocked if left else number.quarantined_until is not None
    assert is_kept


PLAYS = {
    "disks.free": Play(
        "disks.free",
        "finding.disks_deleted",
        disks_left,
        ask_disks,
        is_shown,
        disks_are_gone,
        {"method": "DELETE", "path": "/content/"},
        "imgdel",
        writes=2,
    ),
    "pod.destroy_forgotten": Play(
        "pod.destroy_forgotten",
        "pod.forgotten_destroyed",
        forgotten,
        ask_destruction,
        is_its_own,
        machine_is_gone,
        {"method": "DELETE", "path": "/qemu/[0-9]+$"},
        "qmdestroy",
        writes=3,
    ),
}
