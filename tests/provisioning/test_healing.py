"""Healing: bounded, behind the fence, and never against anybody's wish or without knowing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from audit.models import Entry
from integrations.base.errors import Unavailable
from integrations.proxmox.interface import PowerState
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import Notification, Operation
from portal.services.operations import operation_cancel_for
from portal.services.settings import setting_change
from provisioning.models import Cluster, Deployment, HealAttempt, Node
from provisioning.services import healing, health_checks, leases, lifecycle
from provisioning.services.observation import observation_schedule
from tests.conftest import Cloud, World
from tests.engine import run_until_idle, wait_until
from tests.provisioning import scenes
from tests.provisioning.scenes import reloaded
from tests.provisioning.test_races import at_once
from tests.provisioning.ward import Ward, health


@pytest.fixture
def ward(world: World) -> Ward:
    return Ward(world)


def test_a_machine_that_fell_over_is_started_again(ward: Ward) -> None:
    row = ward.deployment()
    ward.fails(row)
    ward.look(2)
    assert ward.sent() == []
    ward.look()
    assert (ward.sent(), ward.attempts(row)) == (["start_submit"], ["done"])
    assert ward.fake.guest_status(row.node, row.vmid).power is PowerState.RUNNING
    ward.look()
    assert (health(row), ward.state(row).bad_count) == ("ok", 0)
    tags = Entry.objects.using("platform").filter(tag__startswith="pod.heal", category="health")
    assert list(tags.order_by("pk").values_list("tag", "actor_label")) == [
        ("pod.health_failed", "system:health"),
        ("pod.heal_requested", "system:auto-heal"),
        ("pod.healed", "system:auto-heal"),
        ("pod.health_recovered", "system:health"),
    ]
    assert Notification.objects.using("platform").filter(kind="health.healed").count() == 1


def test_a_machine_that_runs_and_does_not_answer_is_restarted_the_hard_way(ward: Ward) -> None:
    row = ward.deployment()
    ward.fake.agents[row.vmid] = True
    ward.look()
    ward.fake.agents[row.vmid] = False
    ward.look(3)
    assert (ward.sent(), ward.attempts(row)) == (["stop_submit", "start_submit"], ["done"])
    stop = next(call for call in ward.fake.calls if call.method == "stop_submit")
    assert stop.arguments["vmid"] == row.vmid
    assert reloaded(row).status == "running"


def test_a_flapping_machine_is_healed_as_often_as_it_may_be_and_then_a_person_is_asked(
    ward: Ward,
) -> None:
    ward.rule("auto_heal.failure_threshold", 1)
    row = ward.deployment()
    for _ in range(8):
        ward.fails(row)
        ward.look()
    assert (ward.sent().count("start_submit"), ward.attempts(row)) == (3, ["done"] * 3)
    attention = reloaded(row).attention or {}
    assert (attention["code"], attention["command"]) == (
        "heal_exhausted",
        f"qm status {row.vmid} --verbose",
    )
    given_up = Entry.objects.using("platform").filter(tag="pod.heal_exhausted")
    assert given_up.count() == 1
    people = Notification.objects.using("platform").filter(kind="health.given_up")
    told = {ward.world.people[role].pk for role in ("support", "ops", "admin")}
    assert set(people.values_list("user_id", flat=True)) == told


def test_the_question_to_a_person_goes_when_the_machine_is_well_again(ward: Ward) -> None:
    ward.rule("auto_heal.failure_threshold", 1)
    row = ward.deployment()
    for _ in range(4):
        ward.fails(row)
        ward.look()
    assert reloaded(row).attention is not None
    ward.power(row, PowerState.RUNNING)
    ward.look()
    assert (reloaded(row).attention, health(row)) == (None, "ok")


def test_healings_out_of_the_window_do_not_count(ward: Ward) -> None:
    ward.rule("auto_heal.failure_threshold", 1)
    row = ward.deployment()
    for _ in range(3):
        ward.fails(row)
        ward.look()
    long_ago = clock.now() - timedelta(hours=7)
    HealAttempt.objects.using("platform").update(created_at=long_ago, ended_at=long_ago)
    ward.fails(row)
    ward.look()
    assert ward.attempts(row) == ["done"] * 4


def test_the_next_healing_waits_longer_each_time(ward: Ward) -> None:
    ward.rule("auto_heal.failure_threshold", 1)
    ward.rule("auto_heal.backoff_minutes", 2)
    row = ward.deployment()

    def fell_over_after(minutes: int) -> int:
        earlier = clock.now() - timedelta(minutes=minutes)
        HealAttempt.objects.using("platform").update(ended_at=earlier)
        ward.fails(row)
        ward.look()
        return len(ward.attempts(row))

    assert [fell_over_after(minutes) for minutes in (0, 1, 2, 3, 4)] == [1, 1, 2, 2, 3]


def test_an_outage_of_the_cluster_heals_none_and_is_told_once(ward: Ward) -> None:
    ward.rule("auto_heal.circuit_minimum", 3)
    rows = [ward.deployment(f"web-{number}") for number in range(6)]
    ward.look()
    for row in rows:
        ward.fails(row)
    ward.look(6)
    assert (ward.sent(), HealAttempt.across_tenants.count()) == ([], 0)
    cluster = ward.cluster_now()
    assert cluster.heal_paused_reason == (
        "6 of 6 machines are unwell at once: that is the cluster, not the machines"
    )
    assert Entry.objects.using("platform").filter(tag="cluster.heal_paused").count() == 1
    for row in rows[:-1]:
        ward.power(row, PowerState.RUNNING)
    ward.look(2)
    assert ward.cluster_now().heal_paused_at is None
    assert ward.attempts(rows[-1]) == ["done"]
    assert len(ward.sent()) == 1


def test_an_unknown_storm_heals_none(ward: Ward) -> None:
    rows = [ward.deployment(f"web-{number}") for number in range(4)]
    for row in rows:
        ward.fails(row)
    ward.look(2)
    for row in rows:
        ward.power(row, PowerState.UNKNOWN)
    ward.look(6)
    assert (ward.sent(), {health(row) for row in rows}) == ([], {"unknown"})
    assert {ward.state(row).bad_count for row in rows} == {2}


def _clusters(ward: Ward, **values: Any) -> None:
    Cluster.objects.using("platform").filter(pk=ward.cluster.pk).update(**values)


def _rows(row: Deployment, **values: Any) -> None:
    Deployment.across_tenants.filter(pk=row.pk).update(**values)


def _node(ward: Ward, row: Deployment) -> None:
    Node.objects.using("platform").filter(name=row.node).update(is_in_maintenance=True)


AGAINST: dict[str, Callable[[Ward, Deployment], None]] = {
    "switched off for it": lambda ward, row: _rows(row, auto_heal=False),
    "stopped by people": lambda ward, row: _rows(row, desired_power="stopped"),
    "nobody knows": lambda ward, row: _rows(row, desired_power=""),
    "held": lambda ward, row: _rows(row, hold=True),
    "lease ended": lambda ward, row: _rows(row, expired_at=clock.now()),
    "lease about to end": lambda ward, row: _rows(
        row, expires_at=clock.now() + timedelta(minutes=10)
    ),
    "being deleted": lambda ward, row: _rows(row, status="deleting"),
    "failed": lambda ward, row: _rows(row, status="error"),
}
AGAINST_ALL: dict[str, Callable[[Ward, Deployment], None]] = {
    "switched off": lambda ward, row: ward.rule("auto_heal.enabled", False),
    "cluster in maintenance": lambda ward, row: _clusters(ward, is_in_maintenance=True),
    "node in maintenance": _node,
    "cluster in doubt": lambda ward, row: _clusters(ward, last_error="no answer"),
    "cluster not in use": lambda ward, row: _clusters(ward, is_active=False),
}


def test_what_stands_against_a_healing(ward: Ward) -> None:
    rows = {
        obstacle: ward.deployment(f"web-{n}") for n, obstacle in enumerate([*AGAINST, "nothing"])
    }
    ward.unheard(*rows.values())
    assert {ward.state(row).bad_count for row in rows.values()} == {3}
    for obstacle, act in AGAINST.items():
        act(ward, rows[obstacle])
    ward.look(is_listed=False)
    healing.cluster_heal(ward.cluster_now())
    run_until_idle()
    found = {obstacle: ward.attempts(row) for obstacle, row in rows.items()}
    assert found == {obstacle: [] for obstacle in AGAINST} | {"nothing": ["done"]}
    assert ward.sent() == ["start_submit"]


@pytest.mark.parametrize("obstacle", AGAINST_ALL)
def test_what_stands_against_all_healings(ward: Ward, obstacle: str) -> None:
    row = ward.deployment()
    ward.unheard(row, times=1)
    assert ward.state(row).bad_count == 1
    AGAINST_ALL[obstacle](ward, row)
    ward.rule("auto_heal.failure_threshold", 1)
    ward.look(is_listed=False)
    healing.cluster_heal(ward.cluster_now())
    run_until_idle()
    assert (ward.attempts(row), ward.sent()) == ([], [])


def test_a_stop_on_the_cluster_by_somebody_else_is_believed(ward: Ward) -> None:
    row = ward.deployment()
    ward.fake.halts[row.vmid] = ("root@pam", clock.now())
    ward.fails(row)
    ward.look(6)
    assert (ward.sent(), ward.attempts(row)) == ([], ["dropped"])
    assert reloaded(row).desired_power == "stopped"
    detail = HealAttempt.across_tenants.get().detail
    assert detail == "root@pam stopped it on the cluster."


def test_another_machine_under_the_number_is_not_touched(ward: Ward) -> None:
    row = ward.deployment()
    ward.unheard(row)
    ward.fake.replace_guest(row.vmid)
    healing.cluster_heal(ward.cluster_now())
    run_until_idle()
    assert (ward.sent(), ward.attempts(row)) == ([], ["failed"])
    assert (reloaded(row).attention or {})["code"] == "identity_mismatch"


def begun(ward: Ward) -> Deployment:
    """A machine whose healing was asked for, and nobody has begun it."""
    row = ward.deployment()
    ward.unheard(row)
    healing.cluster_heal(ward.cluster_now())
    assert ward.attempts(row) == ["running"]
    return row


def wish(row: Deployment, world: World, verb: str) -> None:
    with tenant_scope(row.tenant_id):
        getattr(lifecycle, f"deployment_{verb}")(actor=world.actor("ops"), deployment_id=row.pk)


def test_a_stop_that_comes_first_ends_the_healing(ward: Ward) -> None:
    row = begun(ward)
    _rows(row, status="running")
    wish(row, ward.world, "stop")
    run_until_idle()
    assert ward.attempts(row) == ["dropped"]
    assert ward.sent().count("start_submit") == 0
    assert (reloaded(row).status, reloaded(row).desired_power) == ("stopped", "stopped")


def test_a_deletion_that_comes_first_ends_the_healing(ward: Ward) -> None:
    row = begun(ward)
    wish(row, ward.world, "delete")
    run_until_idle()
    assert (ward.attempts(row), reloaded(row).status) == (["dropped"], "deleted")
    assert ward.sent().count("start_submit") == 0


def test_a_lease_that_ends_meanwhile_ends_the_healing(ward: Ward) -> None:
    row = begun(ward)
    _rows(row, expires_at=clock.now())
    run_until_idle()
    assert (ward.attempts(row), ward.sent()) == (["dropped"], [])


def test_a_hold_that_comes_first_ends_the_healing(ward: Ward) -> None:
    row = begun(ward)
    with tenant_scope(row.tenant_id):
        leases.deployment_hold(actor=ward.world.actor("ops"), deployment_id=row.pk, hold=True)
    run_until_idle()
    assert (ward.attempts(row), ward.sent()) == (["dropped"], [])


def test_a_healing_that_had_to_wait_for_long_is_not_done_any_more(ward: Ward) -> None:
    row = begun(ward)
    HealAttempt.objects.using("platform").update(created_at=clock.now() - timedelta(minutes=11))
    run_until_idle()
    assert (ward.attempts(row), ward.sent()) == (["dropped"], [])


def test_a_healing_that_is_called_off_is_at_its_end(ward: Ward) -> None:
    row = begun(ward)
    actor = Actor.system("test", tenant_id=row.tenant_id)
    with tenant_scope(row.tenant_id), transaction.atomic():
        operation_cancel_for(actor=actor, target_id=row.pk)
    run_until_idle()
    assert (ward.attempts(row), ward.sent()) == (["dropped"], [])


def test_two_deciders_begin_one_healing(ward: Ward) -> None:
    row = ward.deployment()
    ward.unheard(row)
    actor = Actor.system("auto-heal", tenant_id=row.tenant_id)

    def decide(_number: int) -> None:
        with tenant_scope(row.tenant_id):
            healing.heal_request(actor=actor, deployment_id=row.pk)

    assert at_once(6, decide) == {"ok": 6}
    assert ward.attempts(row) == ["running"]
    run_until_idle()
    assert ward.sent() == ["start_submit"]


def test_a_stop_and_a_healing_at_once_end_with_the_machine_off(ward: Ward) -> None:
    row = ward.deployment()
    ward.unheard(row)
    _rows(row, status="running")
    actor = Actor.system("auto-heal", tenant_id=row.tenant_id)

    def act(number: int) -> None:
        if number:
            wish(row, ward.world, "stop")
            return
        with tenant_scope(row.tenant_id):
            healing.heal_request(actor=actor, deployment_id=row.pk)

    assert at_once(2, act) == {"ok": 2}
    run_until_idle()
    assert reloaded(row).status == "stopped"
    assert ward.fake.guest_status(row.node, row.vmid).power is PowerState.STOPPED


def test_a_start_that_fails_is_tried_again_and_then_told(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ward.deployment()
    ward.unheard(row)
    monkeypatch.setitem(settings.ENGINE, "BACKOFF_SCALE", 0.0005)

    def silent(*_: object, **__: object) -> None:
        raise Unavailable("no answer", provider="proxmox")

    monkeypatch.setattr(ward.fake, "start_submit", silent)
    healing.cluster_heal(ward.cluster_now())
    run_until_idle()
    assert ward.attempts(row) == ["failed"]
    assert Operation.across_tenants.get(type="pod.heal").status == "dead"
    assert Entry.objects.using("platform").get(tag="pod.heal_failed").outcome == "failed"


def test_no_more_are_healed_at_once_than_may_be(ward: Ward) -> None:
    ward.rule("auto_heal.max_per_cluster", 2)
    rows = [ward.deployment(f"web-{number}") for number in range(5)]
    ward.rule("auto_heal.enabled", False)
    for row in rows:
        ward.fails(row)
    ward.look(3)
    ward.rule("auto_heal.enabled", True)
    healing.cluster_heal(ward.cluster_now())
    assert HealAttempt.across_tenants.filter(status="running").count() == 2
    healing.cluster_heal(ward.cluster_now())
    assert HealAttempt.across_tenants.count() == 2


def test_on_a_real_wire_a_machine_that_fell_over_runs_again(cloud: Cloud) -> None:
    row = scenes.running(cloud)
    actor = Actor.system("test")
    for key, value in (("enabled", True), ("failure_threshold", 1)):
        setting_change(actor=actor, name=f"cloudpods.auto_heal.{key}", value=value)
    cloud.simulator.control("POST", "/power", {"vmid": row.vmid, "status": "stopped"})

    def is_listed() -> bool:
        rows = cloud.simulator.api("GET", "/cluster/resources?type=vm").json()["data"]
        return any(r["vmid"] == row.vmid and r["status"] == "stopped" for r in rows)

    wait_until(is_listed)
    observation_schedule()
    run_until_idle()
    health_checks.health_schedule()
    run_until_idle()
    assert reloaded(row).status == "running"
    assert HealAttempt.across_tenants.get().status == "done"
