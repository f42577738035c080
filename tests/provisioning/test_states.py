"""Each state × each verb, and what a service refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.errors import DomainError, NotFound, Refused
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import DeploymentBusy, DeploymentInvalid, OnHold, WrongState
from provisioning.models import Deployment, Template
from provisioning.services import creation, leases, lifecycle
from provisioning.states import BUSY, DEPLOYMENT_TRANSITIONS, DeploymentStatus
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper
from tests.provisioning.scenes import reloaded
from tests.provisioning.test_races import at_once
from tests.snapshot import rows_digest

S = DeploymentStatus
VERBS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "start": (lifecycle.deployment_start, {}),
    "stop": (lifecycle.deployment_stop, {"mode": "shutdown"}),
    "restart": (lifecycle.deployment_restart, {}),
    "resize": (lifecycle.deployment_resize, {"cpu_cores": 4}),
    "extend": (leases.deployment_extend, {"hours": 1}),
    "change": (lifecycle.deployment_change, {"tags": ["new"]}),
    "retry": (creation.deployment_retry, {}),
    "delete": (lifecycle.deployment_delete, {}),
}
# Where a verb leads from where; what is not here is refused. `change` and `extend` keep the state.
LEADS: dict[str, dict[str, str]] = {
    "start": {S.STOPPED: S.STARTING, S.ERROR: S.STARTING},
    "stop": {S.RUNNING: S.STOPPING, S.ERROR: S.STOPPING},
    "restart": {S.RUNNING: S.STARTING},
    "resize": {S.RUNNING: S.RUNNING, S.STOPPED: S.STOPPED},
    "extend": {state: state for state in S.values if state not in {S.DELETING, S.DELETED}},
    "change": {state: state for state in S.values if state != S.DELETED},
    "retry": {},
    "delete": {state: S.DELETING for state in S.values if state not in {S.DELETING, S.DELETED}},
}
NEVER_READY = {
    "start": {S.STOPPED: S.STARTING},
    "stop": {S.RUNNING: S.STOPPING},
    "retry": {S.ERROR: S.PROVISIONING},
}


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


def outcome(
    world: World, deployment: Deployment, verb: str, role: str = "support", **more: Any
) -> str:
    """The state a verb leads to, or the class of its refusal; the database is as before afterwards."""
    act, arguments = VERBS[verb]
    with tenant_scope(world.north.pk), transaction.atomic():
        try:
            act(actor=world.actor(role), deployment_id=deployment.pk, **{**arguments, **more})
            word = Deployment.objects.get(pk=deployment.pk).status
        except DomainError as error:
            word = type(error).__name__
        transaction.set_rollback(True)
    return word


def refusal(state: str, verb: str) -> str:
    """What a state answers to a verb that does not fit."""
    if state == S.DELETED:
        return NotFound.__name__
    if verb == "extend":
        return WrongState.__name__
    is_busy = verb == "delete" or state in BUSY
    return DeploymentBusy.__name__ if is_busy else WrongState.__name__


@pytest.mark.parametrize("was_ready", [True, False])
def test_every_verb_in_every_state(world: World, template: Template, was_ready: bool) -> None:
    table = LEADS if was_ready else LEADS | NEVER_READY
    expected, found = {}, {}
    for state in S.values:
        ready_at = clock.now() if was_ready else None
        row = paper.deployment(world, template, name=f"vm-{state}", status=state, ready_at=ready_at)
        for verb in VERBS:
            expected[state, verb] = str(table[verb].get(state, refusal(state, verb)))
            found[state, verb] = outcome(world, row, verb)
    assert found == expected


def test_no_verb_leads_along_an_edge_that_is_not_in_the_table() -> None:
    edges = [
        (verb, state, to)
        for table in (LEADS, NEVER_READY)
        for verb, leads in table.items()
        for state, to in leads.items()
        if state != to
    ]
    missing = [edge for edge in edges if edge[2] not in DEPLOYMENT_TRANSITIONS[edge[1]]]
    assert missing == []
    assert set(DEPLOYMENT_TRANSITIONS) == set(S.values)


@pytest.mark.parametrize(
    ("role", "word"), [("ops", "ok"), ("admin", "ok"), ("support", "Refused"), ("dev", "Refused")]
)
def test_other_peoples_deployments_need_manage(
    world: World, template: Template, role: str, word: str
) -> None:
    row = paper.deployment(world, template, role="projets")
    stopped = paper.deployment(world, template, role="projets", status=S.STOPPED)
    before = rows_digest()
    found = {
        verb: outcome(world, stopped if verb == "start" else row, verb, role)
        for verb in VERBS
        if verb != "retry"
    }
    is_refused = {verb: result == Refused.__name__ for verb, result in found.items()}
    assert set(is_refused.values()) == {word == "Refused"}
    assert rows_digest() == before


def test_each_verb_is_audited_once_with_its_operation(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    with tenant_scope(world.north.pk):
        _, operation = lifecycle.deployment_stop(
            actor=world.actor("support"), deployment_id=row.pk, mode="force"
        )
    entry = Entry.objects.using("platform").get(target_id=str(row.pk))
    assert (entry.tag, entry.outcome, entry.actor_label, entry.detail) == (
        "pod.stop_requested",
        "success",
        "support-north",
        {"mode": "force"},
    )
    stored = Operation.across_tenants.get(pk=operation.pk)
    assert (stored.type, stored.payload["mode"]) == ("pod.stop", "force")


# --- hold --------------------------------------------------------------------------------------


def test_a_hold_is_for_those_who_manage(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    assert outcome(world, row, "change", "support", hold=True) == Refused.__name__
    assert outcome(world, row, "change", "ops", hold=True) == S.RUNNING


def test_what_is_on_hold_is_not_deleted(world: World, template: Template) -> None:
    row = paper.deployment(world, template, hold=True)
    assert outcome(world, row, "delete", "admin") == OnHold.__name__
    assert outcome(world, row, "stop", "admin") == S.STOPPING


def test_what_is_on_hold_starts_after_its_lease(world: World, template: Template) -> None:
    ended = {"status": S.STOPPED, "expires_at": clock.now() - timedelta(hours=1)}
    free = paper.deployment(world, template, **ended)
    held = paper.deployment(world, template, hold=True, **ended)
    assert outcome(world, free, "start") == WrongState.__name__
    assert outcome(world, held, "start") == S.STARTING


# --- extension ---------------------------------------------------------------------------------


def extended(world: World, row: Deployment, hours: int) -> Deployment:
    with tenant_scope(world.north.pk):
        row, _ = leases.deployment_extend(
            actor=world.actor("support"), deployment_id=row.pk, hours=hours
        )
        return row


def test_an_extension_counts_from_the_end_of_the_lease(world: World, template: Template) -> None:
    end = clock.now() + timedelta(hours=10)
    row = paper.deployment(world, template, expires_at=end)
    assert extended(world, row, 5).expires_at == end + timedelta(hours=5)


def test_an_extension_after_the_end_counts_from_now_and_lifts_the_deletion(
    world: World, template: Template
) -> None:
    end = clock.now() - timedelta(hours=10)
    row = paper.deployment(
        world, template, status=S.STOPPED, expires_at=end, expired_at=end, delete_after=end
    )
    before = clock.now()
    stored = extended(world, row, 5)
    assert before <= stored.expires_at - timedelta(hours=5) <= clock.now()
    assert (reloaded(row).expired_at, reloaded(row).delete_after) == (None, None)


@pytest.mark.parametrize("hours", [0, -1_000_000, 1_000_000])
def test_an_extension_has_bounds(world: World, template: Template, hours: int) -> None:
    row = paper.deployment(world, template)
    with pytest.raises(DeploymentInvalid) as refused:
        extended(world, row, hours)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [
        ("hours", "out_of_range")
    ]
    assert reloaded(row).expires_at == row.expires_at


# --- change ------------------------------------------------------------------------------------


def test_of_two_renames_to_one_name_at_once_one_wins(world: World, template: Template) -> None:
    rows = [paper.deployment(world, template) for _ in range(4)]

    def rename(number: int) -> None:
        with tenant_scope(world.north.pk):
            lifecycle.deployment_change(
                actor=world.actor("support"), deployment_id=rows[number].pk, name="same"
            )

    assert at_once(4, rename) == {"ok": 1, "DeploymentInvalid": 3}
    assert Deployment.across_tenants.filter(name="same").count() == 1


def test_a_change_that_changes_nothing_is_not_audited(world: World, template: Template) -> None:
    row = paper.deployment(world, template, tags=["a"])
    with tenant_scope(world.north.pk):
        lifecycle.deployment_change(
            actor=world.actor("support"), deployment_id=row.pk, tags=["a"], name=row.name
        )
    assert not Entry.objects.using("platform").filter(tag="pod.changed").exists()


def test_a_resize_moves_quota_and_price_with_the_figures(world: World, template: Template) -> None:
    row = paper.deployment(world, template)
    with tenant_scope(world.north.pk):
        lifecycle.deployment_resize(
            actor=world.actor("support"), deployment_id=row.pk, cpu_cores=4, disk_gb=40
        )
    stored = reloaded(row)
    assert (stored.cpu_cores, stored.disk_gb, str(stored.price_hour)) == (4, 40, "0.104000")
    with connections["platform"].cursor() as cursor:
        cursor.execute("SELECT deployments, cpu_cores, memory_mb, disk_gb FROM billing_quotausage")
        assert cursor.fetchall() == [(1, 4, 2048, 40)]


def test_a_disk_never_shrinks_and_equal_figures_are_no_resize(
    world: World, template: Template
) -> None:
    row = paper.deployment(world, template, disk_gb=40)
    assert outcome(world, row, "resize", cpu_cores=2) == DeploymentInvalid.__name__
    assert outcome(world, row, "resize", cpu_cores=None, disk_gb=39) == DeploymentInvalid.__name__
    assert outcome(world, row, "resize", cpu_cores=None, disk_gb=41) == S.RUNNING
