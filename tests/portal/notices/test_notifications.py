from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections, transaction

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.errors import NotFound
from portal.kernel.notices import notice_kinds
from portal.kernel.tenancy import tenant_scope, user_scope
from portal.models import Notification
from portal.selectors.notifications import bell_of, notice_switches, notification_list
from portal.services.cleanup import expired_remove
from portal.services.live_events import changes_after, snapshot_now
from portal.services.notifications import (
    Notice,
    notice_choices_set,
    notification_read,
    notifications_purge,
    notifications_read,
    notify,
)
from tests.conftest import World
from tests.portal.notices.conftest import Tell, rows

WAIT_S = 5.0
CAUSE = "operation:1:failed"


def test_people_are_told_once_per_cause(world: World, tell: Tell) -> None:
    support, ops = world.people["support"].pk, world.people["ops"].pk
    assert (tell("support"), tell("support", "ops"), tell("ops")) == ({support}, {ops}, set())
    assert rows() == [
        ("ops-north", "operation.failed", CAUSE),
        ("support-north", "operation.failed", CAUSE),
    ]


def test_same_cause_handled_twice_at_the_same_time_is_told_once(world: World, tell: Tell) -> None:
    has_written, may_commit = threading.Event(), threading.Event()
    people = [person.pk for person in world.people.values()]

    def handle(*, is_first: bool) -> int:
        try:
            with tenant_scope(world.north.pk), transaction.atomic():
                if not is_first:
                    assert has_written.wait(WAIT_S)
                    may_commit.set()
                told = notify(
                    Notice("operation.failed", CAUSE), tenant_id=world.north.pk, user_ids=people
                )
                if is_first:
                    has_written.set()
                    assert may_commit.wait(WAIT_S)
                return len(told)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(handle, is_first=is_first) for is_first in (True, False)]
        assert [one.result() for one in found] == [len(people), 0]
    assert len(rows()) == len(people)


def test_what_is_rolled_back_was_never_told(world: World) -> None:
    seen, person = snapshot_now(), world.people["support"].pk
    with tenant_scope(world.north.pk), transaction.atomic():
        notify(Notice("operation.failed", CAUSE), tenant_id=world.north.pk, user_ids=[person])
        transaction.set_rollback(True)
    assert (rows(), changes_after(seen, [world.north.pk])[1]) == ([], [])


def test_stream_is_told_who_was_told(world: World, tell: Tell) -> None:
    seen = snapshot_now()
    tell("support", "ops")
    topics = [change.topics for change in changes_after(seen, [world.north.pk])[1]]
    people = sorted([world.people["support"].pk, world.people["ops"].pk])
    assert topics == [[f"notification:{person}" for person in people]]


def test_deactivated_people_are_not_told(world: World, tell: Tell) -> None:
    person = world.people["support"]
    person.is_active = False
    person.save(using="platform")
    assert tell("support") == set()


def test_sentence_is_in_the_language_of_the_reader(world: World, tell: Tell) -> None:
    tell("support")
    with tenant_scope(world.north.pk), transaction.atomic():
        (notice,) = bell_of(world.actor("support")).notices
    assert (notice.text, notice.detail) == ("web-04: “Start” failed", "No such node.")


def test_words_of_an_older_version_still_say_what_it_is_about(world: World) -> None:
    person = world.people["support"].pk
    with tenant_scope(world.north.pk), transaction.atomic():
        notify(Notice("operation.failed", CAUSE), tenant_id=world.north.pk, user_ids=[person])
        (notice,) = bell_of(world.actor("support")).notices
        assert notice.text == "Your operation failed"


def test_bell_counts_all_and_shows_the_newest_ten(world: World, tell: Tell) -> None:
    for number in range(12):
        tell("support", cause=f"operation:{number}:failed")
    tell("ops", cause="operation:99:failed")
    with tenant_scope(world.north.pk), transaction.atomic():
        bell = bell_of(world.actor("support"))
    assert (bell.unread, len(bell.notices)) == (12, 10)
    assert bell.notices[0].row.cause == "operation:11:failed"


def test_reading_one_and_all(world: World, tell: Tell) -> None:
    for number in range(3):
        tell("support", "ops", cause=f"operation:{number}:failed")
    support = world.actor("support")
    with tenant_scope(world.north.pk), transaction.atomic():
        newest = notification_list(actor=support).order_by("-pk")[0]
        notification_read(actor=support, notification_id=newest.pk)
        assert bell_of(support).unread == 2
        assert notifications_read(actor=support) == 2
        assert notifications_read(actor=support) == 0
        assert bell_of(world.actor("ops")).unread == 3


def test_other_peoples_notices_are_absent(world: World, tell: Tell) -> None:
    tell("ops")
    theirs = Notification.objects.using("platform").get()
    for actor, tenant in ((world.actor("support"), world.north), (world.outsider(), world.south)):
        with tenant_scope(tenant.pk), transaction.atomic(), pytest.raises(NotFound):
            notification_read(actor=actor, notification_id=theirs.pk)


def test_database_shows_them_to_the_tenant_and_the_person_alone(world: World, tell: Tell) -> None:
    tell("support")
    seen = {}
    with transaction.atomic():
        seen["nobody"] = Notification.objects.count()
    with tenant_scope(world.south.pk), transaction.atomic():
        seen["other tenant"] = Notification.objects.count()
    with user_scope(world.people["ops"].pk), transaction.atomic():
        seen["other person"] = Notification.objects.count()
    with user_scope(world.people["support"].pk), transaction.atomic():
        seen["person"] = Notification.objects.count()
    assert seen == {"nobody": 0, "other tenant": 0, "other person": 0, "person": 1}


def test_kinds_can_be_switched_off_and_on(world: World, tell: Tell) -> None:
    support = world.actor("support")
    usual = [kind.key for kind in notice_kinds() if kind.is_on_by_default]
    kept = [key for key in usual if key != "operation.failed"]
    with tenant_scope(world.north.pk):
        notice_choices_set(actor=support, wanted=kept)
        with transaction.atomic():
            on = [one.kind.key for one in notice_switches(actor=support) if one.is_on]
    assert (sorted(on), tell("support", "ops")) == (sorted(kept), {world.people["ops"].pk})
    with tenant_scope(world.north.pk):
        notice_choices_set(actor=support, wanted=usual)
    assert tell("support") == {world.people["support"].pk}
    entries = Entry.objects.using("platform").filter(tag="notification.chosen").order_by("id")
    assert [entry.after for entry in entries] == [{"operation.failed": False}, {}]


def test_unknown_kind_is_refused(world: World) -> None:
    with tenant_scope(world.north.pk), pytest.raises(NotFound):
        notice_choices_set(actor=world.actor("support"), wanted=["nothing"])


def test_old_notices_are_forgotten(world: World, tell: Tell) -> None:
    tell("support")
    assert notifications_purge() == 0
    old = clock.now() - timedelta(days=91)
    Notification.objects.using("platform").update(created_at=old)
    assert (expired_remove()["notifications"], rows()) == (1, [])
