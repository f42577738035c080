"""Workers that die at any call while leftovers are ended: gone is what was meant, once, and nothing else."""

from __future__ import annotations

import pytest

from tests.conftest import Cloud
from tests.engine import run_until_idle, worker_process
from tests.provisioning.leftover_plays import PLAYS, Stage, demand_end, staged
from tests.provisioning.scenes import leases_expire
from tests.provisioning.test_crash import EVERY, POSSIBLE_CALLS, WRITES, killed_at

VERBS = tuple(PLAYS)
# Before a disk is freed the configuration of every machine is read.
MOST_CALLS = 3 * POSSIBLE_CALLS


@pytest.fixture
def stage(cloud: Cloud) -> Stage:
    return staged(cloud)


def asked(stage: Stage, verb: str, number: int = 1) -> None:
    play = PLAYS[verb]
    play.prepare(stage, number)
    stage.remember(play)
    play.ask(stage)


def taken_up() -> None:
    """What happens after a death: the lease ends, somebody else goes on."""
    leases_expire()
    run_until_idle()


def survives(stage: Stage, verb: str, when: str, methods: str, least: int) -> None:
    """Kills at one call after the other until the verb ends without being killed."""
    for number in range(1, MOST_CALLS):
        asked(stage, verb, number)
        was_killed = killed_at(when, number, methods)
        taken_up()
        demand_end(stage, PLAYS[verb])
        if not was_killed:
            assert number > least
            return
    pytest.fail("it never ended")


@pytest.mark.parametrize(
    ("verb", "number"),
    [
        ("disks.free", 1),
        ("pod.destroy_forgotten", 3),
        pytest.param("pod.destroy_forgotten", 2, marks=pytest.mark.soak),
    ],
)
def test_killed_after_a_change_the_rest_is_done_and_no_more(
    stage: Stage, verb: str, number: int
) -> None:
    asked(stage, verb)
    assert killed_at("after", number, WRITES)
    taken_up()
    demand_end(stage, PLAYS[verb])


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_every_call_that_ends_a_leftover(stage: Stage, verb: str, when: str) -> None:
    survives(stage, verb, when, EVERY, PLAYS[verb].writes + 5)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("verb", "failpoint"),
    [
        ("disks.free", "after:DELETE .*/content/.*:2"),
        ("disks.free", "engine:saved:2"),
        ("disks.free", "engine:settling:3"),
        ("pod.destroy_forgotten", "after:POST .*/status/stop$"),
        ("pod.destroy_forgotten", "after:DELETE .*/qemu/[0-9]+$"),
        ("pod.destroy_forgotten", "engine:saved:4"),
        ("pod.destroy_forgotten", "engine:settling:5"),
    ],
)
def test_a_worker_process_killed_for_real_is_survived(
    stage: Stage, verb: str, failpoint: str
) -> None:
    asked(stage, verb)
    with worker_process(FAILPOINT=failpoint) as process:
        assert process.wait(timeout=60) == 137
    taken_up()
    demand_end(stage, PLAYS[verb])
