"""Backups and snapshots in the palette: what can be asked for, what cannot and why, and what is found."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.models import Backup, Deployment, Snapshot
from tests.conftest import Cloud, World
from tests.engine import run_until_idle
from tests.factories.copies import paper_backup
from tests.factories.provisioning import VolumeFactory
from tests.portal.palette.asking import asked, machine, option, titles
from tests.provisioning.scenes import running

LABELS = {"back up": "Back up web-04", "snapshot": "Take a snapshot of web-04"}


def ready(world: World, **fields: Any) -> Deployment:
    return machine(world, "web-04", ready_at=clock.now(), **fields)


@pytest.mark.parametrize(("verb", "title"), [*LABELS.items()])
def test_a_copy_is_planned_and_made_by_the_pages_own_form(
    cloud: Cloud, verb: str, title: str
) -> None:
    running(cloud, name="web-04")
    person = cloud.world.people["support"]
    client = Client()
    client.force_login(person)

    plan = asked(person, f"{verb} web-04")["plan"]
    client.post(plan["action"], plan["fields"])
    run_until_idle()

    assert (plan["title"], plan["reason"]) == (title, None)
    (copy,) = [*Backup.across_tenants.all(), *Snapshot.across_tenants.all()]
    assert copy.status in {"complete", "ready"}


@pytest.mark.parametrize("verb", LABELS)
def test_a_copy_is_for_those_who_may_make_one(world: World, verb: str) -> None:
    ready(world, role="viewer")
    assert asked(world.people["viewer"], f"{verb} web-04")["plan"] is None
    assert titles(asked(world.people["viewer"], verb), "line") == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "stopping"}, "Another action is under way."),
        ({"ready_at": None}, "It was never ready: there is nothing to copy."),
    ],
)
def test_a_copy_that_the_state_forbids_says_why(
    world: World, fields: dict[str, Any], reason: str
) -> None:
    machine(world, "web-04", **{"ready_at": clock.now()} | fields)
    for verb, title in LABELS.items():
        found = option(asked(world.people["support"], f"{verb} web-04"), title)
        assert (found["reason"], found["line"]) == (reason, None)


@pytest.mark.parametrize(
    ("type_", "waits"),
    [("backup.create", ["back up"]), ("backup.restore", ["back up", "snapshot"])],
)
def test_a_copy_waits_for_what_is_under_way(world: World, type_: str, waits: list[str]) -> None:
    row = ready(world)
    Operation.across_tenants.create(
        tenant=world.north, queue="backups", type=type_, target_id=row.pk
    )
    told = {
        verb
        for verb, title in LABELS.items()
        if option(asked(world.people["support"], f"{verb} web-04"), title)["reason"]
        == "A copy of it is under way. Wait until it has ended."
    }
    assert told == set(waits)


def test_a_colleagues_machine_is_not_backed_up(world: World) -> None:
    ready(world, role="dev")
    found = option(asked(world.people["support"], "back up web-04"), "Back up web-04")
    assert found["reason"] == f"It belongs to {world.people['dev']}."


def test_a_plan_says_which_volumes_a_backup_leaves_out(world: World) -> None:
    row = ready(world)
    with tenant_scope(world.north.pk), transaction.atomic():
        VolumeFactory(deployment=row, name="data-1", status="attached")
    facts = asked(world.people["support"], "back up web-04")["plan"]["facts"]
    left_out = [fact for fact in facts if fact["label"] == "Not in it: its volumes"]
    assert [fact["after"] for fact in left_out] == ["data-1"]


def test_a_name_that_the_cluster_refuses_makes_no_plan(world: World) -> None:
    ready(world)
    plan = asked(world.people["support"], "snapshot web-04 named 4711")["plan"]
    assert plan["action"] is None
    assert plan["reason"].startswith("A name has 2 to 40 letters")


def test_backups_are_found_by_machine_and_notes(world: World) -> None:
    row = ready(world)
    paper_backup(row, notes="before the audit")
    found = [titles(asked(world.people["viewer"], line), "backup") for line in ("web-04", "audit")]
    assert [len(one) for one in found] == [1, 1]
    assert found[0][0].startswith("web-04 · ")


def test_a_backups_page_is_recent(world: World) -> None:
    backup = paper_backup(ready(world))
    reply = asked(world.people["support"], "", recent=(f"/backups/{backup.pk}",))
    assert [title.split(" · ")[0] for title in titles(reply, "recent")] == ["web-04"]


def test_nothing_of_another_organisations_backups_is_found(world: World) -> None:
    row = machine(world, "hidden-77", tenant=world.south, owner=world.stranger)
    backup = paper_backup(row)
    person = world.people["admin"]
    assert titles(asked(person, "hidden-77"), "backup") == []
    reply = asked(person, "", recent=(f"/backups/{backup.pk}",))
    assert titles(reply, "recent") == []
