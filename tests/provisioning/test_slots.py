"""Slots: what would be lock time-outs becomes a queue, in order, shared by all, and freed by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import transaction

from billing.models import Quota
from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from provisioning.models import Deployment, Node, Slot, SlotKind, Template
from provisioning.services.observation import cluster_look
from provisioning.services.slots import SlotWait, slot_free, slot_take, slots_sweep
from tests.conftest import Cloud, World
from tests.engine import run_until_idle
from tests.factories.provisioning import TemplateFactory
from tests.provisioning import paper, scenes


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """How many of the spans overlap at the fullest moment."""
    edges = [edge for start, end in spans for edge in ((start, 1), (end, -1))]
    running = most = 0
    for _moment, change in sorted(edges):
        running += change
        most = max(most, running)
    return most


def taken(deployment: Deployment, kind: SlotKind = SlotKind.CLONE) -> SlotWait | None:
    with tenant_scope(deployment.tenant_id):
        return slot_take(deployment, kind)


def wanting(world: World, template: Template, count: int) -> list[Deployment]:
    return [paper.deployment(world, template, name=f"web-{n}") for n in range(count)]


@pytest.mark.parametrize("count", [8, pytest.param(20, marks=pytest.mark.soak)])
def test_many_creations_at_once_are_queued_and_none_meets_a_lock(cloud: Cloud, count: int) -> None:
    Quota.objects.using("platform").create(tenant=cloud.world.north)
    cluster_look(cloud.cluster)
    for number in range(count):
        scenes.requested(cloud, f"web-{number}")
    run_until_idle()
    assert set(Deployment.across_tenants.values_list("status", flat=True)) == {"running"}
    tasks = [task for task in cloud.simulator.state()["tasks"] if ":qmclone:" in task["upid"]]
    assert [task["exitstatus"] for task in tasks] == ["OK"] * count
    assert most_at_once((task["starttime"], task["endtime"]) for task in tasks) <= 4
    logs = [line for task in cloud.simulator.state()["tasks"] for line in task.get("log", [])]
    assert [line for line in logs if "can't lock file" in str(line)] == []
    by_node = list(Deployment.across_tenants.values_list("node", flat=True))
    assert {name: by_node.count(name) > count // 5 for name in set(by_node)} == {
        "pve1": True,
        "pve2": True,
        "pve3": True,
    }
    assert not Slot.objects.using("platform").exists()


def test_who_finds_no_slot_is_told_where_and_how_many_are_ahead(world: World) -> None:
    rows = wanting(world, TemplateFactory(), 7)
    waits = [taken(row) for row in rows]
    assert [wait and (wait.place, wait.ahead) for wait in waits] == [
        *[None] * 4,
        ("ceph-vm", 0),
        ("ceph-vm", 1),
        ("ceph-vm", 2),
    ]
    assert str(waits[6]) == "waits for a free slot on ceph-vm, 2 ahead"


def test_a_free_slot_goes_to_who_waits_longest(world: World) -> None:
    rows = wanting(world, TemplateFactory(), 6)
    for row in rows:
        taken(row)
    with tenant_scope(rows[0].tenant_id):
        slot_free(rows[0].pk)
    assert taken(rows[5]) == SlotWait("ceph-vm", 1, 0.02)
    assert taken(rows[4]) is None


def test_a_held_slot_is_kept_when_it_is_asked_for_again(world: World) -> None:
    (row,) = wanting(world, TemplateFactory(), 1)
    assert taken(row) is None
    assert taken(row) is None
    assert Slot.objects.using("platform").count() == 1


def test_slots_are_shared_by_organisations(world: World) -> None:
    template = TemplateFactory()
    for row in wanting(world, template, 4):
        taken(row)
    wait = taken(paper.south(world, template))
    assert wait is not None
    assert (wait.place, wait.ahead) == ("ceph-vm", 0)


def test_a_node_has_a_limit_of_its_own(world: World) -> None:
    template = TemplateFactory()
    Node.objects.using("platform").update(clone_limit=1)
    first, second = wanting(world, template, 2)
    assert taken(first) is None
    wait = taken(second)
    assert wait is not None
    assert wait.place == "pve1"


def test_disks_do_not_queue_behind_clones(world: World) -> None:
    rows = wanting(world, TemplateFactory(), 5)
    for row in rows[:4]:
        taken(row)
    assert taken(rows[4], SlotKind.DISK) is None


def test_the_sweep_frees_what_nobody_uses_and_nothing_else(cloud: Cloud) -> None:
    busy, idle = scenes.requested(cloud, "busy"), paper.deployment(cloud.world, cloud.template)
    for row in (busy, idle):
        taken(row)
    slots_sweep()
    assert Slot.objects.using("platform").count() == 2
    with transaction.atomic(using="platform"):
        past = clock.now() - timedelta(seconds=61)
        Slot.objects.using("platform").update(renewed_at=past)
    slots_sweep()
    assert [slot.deployment_id for slot in Slot.objects.using("platform").all()] == [busy.pk]
