"""Leases end by themselves: stop, then delete; holds, extensions and failures on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.errors import Conflict
from portal.models import Operation
from portal.services.settings import setting_get
from provisioning.models import Deployment, Template
from provisioning.services import expiry, lifecycle
from provisioning.services.expiry import expiry_sweep
from tests.conftest import Cloud, World
from tests.engine import run_until_idle
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper, scenes
from tests.provisioning.scenes import reloaded
from tests.provisioning.test_races import at_once
from tests.provisioning.test_states import extended

DAYS = timedelta(days=1)


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


def due(world: World, template: Template, **fields: Any) -> Deployment:
    """A deployment whose lease ended an hour ago."""
    ended = clock.now() - timedelta(hours=1)
    return paper.deployment(world, template, **{"expires_at": ended} | fields)


def test_a_lease_stops_the_machine_then_deletes_it(cloud: Cloud) -> None:
    deployment = scenes.running(cloud, ttl_hours=24)
    with clock.travelled(timedelta(hours=23)):
        expiry_sweep()
        assert scenes.last_operation(deployment).type == "pod.provision"
    with clock.travelled(timedelta(hours=25)):
        expiry_sweep()
        run_until_idle()
        stopped = reloaded(deployment)
        vm = cloud.simulator.vm(stopped.vmid)
        assert vm is not None
        assert (stopped.status, vm["status"]) == ("stopped", "stopped")
        assert stopped.delete_after is not None
        expiry_sweep()
        assert reloaded(deployment).status == "stopped"
    with clock.travelled(timedelta(hours=25) + 4 * DAYS):
        expiry_sweep()
        run_until_idle()
    assert (reloaded(deployment).status, cloud.simulator.vm(stopped.vmid)) == ("deleted", None)
    assert scenes.quota_is_true(cloud.world)


def test_a_stopped_deployment_is_only_marked(world: World, template: Template) -> None:
    row = due(world, template, status="stopped")
    expiry_sweep()
    marked = reloaded(row)
    assert marked.status == "stopped"
    assert marked.delete_after == marked.expired_at + timedelta(
        hours=setting_get("cloudpods.lease.grace_hours")
    )
    assert set(Operation.across_tenants.values_list("type", flat=True)) == {"mail.send"}


def test_sweeping_twice_does_everything_once(world: World, template: Template) -> None:
    row = due(world, template)
    expiry_sweep()
    expiry_sweep()
    assert Operation.across_tenants.filter(target_id=row.pk, type="pod.stop").count() == 1
    assert Entry.objects.using("platform").filter(tag="pod.expired").count() == 1


def test_a_hold_outlives_the_lease(world: World, template: Template) -> None:
    past = clock.now() - 9 * DAYS
    running = due(world, template, hold=True)
    graced = due(world, template, hold=True, status="stopped", expired_at=past, delete_after=past)
    expiry_sweep()
    assert (reloaded(running).status, reloaded(running).expired_at) == ("running", None)
    assert reloaded(graced).status == "stopped"


@pytest.mark.parametrize("status", ["starting", "stopping", "provisioning"])
def test_what_is_under_way_is_ended_once_it_has_settled(
    world: World, template: Template, status: str
) -> None:
    row = due(world, template, status=status)
    expiry_sweep()
    assert (reloaded(row).status, reloaded(row).expired_at) == (status, None)
    Deployment.across_tenants.filter(pk=row.pk).update(status="running")
    expiry_sweep()
    assert reloaded(row).status == "stopping"


def test_a_failed_deployment_that_may_run_is_stopped_too(world: World, template: Template) -> None:
    was_ready = due(world, template, status="error")
    never_ready = due(world, template, status="error", ready_at=None)
    expiry_sweep()
    assert (reloaded(was_ready).status, reloaded(never_ready).status) == ("stopping", "error")
    assert reloaded(never_ready).delete_after is not None


def test_a_failed_provisioning_is_deleted_after_its_grace(world: World, template: Template) -> None:
    past = clock.now() - DAYS
    row = due(world, template, status="error", ready_at=None, expired_at=past, delete_after=past)
    paper.warned(row)
    expiry_sweep()
    assert reloaded(row).status == "deleting"


@pytest.mark.parametrize("error", [Conflict("not now"), OperationalError("lock timeout")])
def test_one_that_fails_does_not_hold_up_the_others(
    world: World, template: Template, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    rows = [due(world, template) for _ in range(3)]

    def stop(*, actor: Any, deployment_id: Any, **more: Any) -> Any:
        if deployment_id == rows[1].pk:
            raise error
        return lifecycle.deployment_stop(actor=actor, deployment_id=deployment_id, **more)

    monkeypatch.setattr(expiry, "deployment_stop", stop)
    expiry_sweep()
    assert [reloaded(row).status for row in rows] == ["stopping", "running", "stopping"]
    assert reloaded(rows[1]).expired_at is None


def test_of_extension_and_deletion_at_once_one_wins(world: World, template: Template) -> None:
    past = clock.now() - DAYS
    ends = []
    for _ in range(6):
        row = due(world, template, status="stopped", expired_at=past, delete_after=past)
        paper.warned(row)

        def act(number: int, row: Deployment = row) -> None:
            extended(world, row, 24) if number else expiry_sweep()

        results = at_once(2, act)
        stored = reloaded(row)
        is_extended = results["ok"] == 2
        assert results in ({"ok": 2}, {"ok": 1, "WrongState": 1})
        assert (stored.status == "stopped") is is_extended
        assert (stored.expires_at > clock.now()) is is_extended
        ends.append(stored.status)
    assert set(ends) <= {"stopped", "deleting"}


def test_a_sweep_reaches_every_tenant(world: World, template: Template) -> None:
    mine = due(world, template)
    assert world.stranger is not None
    theirs = paper.south(world, template, expires_at=clock.now() - DAYS)
    expiry_sweep()
    assert [reloaded(row).status for row in (mine, theirs)] == ["stopping", "stopping"]
