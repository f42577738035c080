from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.kernel import clock
from portal.kernel.models import uuid7
from provisioning.logic.measures import FIVE_MINUTES, ONE_HOUR, SubjectKind, floor
from provisioning.models import Metric1h, Metric5m, MetricDue, MetricSample
from provisioning.services.readings import Reading, partitions_turn, readings_store
from provisioning.services.rollups import rollups_make

pytestmark = pytest.mark.django_db(
    transaction=True, databases=("default", "platform", "owner", "dispatch")
)

NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
TENANT = uuid7()
SUBJECTS = [uuid7() for _ in range(3)]


@pytest.fixture(autouse=True)
def own_partitions() -> Any:
    """Days of long ago have partitions here; those of today are there again afterwards."""
    partitions_turn(NOON)
    yield
    partitions_turn(clock.now())


def store(subject: UUID, at: datetime, cpu: float | None) -> None:
    reading = Reading(subject, TENANT, SubjectKind.HOST, "h", cpu=cpu)
    readings_store([reading], at=at, interval_s=60)


def rolled(model: Any) -> dict[tuple[UUID, datetime], tuple[Any, ...]]:
    rows = model.across_tenants.values_list(
        "subject_id", "at", "samples", "cpu", "cpu_min", "cpu_max"
    )
    return {(row[0], row[1]): row[2:] for row in rows}


def recomputed(width_s: int) -> dict[tuple[UUID, datetime], tuple[Any, ...]]:
    """The same sums, made by hand from the readings."""
    found: dict[tuple[UUID, datetime], list[float | None]] = defaultdict(list)
    for subject, at, cpu in MetricSample.across_tenants.values_list("subject_id", "at", "cpu"):
        found[subject, floor(at, width_s)].append(cpu)
    sums = {}
    for key, values in found.items():
        known = [value for value in values if value is not None]
        edges = (min(known), max(known)) if known else (None, None)
        mean = sum(known) / len(known) if known else None
        sums[key] = (len(values), mean, *edges)
    return sums


