"""Every fault the simulator knows × every verb about copies: one archive at most, nobody wronged, no lie told."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.base.registry import HOSTS
from portal.models import Operation
from portal.states import OPEN_STATUSES
from provisioning.logic.copy_states import BACKUP_OPEN, SNAPSHOT_BUSY
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes as machines
from tests.provisioning.copies import scenes
from tests.provisioning.copies.plays import PLAYS, Stage, count_of_ours
from tests.provisioning.test_fault_matrix import ANY, CALL, ORDERS, OURS, TASK, strangers

# Those that lie about what they did, on the verbs whose repetition would do harm; `make soak` plays all.
SHORT = {
    ("timeout", 1, "backup.create"),
    ("worker_crash", 2, "backup.create"),
    ("task_invisible", 0, "snapshot.rollback"),
}
CASES = [
    pytest.param(
        kind, number, verb, marks=() if (kind, number, verb) in SHORT else pytest.mark.soak
    )
    for kind, orders in ORDERS.items()
    for number in range(len(orders))
    for verb in PLAYS
]


pytestmark = pytest.mark.usefixtures("fresh_gates")


def strike(stage: Stage, kind: str, number: int, verb: str) -> None:
    """Orders the fault against what the verb calls, the task that starts, or our machine."""
    aim, params, count = ORDERS[kind][number]
    play = PLAYS[verb]
    vmid = {"vmid": stage.deployment.vmid}
    match: dict[str, Any] = {CALL: play.call, TASK: {"task": play.task}, OURS: vmid, ANY: {}}[aim]
    stage.cloud.simulator.fault(kind, match=match, count=count, **params)


def is_open() -> list[str]:
    """What was begun and has not ended."""
    rows = Operation.across_tenants.filter(status__in=OPEN_STATUSES).exclude(type="pod.refresh")
    return list(rows.values_list("type", flat=True))


def demand_truth(stage: Stage, before: dict[str, Any]) -> None:
    """Rows say what the cluster holds, nothing is doubled, nobody else is touched."""
    now = strangers(stage.cloud)
    assert {uuid: now.get(uuid) for uuid in before} == before
    assert is_open() == []
    assert machines.quota_is_true(stage.cloud.world)
    held = scenes.archives(stage.cloud)
    assert len(held) <= 1
    assert count_of_ours(stage) - len(now) + len(before) <= (2 if stage.made else 1)
    if stage.snapshot:
        row = scenes.snapshot_of(stage.snapshot)
        assert row.status not in SNAPSHOT_BUSY
        assert row.status != "deleted" or row.name not in stage.taken()
    if stage.backup:
        backup = scenes.backup_of(stage.backup)
        assert backup.status not in {*BACKUP_OPEN, "deleting"}
        assert backup.status != "complete" or held == [backup.volume_id]
        assert backup.status != "deleted" or held == []


@pytest.mark.parametrize(("kind", "number", "verb"), CASES)
def test_a_fault_in_a_verb_about_copies(cloud: Cloud, kind: str, number: int, verb: str) -> None:
    stage = Stage(cloud, machines.running(cloud))
    play = PLAYS[verb]
    play.prepare(stage, 1)
    known = strangers(cloud)
    strike(stage, kind, number, verb)
    play.ask(stage, 1)
    run_until_idle()
    cloud.simulator.clear_faults()
    HOSTS._gates.clear()
    demand_truth(stage, known)
