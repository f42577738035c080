"""Workers that die at any call about a disk: never two disks, never none without everything released."""

from __future__ import annotations

import pytest

from provisioning.models import Deployment, Volume
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning import scenes
from tests.provisioning import volume_scenes as play
from tests.provisioning.test_crash import EVERY, POSSIBLE_CALLS, WRITES, killed_at

# The calls that change something, at least, by verb: the shelf exists already.
LEAST = {"create": 2, "detach": 1, "attach": 1, "resize": 1, "grow": 3, "delete": 2}
VERBS = tuple(LEAST)


def _asked(cloud: Cloud, deployment: Deployment, verb: str, number: int) -> Volume:
    """The verb asked for, on a volume in the state it needs."""
    name = f"data-{number}"
    if verb == "create":
        return play.requested(cloud, deployment, name)
    row = play.attached(cloud, deployment, name)
    if verb in {"attach", "grow"}:
        row = play.acted(cloud, row, "detach")
    more = {"size_gb": 9} if verb in {"resize", "grow"} else {}
    play.asked(cloud, row, "resize" if verb == "grow" else verb, **more)
    return row


def _is_right(cloud: Cloud, deployment: Deployment, verb: str, asked: Volume) -> None:
    row = play.reloaded(asked)
    found = play.disks(cloud, row)
    expected = {
        "create": ("attached", 5, 1),
        "attach": ("attached", 5, 1),
        "detach": ("detached", 5, 0),
        "resize": ("attached", 9, 1),
        "grow": ("detached", 9, 0),
    }
    if verb == "delete":
        assert (row.status, row.attention, found) == ("deleted", None, [])
    else:
        status, size, plugged = expected[verb]
        (disk,) = found
        places = [(deployment.vmid, row.slot)] if plugged else []
        assert (row.status, row.action, row.attention) == (status, "", None)
        assert (disk["size"], row.size_gb, disk["drives"]) == (size * 2**30, size, places)
    assert play.books_balance()
    assert (len(play.shelves(cloud)), len(play.benches(cloud)) <= 1) == (1, True)


def survives(cloud: Cloud, verb: str, when: str, methods: str, step: int) -> None:
    """Kills at every `step`-th call of the verb until one ends without being killed."""
    deployment = scenes.running(cloud)
    play.acted(cloud, play.attached(cloud, deployment, "first"), "delete")
    for number in range(1, POSSIBLE_CALLS, step):
        row = _asked(cloud, deployment, verb, number)
        was_killed = killed_at(when, number, methods)
        scenes.leases_expire()
        run_until_idle()
        _is_right(cloud, deployment, verb, row)
        if not was_killed:
            assert number > LEAST[verb] or step > 1
            return
        if verb != "delete":
            play.acted(cloud, row, "delete")
    pytest.fail("it never ended")


@pytest.mark.parametrize("verb", ["create", pytest.param("delete", marks=pytest.mark.soak), "grow"])
def test_killed_after_a_change_of_a_disk_is_settled_by_looking(cloud: Cloud, verb: str) -> None:
    survives(cloud, verb, "after", WRITES, 1)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_every_call_about_a_disk(cloud: Cloud, verb: str, when: str) -> None:
    survives(cloud, verb, when, EVERY, 1)


@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.soak), "after"])
def test_killed_at_the_first_disk_of_a_cluster_leaves_one_shelf(cloud: Cloud, when: str) -> None:
    deployment = scenes.running(cloud)
    row = play.requested(cloud, deployment)
    assert killed_at(when, 1, WRITES)
    scenes.leases_expire()
    run_until_idle()
    _is_right(cloud, deployment, "create", row)
