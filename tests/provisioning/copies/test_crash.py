"""Workers that die at any call about a copy: one archive, one snapshot, one machine, and the right bytes."""

from __future__ import annotations

import pytest

from tests.conftest import Cloud
from tests.engine import run_until_idle, worker_process
from tests.provisioning import scenes
from tests.provisioning.copies.plays import PLAYS, Stage, count_of_ours
from tests.provisioning.test_crash import EVERY, POSSIBLE_CALLS, WRITES, killed_at

VERBS = tuple(PLAYS)
# Those whose repetition would do harm; `make soak` plays all.
SHORT = {"backup.create", "backup.restore", "snapshot.rollback"}


@pytest.fixture
def stage(cloud: Cloud) -> Stage:
    return Stage(cloud, scenes.running(cloud))


def taken_up() -> None:
    """What happens after a death: the lease ends, somebody else goes on."""
    scenes.leases_expire()
    run_until_idle()


def demand_all(stage: Stage, verb: str, tasks_before: int) -> None:
    """The end is right, it was begun once, and nothing stands beside it that nobody asked for."""
    play = PLAYS[verb]
    play.demand(stage)
    assert stage.tasks(play.task) == tasks_before + 1
    assert count_of_ours(stage) == (2 if stage.made else 1)
    assert scenes.quota_is_true(stage.cloud.world)


def survives(stage: Stage, verb: str, when: str, methods: str, most: int = POSSIBLE_CALLS) -> None:
    """Kills at one call after the other until the verb ends without being killed."""
    play = PLAYS[verb]
    for number in range(1, most):
        play.prepare(stage, number)
        before = stage.tasks(play.task)
        play.ask(stage, number)
        was_killed = killed_at(when, number, methods)
        taken_up()
        demand_all(stage, verb, before)
        if not was_killed:
            assert number > play.writes
            return
        play.clean(stage)
        run_until_idle()
    pytest.fail("it never ended")


@pytest.mark.parametrize(
    "verb",
    [pytest.param(verb, marks=() if verb in SHORT else pytest.mark.soak) for verb in VERBS],
)
def test_killed_after_its_task_was_begun_a_copy_is_made_once(stage: Stage, verb: str) -> None:
    play = PLAYS[verb]
    play.prepare(stage, 1)
    before = stage.tasks(play.task)
    play.ask(stage, 1)
    assert killed_at("after", 1, WRITES)
    taken_up()
    demand_all(stage, verb, before)


def test_a_worker_process_killed_at_a_backup_is_survived(stage: Stage) -> None:
    play = PLAYS["backup.create"]
    play.ask(stage, 1)
    with worker_process(FAILPOINT="after:POST .*/vzdump$") as process:
        assert process.wait(timeout=60) == 137
    taken_up()
    demand_all(stage, "backup.create", 0)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_every_call_about_a_copy(stage: Stage, verb: str, when: str) -> None:
    survives(stage, verb, when, EVERY)
