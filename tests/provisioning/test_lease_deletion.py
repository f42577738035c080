"""Nothing is deleted by itself unless its owner was told in time, whatever failed meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from portal.services.settings import setting_change
from provisioning.models import LeaseWarning, Template
from provisioning.services import lifecycle
from provisioning.services.expiry import expiry_sweep
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper
from tests.provisioning.lease_scenes import DAY, HOUR, graced, leased, mail_fails, sent, swept
from tests.provisioning.scenes import reloaded


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


def test_a_scheduler_dead_for_three_days_deletes_nothing_unwarned(
    world: World, template: Template
) -> None:
    """The outage spans two warnings and the end; nobody hears of it before, so the deletion waits."""
    row = leased(world, template, 80, status="stopped")
    with clock.travelled(9 * HOUR):
        swept()
    assert sent(row) == [("stop", 1, 72)]
    with clock.travelled(81 * HOUR):
        swept(2)
        ended = reloaded(row)
        assert ended.status == "stopped"
        assert 71 * HOUR < ended.delete_after - clock.now() <= 72 * HOUR
    assert sent(row) == [("stop", 1, 72), ("delete", 1, 72)]
    with clock.travelled(81 * HOUR + 71 * HOUR):
        swept()
        assert reloaded(row).status == "stopped"
    with clock.travelled(81 * HOUR + 72 * HOUR):
        expiry_sweep()
        assert reloaded(row).status == "deleting"


def test_a_deletion_that_fell_due_in_an_outage_moves_behind_its_warning(
    world: World, template: Template
) -> None:
    row = graced(world, template, 1)
    with clock.travelled(3 * DAY):
        swept()
        moved = reloaded(row)
        assert moved.status == "stopped"
        assert DAY - HOUR < moved.delete_after - clock.now() <= DAY
    assert sent(row) == [("delete", 1, 24)]
    with clock.travelled(4 * DAY - HOUR):
        swept()
        assert reloaded(row).status == "stopped"
    with clock.travelled(4 * DAY + HOUR):
        expiry_sweep()
        assert reloaded(row).status == "deleting"
    moves = Entry.objects.using("platform").filter(tag="pod.deletion_moved")
    assert moves.filter(target_id=str(row.pk)).count() >= 1


def test_a_warning_delivered_late_moves_the_deletion(world: World, template: Template) -> None:
    row = graced(world, template, -1)
    delivered_at = clock.now() - 10 * HOUR
    paper.warned(row, delivered_at=delivered_at)
    expiry_sweep()
    assert (reloaded(row).status, reloaded(row).delete_after) == ("stopped", delivered_at + DAY)


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, "deleting"), ({"kind": "stop"}, "stopped"), ({"lease_version": 2}, "stopped")],
)
def test_only_a_deletion_warning_of_this_version_counts(
    world: World, template: Template, fields: dict[str, Any], status: str
) -> None:
    row = graced(world, template, -1)
    paper.warned(row, **fields)
    expiry_sweep()
    assert reloaded(row).status == status


def test_while_mail_fails_nothing_is_deleted_and_each_day_is_tried_anew(
    world: World, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_mail = mail_fails(monkeypatch)
    row = graced(world, template, -1)
    for day in range(3):
        with clock.travelled(day * 1.1 * DAY):
            swept()
    assert reloaded(row).status == "stopped"
    assert [version for _, version, _ in sent(row)] == [1, 2, 3]
    assert "support-north@uhub.local" in failing_mail[0]


@pytest.mark.parametrize("hours", [24, 48])
def test_the_notice_is_a_setting(world: World, template: Template, hours: int) -> None:
    setting_change(
        actor=Actor.system("test"), name="cloudpods.lease.delete_notice_hours", value=hours
    )
    row = graced(world, template, -1)
    paper.warned(row, delivered_at=clock.now() - 30 * HOUR)
    expiry_sweep()
    assert reloaded(row).status == ("deleting" if hours == 24 else "stopped")


def test_where_nobody_can_be_reached_nothing_is_deleted(world: World, template: Template) -> None:
    User.objects.using("platform").update(email="")
    row = graced(world, template, -1)
    for day in range(4):
        with clock.travelled(day * DAY):
            swept()
    assert reloaded(row).status == "stopped"
    assert {warning.failure for warning in LeaseWarning.across_tenants.all()} == {
        "Neither the owner nor an administrator has a mail address."
    }


def test_a_deleted_machine_is_deleted_without_a_warning_by_people(
    world: World, template: Template
) -> None:
    row = leased(world, template, 100)
    with tenant_scope(world.north.pk):
        lifecycle.deployment_delete(actor=world.actor("support"), deployment_id=row.pk)
    assert (reloaded(row).status, sent(row)) == ("deleting", [])
