"""Planned maintenance: when a window is open, and what its beginning and its end do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, InvalidInput, Refused
from portal.kernel.tenancy import PLATFORM
from provisioning.logic.windows import Plan
from provisioning.models import Cluster, MaintenanceWindow
from provisioning.selectors.maintenance import maintenance_of
from provisioning.services.maintenance import cluster_maintenance_set
from provisioning.services.windows import window_cancel, window_plan_new, windows_tick
from tests.conftest import Cloud, World
from tests.factories.provisioning import ClusterFactory
from tests.provisioning import scenes

STAFF = Actor.system("test")
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def weekly(begin: str, end: str, **more: object) -> Plan:
    return Plan(at(begin), at(end), time_zone="Europe/Paris", is_weekly=True, **more)


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        ("2026-10-10T00:00+02:00", "2026-10-11T01:00+02:00"),
        ("2026-10-11T02:59+02:00", "2026-10-11T01:00+02:00"),
        ("2026-10-11T03:00+02:00", "2026-10-18T01:00+02:00"),
        # The clocks of 25 October go back: it is still one o'clock at the wall.
        ("2026-10-24T12:00+02:00", "2026-10-25T01:00+02:00"),
        ("2026-10-31T12:00+01:00", "2026-11-01T01:00+01:00"),
        ("2027-04-03T12:00+02:00", "2027-04-04T01:00+02:00"),
    ],
)
def test_a_weekly_window_keeps_the_hour_of_the_wall(asked: str, begins: str) -> None:
    plan = weekly("2026-10-04T01:00+02:00", "2026-10-04T03:00+02:00")
    found = plan.occurrence(at(asked))
    assert found is not None
    assert found.starts_at == at(begins)


def test_a_window_over_a_change_of_clocks_keeps_both_its_ends() -> None:
    plan = weekly("2026-10-18T01:00+02:00", "2026-10-18T04:00+02:00")
    found = plan.occurrence(at("2026-10-25T01:00+02:00"))
    assert found is not None
    assert found.ends_at - found.starts_at == 4 * HOUR


def test_an_hour_that_the_clocks_leave_out_is_the_one_after() -> None:
    plan = weekly("2027-03-21T02:30+01:00", "2027-03-21T02:45+01:00")
    found = plan.occurrence(at("2027-03-28T00:00+01:00"))
    assert found is not None
    assert found.starts_at == at("2027-03-28T03:30+02:00")
    assert found.ends_at > found.starts_at


def test_a_weekly_window_ends_for_good() -> None:
    plan = weekly(
        "2026-10-04T01:00+02:00",
        "2026-10-04T03:00+02:00",
        repeats_until=at("2026-10-12T00:00+02:00"),
    )
    assert plan.occurrence(at("2026-10-11T02:00+02:00")) is not None
    assert plan.occurrence(at("2026-10-11T03:00+02:00")) is None


def test_a_window_that_comes_once_is_over_once() -> None:
    plan = Plan(at("2026-10-04T01:00+00:00"), at("2026-10-04T03:00+00:00"))
    found = plan.occurrence(at("2026-10-04T02:59+00:00"))
    assert found is not None
    assert found.is_open(at("2026-10-04T02:59+00:00"))
    assert plan.occurrence(at("2026-10-04T03:00+00:00")) is None


@pytest.fixture
def cluster(world: World) -> Cluster:
    return ClusterFactory(code="north-1")


def planned(cluster: Cluster, *, after: timedelta, lasts: timedelta = HOUR) -> MaintenanceWindow:
    begin = clock.now() + after
    return window_plan_new(
        actor=STAFF,
        cluster_id=cluster.pk,
        starts_at=begin,
        ends_at=begin + lasts,
        reason="New switches",
    )


def switch(cluster: Cluster) -> tuple[bool, str]:
    row = Cluster.objects.using(PLATFORM).get(pk=cluster.pk)
    return row.is_in_maintenance, row.maintenance_reason


def test_it_begins_and_ends_by_itself(cluster: Cluster) -> None:
    planned(cluster, after=HOUR)
    windows_tick()
    assert switch(cluster) == (False, "")
    with clock.travelled(1.5 * HOUR):
        windows_tick()
        assert switch(cluster) == (True, "New switches")
    with clock.travelled(2.5 * HOUR):
        windows_tick()
        assert switch(cluster) == (False, "")


def test_who_ends_it_early_is_not_overruled(cluster: Cluster) -> None:
    planned(cluster, after=-HOUR, lasts=3 * HOUR)
    windows_tick()
    cluster_maintenance_set(actor=STAFF, cluster_id=cluster.pk, is_in_maintenance=False)
    windows_tick()
    assert switch(cluster) == (False, "")


def test_what_people_began_themselves_outlasts_the_window(cluster: Cluster) -> None:
    cluster_maintenance_set(
        actor=STAFF, cluster_id=cluster.pk, is_in_maintenance=True, reason="Fans"
    )
    planned(cluster, after=-HOUR, lasts=2 * HOUR)
    windows_tick()
    with clock.travelled(2 * HOUR):
        windows_tick()
    assert switch(cluster) == (True, "Fans")


def test_one_that_is_canceled_ends_with_what_it_began(cluster: Cluster) -> None:
    row = planned(cluster, after=-HOUR, lasts=2 * HOUR)
    windows_tick()
    window_cancel(actor=STAFF, window_id=row.pk)
    assert switch(cluster) == (False, "")
    with pytest.raises(Conflict):
        window_cancel(actor=STAFF, window_id=row.pk)


def test_nobody_but_platform_staff_plans_it(world: World, cluster: Cluster) -> None:
    with pytest.raises(Refused):
        window_plan_new(
            actor=world.actor("admin"),
            cluster_id=cluster.pk,
            starts_at=clock.now(),
            ends_at=clock.now() + HOUR,
            reason="New switches",
        )
    assert not MaintenanceWindow.objects.using(PLATFORM).exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ends_at": clock.now() - HOUR}, "ends_at"),
        ({"ends_at": clock.now() + timedelta(days=8)}, "ends_at"),
        ({"reason": "x"}, "reason"),
        ({"recurrence": "daily"}, "recurrence"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"repeats_until": at("9999-12-31T23:59+00:00")}, "repeats_until"),
    ],
)
def test_a_plan_at_fault_names_the_field(
    cluster: Cluster, values: dict[str, object], field: str
) -> None:
    wanted = {"starts_at": clock.now(), "ends_at": clock.now() + HOUR, "reason": "New switches"}
    with pytest.raises(InvalidInput) as caught:
        window_plan_new(actor=STAFF, cluster_id=cluster.pk, **(wanted | values))
    assert [fault.field for fault in caught.value.faults] == [field]


@pytest.mark.parametrize("recurrence", ["none", "weekly"])
@pytest.mark.parametrize(
    "begin",
    [
        datetime(9999, 12, 31, 23, 30, tzinfo=ZoneInfo("America/New_York")),
        datetime(9999, 12, 31, 22, 30, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=ZoneInfo("America/New_York")),
    ],
)
def test_a_time_that_no_clock_shows_is_not_planned(
    cluster: Cluster, begin: datetime, recurrence: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        window_plan_new(
            actor=STAFF,
            cluster_id=cluster.pk,
            starts_at=begin,
            ends_at=begin + HOUR / 4,
            recurrence=recurrence,
            time_zone="Europe/Paris",
            reason="New switches",
        )
    assert {fault.field for fault in caught.value.faults} == {"starts_at", "ends_at"}
    assert not MaintenanceWindow.objects.using(PLATFORM).exists()


def test_what_is_asked_for_meanwhile_waits(cloud: Cloud) -> None:
    row = scenes.running(cloud)
    planned(cloud.cluster, after=-HOUR, lasts=2 * HOUR)
    windows_tick()
    scenes.acted(cloud, row, "stop")
    assert "New switches" in maintenance_of(scenes.reloaded(row))