def same(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    return one.keys() == other.keys() and all(
        [known(value) for value in one[key]]
        == pytest.approx([known(value) for value in other[key]], rel=1e-5)
        for key in one
    )


def known(value: float | None) -> float:
    return -1.0 if value is None else value


@given(
    readings=st.lists(
        st.tuples(
            st.sampled_from(SUBJECTS),
            st.integers(0, 3 * 3600),
            st.one_of(st.none(), st.floats(0, 100, width=32)),
        ),
        max_size=40,
    ),
    halts=st.integers(0, 3),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rollups_are_what_the_readings_say(
    readings: list[tuple[UUID, int, float | None]], halts: int
) -> None:
    with transaction.atomic(using="platform"):
        for number, (subject, second, cpu) in enumerate(sorted(readings, key=lambda one: one[1])):
            store(subject, NOON + timedelta(seconds=second), cpu)
            if halts and number % (halts + 1) == 0:
                rollups_make(now=NOON + timedelta(seconds=second))
        rollups_make(now=NOON + timedelta(hours=5))

        assert same(rolled(Metric5m), recomputed(FIVE_MINUTES.width_s))
        assert same(rolled(Metric1h), recomputed(ONE_HOUR.width_s))
        assert not MetricDue.objects.using("platform").exists()
        transaction.set_rollback(True, using="platform")


def test_a_stretch_that_has_not_ended_waits() -> None:
    store(SUBJECTS[0], NOON, 10.0)
    assert rollups_make(now=NOON + timedelta(minutes=5)) == 0
    assert rollups_make(now=NOON + timedelta(minutes=6)) == 1
    assert rollups_make(now=NOON + timedelta(minutes=6)) == 0


def test_one_stretch_is_taken_at_a_time_also_where_one_was_due_when_the_database_counted() -> None:
    store(SUBJECTS[0], NOON, 10.0)
    rollups_make(now=NOON + timedelta(minutes=6))
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE provisioning_metricdue")
    store(SUBJECTS[0], NOON + timedelta(minutes=5), 20.0)
    store(SUBJECTS[0], NOON + timedelta(minutes=10), 30.0)
    rollups_make(now=NOON + timedelta(minutes=20))

    assert rolled(Metric5m) == {
        (SUBJECTS[0], NOON): (1, 10.0, 10.0, 10.0),
        (SUBJECTS[0], NOON + timedelta(minutes=5)): (1, 20.0, 20.0, 20.0),
        (SUBJECTS[0], NOON + timedelta(minutes=10)): (1, 30.0, 30.0, 30.0),
    }


def test_late_readings_change_what_was_summed_up() -> None:
    store(SUBJECTS[0], NOON, 10.0)
    rollups_make(now=NOON + timedelta(hours=2))
    store(SUBJECTS[1], NOON + timedelta(minutes=1), 30.0)
    rollups_make(now=NOON + timedelta(hours=2))

    assert rolled(Metric5m) == {
        (SUBJECTS[0], NOON): (1, 10.0, 10.0, 10.0),
        (SUBJECTS[1], NOON): (1, 30.0, 30.0, 30.0),
    }


def test_a_rollup_that_dies_leaves_its_stretch_due(monkeypatch: pytest.MonkeyPatch) -> None:
    store(SUBJECTS[0], NOON, 10.0)
    statements = {FIVE_MINUTES.width_s: "SELECT 1/0 -- %(at)s %(until)s"}
    monkeypatch.setattr("provisioning.services.rollups._STATEMENTS", statements)
    with pytest.raises(Exception, match="division by zero"):
        rollups_make(now=NOON + timedelta(hours=2))
    monkeypatch.undo()

    assert rollups_make(now=NOON + timedelta(hours=2)) == 2
    assert rolled(Metric1h) == {(SUBJECTS[0], NOON): (1, 10.0, 10.0, 10.0)}


def partitions(parent: str) -> list[str]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = %s::regclass ORDER BY 1",
            [parent],
        )
        names = [name.removeprefix(f"{parent}_") for (name,) in cursor.fetchall()]
    return [name for name in names if name.startswith("2024")]


def test_partitions_live_and_die_over_forty_days() -> None:
    for day in range(41):
        at = NOON + timedelta(days=day)
        partitions_turn(at)
        store(SUBJECTS[0], at, float(day))
        rollups_make(now=at + timedelta(hours=2))
    last = NOON + timedelta(days=40)
    partitions_turn(last)

    days = [f"{last + timedelta(days=n):%Y%m%d}" for n in range(-1, 4)]
    assert partitions("provisioning_metricsample") == days
    kept = [f"{last + timedelta(days=n):%Y%m%d}" for n in range(-14, 4)]
    assert partitions("provisioning_metric5m") == kept
    assert partitions("provisioning_metric1h") == ["202402", "202403", "202404", "202405", "202406"]
    assert Metric1h.across_tenants.count() == 41
    assert Metric5m.across_tenants.count() == 14 + 1


def test_readings_whose_rollup_is_due_are_not_dropped() -> None:
    store(SUBJECTS[0], NOON, 10.0)
    partitions_turn(NOON + timedelta(days=3))
    assert MetricSample.across_tenants.count() == 1
    rollups_make(now=NOON + timedelta(days=3))
    partitions_turn(NOON + timedelta(days=3))
    assert MetricSample.across_tenants.count() == 0
    assert Metric1h.across_tenants.count() == 1


def test_they_are_dropped_after_a_week_all_the_same() -> None:
    store(SUBJECTS[0], NOON, 10.0)
    partitions_turn(NOON + timedelta(days=9))
    assert MetricSample.across_tenants.count() == 0


@pytest.mark.parametrize("alias", ["default", "dispatch"])
def test_only_the_platform_turns_partitions(alias: str) -> None:
    with connections[alias].cursor() as cursor, pytest.raises(Exception, match="permission denied"):
        cursor.execute("SELECT metric_partitions_turn(now())")
