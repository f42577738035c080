"""Warnings before both ends: exactly once per offset, after outages, with proof of delivery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, User
from portal.services.operations import operation_retry
from provisioning.logic.leases import offset_reached
from provisioning.models import Deployment, LeaseWarning, Template
from provisioning.services import leases, warnings
from provisioning.services.expiry import expiry_sweep
from tests.conftest import World
from tests.engine import run_until_idle
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.provisioning import paper
from tests.provisioning.lease_scenes import HOUR, graced, leased, mail_fails, sent, swept
from tests.provisioning.test_races import at_once

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(code="linux-utility", cluster=ClusterFactory())


def test_each_offset_is_warned_of_once_as_it_is_reached(world: World, template: Template) -> None:
    row = leased(world, template, 80)
    seen = []
    for hours in (0, 9, 10, 57, 77, 79):
        with clock.travelled(timedelta(hours=hours)):
            swept(2)
        seen.append([offset for _, _, offset in sent(row)])
    assert seen == [[], [72], [72], [72, 24], [72, 24, 4], [72, 24, 4]]
    assert len(mail.outbox) == 3


@pytest.mark.parametrize(("hours", "offset"), [(71, 72), (23, 24), (3, 4)])
def test_after_an_outage_one_mail_is_sent_for_the_nearest_offset(
    world: World, template: Template, hours: int, offset: int
) -> None:
    row = leased(world, template, hours)
    swept(2)
    assert sent(row) == [("stop", 1, offset)]
    assert len(mail.outbox) == 1


def test_who_asks_for_a_day_is_not_warned_three_days_before(
    world: World, template: Template
) -> None:
    row = leased(world, template, 20, lease_set_at=clock.now() - HOUR)
    swept()
    assert sent(row) == []
    with clock.travelled(17 * HOUR):
        swept()
    assert sent(row) == [("stop", 1, 4)]


def test_two_sweeps_at_once_warn_once(world: World, template: Template) -> None:
    rows = [leased(world, template, 20), graced(world, template, 20)]
    assert at_once(4, lambda _: expiry_sweep()) == {"ok": 4}
    assert [sent(row) for row in rows] == [[("stop", 1, 24)], [("delete", 1, 24)]]
    mails = Operation.across_tenants.filter(type="mail.send")
    assert mails.count() == 1 + 2


def test_a_warning_says_what_ends_when_in_the_readers_zone(
    world: World, template: Template
) -> None:
    User.objects.using("platform").filter(pk=world.people["support"].pk).update(
        timezone="America/New_York"
    )
    ends_at = clock.now() + 20 * HOUR
    row = leased(world, template, 0, expires_at=ends_at, name="web-1")
    swept()
    told = mail.outbox[0]
    local = ends_at.astimezone(NEW_YORK)
    offset = f"{local:%z}"
    when = f"{local.day} {local:%b %Y, %H:%M} (UTC{offset[:3]}:{offset[3:]})"
    assert told.subject == f"web-1 stops on {when}"
    assert told.to == ["Support-North PERSON <support-north@uhub.local>"]
    assert f"/deployments/{row.pk}?tenant=north" in told.body
    assert told.from_email == "uHub <uhub@localhost>"


def test_the_last_warning_of_a_deletion_reaches_the_administrators_too(
    world: World, template: Template
) -> None:
    row = graced(world, template, 70)
    swept()
    assert [message.to for message in mail.outbox] == [
        ["Support-North PERSON <support-north@uhub.local>"]
    ]
    mail.outbox.clear()
    with clock.travelled(50 * HOUR):
        swept()
    assert sorted(message.to[0].split("<")[1] for message in mail.outbox) == [
        "admin-north@uhub.local>",
        "support-north@uhub.local>",
    ]
    assert sent(row) == [("delete", 1, 72), ("delete", 1, 24)]


def test_where_the_owner_cannot_be_reached_the_administrators_are(
    world: World, template: Template
) -> None:
    User.objects.using("platform").filter(pk=world.people["support"].pk).update(is_active=False)
    row = graced(world, template, 70)
    swept()
    warning = LeaseWarning.across_tenants.get(deployment_id=row.pk)
    assert [one["name"] for one in warning.recipients] == ["Admin-North PERSON"]
    assert warning.delivered_at is not None


def test_a_delivery_is_on_record(world: World, template: Template) -> None:
    row = leased(world, template, 20)
    expiry_sweep()
    assert LeaseWarning.across_tenants.get(deployment_id=row.pk).delivered_at is None
    run_until_idle()
    warning = LeaseWarning.across_tenants.get(deployment_id=row.pk)
    assert warning.delivered_at is not None
    assert warning.recipients[0]["delivered_at"] == f"{warning.delivered_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    tags = Entry.objects.using("platform").filter(target_id=str(row.pk)).order_by("seq")
    assert list(tags.values_list("tag", flat=True)) == [
        "pod.lease_warned",
        "pod.lease_warning_delivered",
    ]


def test_a_failed_delivery_is_on_record_and_can_be_tried_again(
    world: World, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_mail = mail_fails(monkeypatch)
    row = leased(world, template, 20)
    swept()
    warning = LeaseWarning.across_tenants.get(deployment_id=row.pk)
    assert (warning.delivered_at, warning.failure) == (
        None,
        "The mail server did not take the mail (ConnectionRefusedError).",
    )
    dead = Operation.across_tenants.get(type="mail.send")
    assert (dead.status, len(failing_mail)) == ("dead", dead.max_attempts)
    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", lambda *_: 1)
    with tenant_scope(world.north.pk):
        operation_retry(actor=world.actor("ops"), operation_id=dead.pk)
    run_until_idle()
    warning.refresh_from_db()
    assert (warning.delivered_at is not None, warning.failure) == (True, "")


# --- who is not warned, what is isolated, what it costs ------------------------------------------


def test_what_is_held_deleted_or_far_away_is_not_warned_of(
    world: World, template: Template
) -> None:
    rows = [
        leased(world, template, 20, hold=True),
        graced(world, template, 20, hold=True),
        leased(world, template, 20, status="deleting"),
        leased(world, template, 100),
    ]
    swept()
    assert [sent(row) for row in rows] == [[], [], [], []]


def test_a_changed_lease_is_warned_of_anew(world: World, template: Template) -> None:
    row = leased(world, template, 20)
    swept()
    with tenant_scope(world.north.pk):
        actor = world.actor("support")
        leases.deployment_extend(actor=actor, deployment_id=row.pk, hours=30)
    with clock.travelled(27 * HOUR):
        swept()
    assert sent(row) == [("stop", 1, 24), ("stop", 2, 24)]


def test_one_broken_deployment_does_not_keep_the_others_from_being_warned(
    world: World, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [leased(world, template, 20) for _ in range(3)]
    due = warnings.warning_due

    def broken(deployment: Deployment, kind: Any) -> Any:
        if deployment.pk == rows[1].pk:
            raise RuntimeError("a row nobody thought of")
        return due(deployment, kind)

    monkeypatch.setattr(warnings, "warning_due", broken)
    expiry_sweep()
    assert [len(sent(row)) for row in rows] == [1, 0, 1]


def questions() -> int:
    """Statements of one sweep; whether settings changed is asked by time, not by sweep."""
    with (
        CaptureQueriesContext(connections["platform"]) as platform,
        CaptureQueriesContext(connections["default"]) as runtime,
    ):
        expiry_sweep()
    asked = [query["sql"] for query in (*platform, *runtime)]
    return sum("portal_setting" not in sql for sql in asked)


def test_a_sweep_asks_as_little_for_a_thousand_as_for_ten(world: World, template: Template) -> None:
    rows = [leased(world, template, 100 + number) for number in range(10)]
    expiry_sweep()
    few = questions()
    like = rows[0]
    with tenant_scope(world.north.pk):
        copies = [
            Deployment(
                **{
                    field.attname: getattr(like, field.attname)
                    for field in Deployment._meta.concrete_fields
                    if field.attname not in {"id", "name", "vmid"}
                },
                name=f"many-{number}",
                vmid=100_000 + number,
            )
            for number in range(990)
        ]
        with transaction.atomic():
            Deployment.objects.bulk_create(copies)
    assert Deployment.across_tenants.count() == 1000
    assert questions() == few == 4


# --- pure ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_hours", "expected"),
    [(100, None), (72, 72), (71.9, 72), (24.1, 72), (24, 24), (4, 4), (0, 4), (-5, 4)],
)
def test_the_nearest_offset_reached(left_hours: float, expected: int | None) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert offset_reached(now + timedelta(hours=left_hours), now, (72, 24, 4)) == expected


def test_a_clock_change_moves_no_end_and_no_warning(world: World, template: Template) -> None:
    """In Paris the night of 28 March 2027 has 23 hours: a lease of 24 h still has 24."""
    set_at = datetime(2027, 3, 27, 12, tzinfo=UTC)
    offset = set_at - clock.now()
    with clock.travelled(offset):
        row = paper.deployment(world, template, expires_at=set_at + 48 * HOUR)
        Deployment.across_tenants.filter(pk=row.pk).update(created_at=set_at)
        with tenant_scope(world.north.pk):
            changed, _ = leases.deployment_extend(
                actor=world.actor("support"), deployment_id=row.pk, hours=24
            )
        assert changed.expires_at == datetime(2027, 3, 30, 12, tzinfo=UTC)
    with clock.travelled(offset + 48 * HOUR + timedelta(minutes=1)):
        swept()
    assert sent(row) == [("stop", 2, 24)]
    assert mail.outbox[0].subject.endswith("stops on 30 Mar 2027, 14:00 (UTC+02:00)")
