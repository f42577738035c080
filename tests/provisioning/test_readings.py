from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.kernel import clock
from portal.kernel.models import uuid7
from provisioning.logic.measures import SubjectKind
from provisioning.models import MetricSample, MetricSubject
from provisioning.services.readings import Reading, partitions_turn, readings_store

pytestmark = pytest.mark.django_db(transaction=True, databases=("default", "platform", "owner"))

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TENANT, MACHINE = uuid7(), uuid7()


def _read(seconds: int, **figures: Any) -> None:
    reading = Reading(MACHINE, TENANT, SubjectKind.DEPLOYMENT, "web", **figures)
    readings_store([reading], at=NOON + timedelta(seconds=seconds), interval_s=60)


def _flows(name: str) -> list[float | None]:
    rows = MetricSample.across_tenants.filter(subject_id=MACHINE).order_by("at")
    return list(rows.values_list(name, flat=True))


def test_counters_become_flows_per_second() -> None:
    _read(0, uptime_s=1000, net_in_total=10_000, disk_write_total=0)
    _read(60, uptime_s=1060, net_in_total=70_000, disk_write_total=600)
    _read(120, uptime_s=1120, net_in_total=70_000, disk_write_total=1200)

    assert _flows("net_in") == [None, 1000.0, 0.0]
    assert _flows("disk_write") == [None, 10.0, 10.0]
    assert _flows("net_out") == [None, None, None]


def test_a_counter_that_went_back_is_a_gap() -> None:
    _read(0, uptime_s=1000, net_in_total=4_294_967_000)
    _read(60, uptime_s=1060, net_in_total=500)
    _read(120, uptime_s=1120, net_in_total=6500)

    assert _flows("net_in") == [None, None, 100.0]


def test_a_start_in_between_is_a_gap_also_when_the_counter_is_higher() -> None:
    _read(0, uptime_s=10, net_in_total=100)
    _read(60, uptime_s=40, net_in_total=90_000)

    assert _flows("net_in") == [None, None]


def test_a_long_pause_is_a_gap() -> None:
    _read(0, uptime_s=10_000, net_in_total=100)
    _read(600, uptime_s=10_600, net_in_total=60_100)
    _read(660, uptime_s=10_660, net_in_total=66_100)

    assert _flows("net_in") == [None, None, 100.0]


def test_shares_are_of_the_size_and_unknown_without_one() -> None:
    _read(0, cpu=12.5, memory_used=3, memory_size=4, disk_used=5)

    row = MetricSubject.across_tenants.get(pk=MACHINE)
    assert (row.cpu, row.memory, row.disk) == (12.5, 75.0, None)


def test_an_older_reading_than_the_newest_is_left_out() -> None:
    _read(60, cpu=10.0)
    _read(0, cpu=90.0)

    assert _flows("cpu") == [10.0]


def test_the_same_moment_twice_is_one_reading() -> None:
    _read(0, cpu=10.0)
    _read(0, cpu=20.0)

    assert _flows("cpu") == [10.0]


def test_partitions_are_made_where_a_moment_has_none() -> None:
    far = NOON + timedelta(days=900)
    readings_store(
        [Reading(MACHINE, TENANT, SubjectKind.HOST, "far", cpu=1.0)], at=far, interval_s=60
    )

    assert _flows("cpu") == [1.0]
    partitions_turn(clock.now())
