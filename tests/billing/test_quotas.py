"""Counters equal the reservations, whatever is asked in whatever order."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import Entry
from billing.errors import QuotaExceeded
from billing.logic.quota import Amounts
from billing.models import Quota, QuotaReservation, QuotaUsage
from billing.selectors.quotas import quota_limits, quota_recomputed, quota_used
from billing.services.limits import quota_set
from billing.services.quotas import quota_adjust, quota_release, quota_repair, quota_reserve
from portal.kernel.authz import Actor
from portal.kernel.errors import InvalidInput, Refused
from portal.kernel.tenancy import tenant_scope
from portal.services.settings import setting_get
from tests.conftest import World

ONE = Amounts(1, 2, 2048, 20)


class Held:
    """Plays the services for `north` and reads what stands."""

    def __init__(self, world: World) -> None:
        self.tenant_id: UUID = world.north.pk
        self.actor = Actor.system("test", tenant_id=self.tenant_id)

    def reserve(self, subject_id: UUID, amounts: Amounts = ONE) -> None:
        with tenant_scope(self.tenant_id):
            quota_reserve(
                actor=self.actor,
                tenant_id=self.tenant_id,
                subject_id=subject_id,
                amounts=amounts,
            )

    def adjust(self, subject_id: UUID, amounts: Amounts) -> None:
        with tenant_scope(self.tenant_id):
            quota_adjust(
                actor=self.actor,
                tenant_id=self.tenant_id,
                subject_id=subject_id,
                amounts=amounts,
            )

    def release(self, subject_id: UUID) -> bool:
        with tenant_scope(self.tenant_id):
            return quota_release(tenant_id=self.tenant_id, subject_id=subject_id)

    def used(self) -> Amounts:
        with tenant_scope(self.tenant_id), transaction.atomic():
            assert quota_used(self.tenant_id) == quota_recomputed(self.tenant_id)
            return quota_used(self.tenant_id)


@pytest.fixture
def held(world: World) -> Held:
    return Held(world)


def limited(world: World, *limits: int | None) -> None:
    names = ("deployments", "cpu_cores", "memory_mb", "disk_gb")
    Quota.objects.using("platform").create(
        tenant=world.north, **dict(zip(names, limits, strict=True))
    )


def test_reserving_twice_for_one_subject_holds_once(held: Held) -> None:
    subject = uuid4()
    held.reserve(subject)
    held.reserve(subject)
    assert held.used() == ONE


def test_releasing_twice_gives_back_once(held: Held) -> None:
    subject = uuid4()
    held.reserve(subject)
    assert [held.release(subject), held.release(subject), held.release(uuid4())] == [
        True,
        False,
        False,
    ]
    assert held.used() == Amounts()


def test_a_refused_reservation_holds_nothing_and_is_noted(world: World, held: Held) -> None:
    limited(world, 1, None, None, None)
    held.reserve(uuid4())
    with pytest.raises(QuotaExceeded) as refused:
        held.reserve(uuid4())
    assert refused.value.data["verdicts"] == [
        {"dimension": "deployments", "limit": 1, "used": 1, "requested": 1}
    ]
    assert held.used() == ONE


def test_below_a_lowered_limit_shrinking_stays_possible(world: World, held: Held) -> None:
    subject = uuid4()
    held.reserve(subject, Amounts(1, 8, 4096, 50))
    limited(world, 0, 1, 1, 1)
    held.adjust(subject, Amounts(1, 4, 4096, 50))
    with pytest.raises(QuotaExceeded):
        held.adjust(subject, Amounts(1, 5, 4096, 50))
    assert held.used() == Amounts(1, 4, 4096, 50)


def test_without_a_row_of_its_own_a_tenant_has_the_default_limits(world: World) -> None:
    with tenant_scope(world.north.pk), transaction.atomic():
        limits = quota_limits(world.north.pk)
    assert limits == {
        name: setting_get(f"cloudpods.quota.default_{name}")
        for name in ("deployments", "cpu_cores", "memory_mb", "disk_gb")
    }


def test_a_repair_sets_the_counters_right_and_says_what_was_wrong(world: World, held: Held) -> None:
    held.reserve(uuid4())
    QuotaUsage.across_tenants.update(cpu_cores=9, disk_gb=0)
    with tenant_scope(world.north.pk):
        first = quota_repair(actor=held.actor, tenant_id=world.north.pk)
        second = quota_repair(actor=held.actor, tenant_id=world.north.pk)
    assert (first, second) == ({"cpu_cores": -7, "disk_gb": 20}, {})
    assert held.used() == ONE
    assert Entry.objects.using("platform").filter(tag="quota.repaired").count() == 1


def test_a_counter_can_never_be_negative(held: Held) -> None:
    held.reserve(uuid4())
    with pytest.raises(IntegrityError, match="quota_usage_never_negative"):
        QuotaUsage.across_tenants.update(deployments=-1)


def test_limits_are_set_by_platform_staff_alone(world: World) -> None:
    with pytest.raises(Refused):
        quota_set(actor=world.actor("admin"), tenant_id=world.north.pk, limits={"cpu_cores": 99})
    with pytest.raises(InvalidInput):
        quota_set(actor=Actor.system("test"), tenant_id=world.north.pk, limits={"cpu_cores": -1})
    assert not Quota.across_tenants.exists()


def test_setting_equal_limits_again_is_not_a_change(world: World) -> None:
    for _ in range(2):
        quota_set(actor=Actor.system("test"), tenant_id=world.north.pk, limits={"cpu_cores": 4})
    assert Entry.objects.using("platform").filter(tag="quota.changed").count() == 1


_amounts = st.builds(
    Amounts,
    st.just(1),
    st.integers(1, 6),
    st.integers(1, 6).map(lambda n: n * 512),
    st.integers(1, 60),
)
_moves = st.lists(
    st.tuples(st.sampled_from(["reserve", "adjust", "release"]), st.integers(0, 3), _amounts),
    max_size=14,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_moves)
def test_any_sequence_keeps_the_counters_true(
    world: World, held: Held, moves: list[tuple[str, int, Amounts]]
) -> None:
    Quota.objects.using("platform").get_or_create(
        tenant=world.north,
        defaults={"deployments": 3, "cpu_cores": 12, "memory_mb": 6144, "disk_gb": 120},
    )
    subjects = [uuid4() for _ in range(4)]
    model: dict[UUID, Amounts] = {}
    seen: set[UUID] = set()
    for verb, number, amounts in moves:
        subject = subjects[number]
        try:
            if verb == "reserve":
                held.reserve(subject, amounts)
                if subject not in seen:
                    model[subject] = amounts
                seen.add(subject)
            elif verb == "adjust":
                held.adjust(subject, amounts)
                model[subject] = amounts
            else:
                assert held.release(subject) is (model.pop(subject, None) is not None)
        except (QuotaExceeded, QuotaReservation.DoesNotExist):
            continue
    expected = Amounts(
        len(model),
        sum(one.cpu_cores for one in model.values()),
        sum(one.memory_mb for one in model.values()),
        sum(one.disk_gb for one in model.values()),
    )
    assert held.used() == expected
    for subject in subjects:
        held.release(subject)
    assert held.used() == Amounts()
