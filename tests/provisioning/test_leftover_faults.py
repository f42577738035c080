"""Every fault the simulator knows × what ends leftovers: nobody wronged, nothing lied about, all of it mendable."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations.base.registry import HOSTS
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM
from portal.models import Operation
from portal.services.drains import drain
from provisioning.models import Cluster
from tests.conftest import Cloud
from tests.engine import TestDesk, run_until_idle
from tests.provisioning.leftover_plays import (
    PLAYS,
    ROOT,
    Play,
    Stage,
    demand_end,
    demand_truth,
    last,
    recovered,
    staged,
)
from tests.provisioning.scenes import leases_expire
from tests.provisioning.test_crash import killed_at
from tests.provisioning.test_fault_matrix import ANY, CALL, ORDERS, OURS, TASK
from tests.provisioning.twin import finding

CASES = [
    (kind, number, verb)
    for kind, orders in ORDERS.items()
    for number in range(len(orders))
    for verb in PLAYS
]


pytestmark = pytest.mark.usefixtures("fresh_gates")


@pytest.fixture
def stage(cloud: Cloud) -> Stage:
    return staged(cloud)


def strike(stage: Stage, play: Play, kind: str, number: int) -> None:
    """Orders the fault against what the verb calls, the task that starts, or the number."""
    aim, params, count = ORDERS[kind][number]
    vmid = {"vmid": stage.vmid}
    match: dict[str, Any] = {CALL: play.call, TASK: {"task": play.task}, OURS: vmid, ANY: {}}[aim]
    stage.cloud.simulator.fault(kind, match=match, count=count, **params)


def mended(stage: Stage) -> None:
    stage.cloud.simulator.clear_faults()
    HOSTS._gates.clear()


def demand_told(stage: Stage) -> None:
    """A cluster with quorum called the number free, and has the machine again: it runs, and is told."""
    stage.swept(2)
    machine = stage.cloud.simulator.vm(stage.vmid) or {}
    assert machine["status"] == "running"
    found = finding("reappeared", vmid=stage.vmid)
    assert (found.status, found.resolution) == ("open", "")


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "number", "verb"), CASES)
def test_a_fault_while_a_leftover_is_ended(stage: Stage, kind: str, number: int, verb: str) -> None:
    play = PLAYS[verb]
    play.prepare(stage, 1)
    stage.remember(play)
    strike(stage, play, kind, number)
    play.ask(stage)
    run_until_idle()
    mended(stage)
    if kind == "vanished_guests" and verb == "pod.destroy_forgotten":
        demand_told(stage)
        return
    demand_truth(stage, play)
    if last(play).status != "completed" and kind != "foreign_vm":
        assert recovered(stage, play) == "completed"
        demand_end(stage, play)


def test_a_machine_that_is_not_listed_may_have_the_disk_so_nothing_is_freed(stage: Stage) -> None:
    play = PLAYS["disks.free"]
    play.prepare(stage, 1)
    disk, neighbour = stage.shown[0], stage.neighbour
    path = f"/nodes/{neighbour.node}/qemu/{neighbour.vmid}/config"
    stage.cloud.simulator.run("POST", path, {"scsi5": disk}, token=ROOT)
    stage.remember(play)
    stage.cloud.simulator.fault("truncated_listing", count=0, vmids=[neighbour.vmid])
    play.ask(stage)
    drain("cloudpods", desk=TestDesk())
    waiting = last(play)
    text = f"The cluster does not list machine {neighbour.vmid}, which is there."
    assert (waiting.status, waiting.last_error) == ("pending", text)
    mended(stage)
    run_until_idle()
    assert last(play).last_error == f"Disk {disk} is in use by machine {neighbour.vmid}."
    assert set(stage.shown) <= set(stage.disks())
    stage.demand_others(play)


def test_a_proof_that_has_aged_is_made_again(stage: Stage) -> None:
    """Between the proof and the deletion somebody plugs the disk in: waiting long means looking again."""
    play = PLAYS["disks.free"]
    play.prepare(stage, 1)
    disk, neighbour = stage.shown[0], stage.neighbour
    play.ask(stage)
    assert killed_at("before", 1, "DELETE")
    path = f"/nodes/{neighbour.node}/qemu/{neighbour.vmid}/config"
    stage.cloud.simulator.run("POST", path, {"scsi5": disk}, token=ROOT)
    leases_expire()
    with clock.travelled(timedelta(minutes=11)):
        run_until_idle()
    assert last(play).last_error == f"Disk {disk} is in use by machine {neighbour.vmid}."
    assert set(stage.shown) <= set(stage.disks())


@pytest.mark.soak
def test_what_is_out_of_service_keeps_its_disks_until_it_is_over(stage: Stage) -> None:
    play = PLAYS["disks.free"]
    play.prepare(stage, 1)
    stage.remember(play)
    rows = Cluster.objects.using(PLATFORM).filter(pk=stage.cloud.cluster.pk)
    rows.update(is_in_maintenance=True, maintenance_reason="New switches.")
    play.ask(stage)
    position = stage.cloud.simulator.log_position()
    drain("cloudpods", desk=TestDesk())
    assert last(play).steps[0]["detail"].endswith("New switches.")
    assert stage.cloud.simulator.log(position) == []
    rows.update(is_in_maintenance=False)
    Operation.across_tenants.filter(pk=last(play).pk).update(scheduled_at=clock.now())
    run_until_idle()
    demand_end(stage, play)
