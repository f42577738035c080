"""Figures of the first page: exact at the borders of days, of one tenant alone, from indexes alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from portal.kernel import clock
from portal.kernel.errors import Refused
from portal.kernel.tenancy import tenant_scope
from portal.logic.periods import Period, PeriodKey, period_of
from provisioning.logic.figures import History, Tally, success_rate
from provisioning.models import Template
from provisioning.selectors import figures
from provisioning.selectors.figures import LiveFigures
from tests.conftest import World
from tests.factories.accounts import actor_of
from tests.factories.provisioning import TemplateFactory
from tests.provisioning import paper
from tests.provisioning.dashboard_scenes import machine

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 19, 12, tzinfo=UTC)
TODAY, SECOND = datetime(2026, 11, 18, 23, tzinfo=UTC), timedelta(seconds=1)
WEEK = period_of(PeriodKey.WEEK, NOW, PARIS)


@pytest.fixture
def template(world: World) -> Template:
    made: Template = TemplateFactory()
    return made


def history_of(world: World, period: Period = WEEK) -> History:
    with tenant_scope(world.north.pk), transaction.atomic():
        return figures.deployment_history(actor=world.actor("viewer"), period=period)


def live_of(world: World) -> LiveFigures:
    with tenant_scope(world.north.pk), transaction.atomic():
        return figures.live_figures(actor=world.actor("viewer"), within=timedelta(hours=72))


def test_midnight_of_the_reader_belongs_to_the_day_that_begins(
    world: World, template: Template
) -> None:
    machine(world, template, made=TODAY)
    machine(world, template, made=TODAY - SECOND, gone=TODAY)
    assert history_of(world).made == [0, 0, 0, 0, 0, 1, 1]
    assert history_of(world).gone == [0, 0, 0, 0, 0, 0, 1]
    elsewhere = period_of(PeriodKey.WEEK, NOW, ZoneInfo("Pacific/Honolulu"))
    assert history_of(world, elsewhere).made == [0, 0, 0, 0, 0, 2, 0]


def test_what_was_before_the_period_is_counted_apart(world: World, template: Template) -> None:
    machine(world, template, made=WEEK.begins - SECOND)
    machine(world, template, made=WEEK.before)
    machine(world, template, made=WEEK.before - SECOND)
    found = history_of(world)
    assert (sum(found.made), found.before.made) == (0, 2)


def test_levels_are_what_there_was_when_each_day_ended(world: World, template: Template) -> None:
    price = {"price_hour": Decimal("0.5")}
    machine(world, template, made=WEEK.before, **price)
    machine(world, template, made=WEEK.before, gone=TODAY - SECOND, **price)
    machine(world, template, made=TODAY, **price)
    machine(world, template, made=TODAY, gone=TODAY + SECOND, **price)
    found, live = history_of(world), live_of(world)
    assert found.levels(live.total) == [2, 2, 2, 2, 2, 2, 1, 2]
    assert found.price_levels(live.price_hour)[0] == Decimal("1.0")
    assert live.price_hour == Decimal("1.0")


def test_the_rate_knows_only_what_has_ended(world: World, template: Template) -> None:
    machine(world, template, made=TODAY)
    machine(world, template, made=TODAY, status="provisioning", ready_at=None)
    machine(world, template, made=TODAY, status="error", ready_at=None)
    machine(world, template, made=TODAY, gone=TODAY + SECOND, ready_at=None)
    machine(world, template, made=TODAY, status="error")
    found = history_of(world)
    assert (found.rate, found.rate_before) == (50.0, None)
    assert found.rates == [None] * 6 + [50.0]


def test_live_figures_count_by_status_and_end(world: World, template: Template) -> None:
    now = clock.now()
    ends = now + timedelta(hours=5)
    machine(world, template, expires_at=ends)
    machine(world, template, expires_at=now + timedelta(hours=2), hold=True)
    machine(world, template, status="deleting", expires_at=now + timedelta(hours=1))
    machine(
        world,
        template,
        status="stopped",
        expires_at=now - timedelta(hours=1),
        attention={"code": "x"},
    )
    machine(world, template, expires_at=now + timedelta(hours=73))
    machine(world, template, gone=now)
    found = live_of(world)
    assert found.counts == {"running": 3, "deleting": 1, "stopped": 1}
    assert (found.total, found.running, found.busy, found.ending) == (5, 3, 1, 2)
    assert (found.next_end, found.troubled, found.waiting) == (ends, 1, 0)


def test_figures_are_those_of_one_tenant(world: World, template: Template) -> None:
    paper.south(world, template)
    assert live_of(world).total == 0
    assert sum(history_of(world, period_of(PeriodKey.WEEK, clock.now(), PARIS)).made) == 0


def test_figures_are_refused_to_who_may_not_see_machines(world: World) -> None:
    nobody = actor_of(world.people["viewer"], world.north, "nobody")
    with tenant_scope(world.north.pk), transaction.atomic(), pytest.raises(Refused):
        figures.deployment_history(actor=nobody, period=WEEK)


def test_history_of_nothing_is_level_and_has_no_rate() -> None:
    nothing = History((Tally(), Tally()), Tally())
    assert nothing.levels(3) == [3, 3, 3]
    assert (nothing.rate, success_rate(29, 1)) == (None, 96.7)
