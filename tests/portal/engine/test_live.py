from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections, transaction
from django.test import AsyncClient, Client

from billing.models import Tenant
from portal.kernel.tenancy import tenant_scope
from portal.models import Membership, WebSession
from portal.services.enqueueing import NewOperation
from portal.services.live_events import (
    changes_after,
    changes_since,
    live_events_purge,
    live_publish,
    snapshot_now,
)
from portal.services.live_hub import HUB
from portal.services.operations import operation_enqueue_many
from tests.conftest import World
from tests.engine import run_until_idle

WAIT_S = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    quicker = {"POLL_S": 0.02, "RECHECK_S": 0.05, "HEARTBEAT_S": 0.2}
    monkeypatch.setattr("django.conf.settings.LIVE", settings.LIVE | quicker)


def publish(tenant, *topics):
    with tenant_scope(tenant.pk), transaction.atomic():
        live_publish(*topics)


def told(changes):
    return [change.topics for change in changes]


def test_change_is_told_when_it_commits_and_not_before(tenant):
    seen = snapshot_now()
    with tenant_scope(tenant.pk), transaction.atomic():
        live_publish("operation:1")
        assert changes_after(seen, [tenant.pk])[1] == []
    assert told(changes_after(seen, [tenant.pk])[1]) == [["operation:1"]]


def test_rolled_back_change_is_never_told(tenant):
    seen = snapshot_now()
    with tenant_scope(tenant.pk), transaction.atomic():
        live_publish("operation:1")
        transaction.set_rollback(True)
    assert changes_after(seen, [tenant.pk])[1] == []


def test_change_that_commits_after_a_later_number_is_told_all_the_same(tenant):
    seen = snapshot_now()
    has_written, may_commit = threading.Event(), threading.Event()

    def slow():
        with tenant_scope(tenant.pk), transaction.atomic():
            live_publish("operation:slow")
            has_written.set()
            assert may_commit.wait(WAIT_S)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert has_written.wait(WAIT_S)
    publish(tenant, "operation:fast")
    seen, first = changes_after(seen, [tenant.pk])
    may_commit.set()
    thread.join()
    _, second = changes_after(seen, [tenant.pk])
    assert (told(first), told(second)) == ([["operation:fast"]], [["operation:slow"]])
    assert first[0].id > second[0].id
    assert ["operation:slow"] in told(changes_since(first[0].id, tenant_id=tenant.pk))


def test_other_tenants_changes_are_not_told(tenant):
    other = Tenant.objects.using("platform").create(slug="o-live", name="Other")
    seen = snapshot_now()
    publish(other, "operation:1")
    assert changes_after(seen, [tenant.pk])[1] == []
    row = changes_after(seen, [other.pk])[1][0]
    assert changes_since(row.id, tenant_id=tenant.pk) is None


def test_old_changes_are_forgotten(tenant, monkeypatch):
    publish(tenant, "operation:1")
    assert live_events_purge() == 0
    monkeypatch.setattr("django.conf.settings.LIVE", settings.LIVE | {"KEPT_S": 0.0})
    assert live_events_purge() == 1


def test_operation_tells_of_each_change_that_shows(enqueue, tenant):
    seen = snapshot_now()
    operation = enqueue("test.noop", target_type="deployment", target_id=tenant.pk)
    run_until_idle()
    its = [f"operation:{operation.pk}", f"deployment:{tenant.pk}"]
    assert told(changes_after(seen, [tenant.pk])[1]) == [
        ["operation", f"deployment:{tenant.pk}"],
        its,
        its,
    ]


def test_many_operations_are_told_at_once(actor, tenant):
    seen = snapshot_now()
    with tenant_scope(tenant.pk):
        operation_enqueue_many(actor=actor, type="test.noop", news=[NewOperation()] * 30)
    assert told(changes_after(seen, [tenant.pk])[1]) == [["operation"]]


class Reader:
    """What a browser makes of a stream."""

    def __init__(self, response):
        self._chunks = aiter(response._iterator)
        self.last_id = ""

    async def event(self, name=None):
        """The next event, of that name if given; comments are skipped."""
        async with asyncio.timeout(WAIT_S):
            return await self._event(name)

    async def _event(self, name):
        while True:
            text = (await anext(self._chunks)).decode()
            lines = dict(
                line.split(": ", 1) for line in text.splitlines() if line[:1] not in {"", ":"}
            )
            self.last_id = lines.get("id", self.last_id)
            if "event" in lines and name in {None, lines["event"]}:
                return lines["event"], orjson.loads(lines["data"])

    async def close(self):
        await self._chunks.aclose()


@asynccontextmanager
async def listening(user, topics="operation", **more):
    client = AsyncClient()
    await client.aforce_login(user)
    response = await client.get("/live", {"topics": topics}, **more)
    assert response.status_code == 200, response.content
    reader = Reader(response)
    reader.client = client
    try:
        yield reader
    finally:
        await reader.close()


async def eventually(condition):
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - what tests wait for signals nothing
            await asyncio.sleep(0.01)


@pytest.fixture
def run():
    """Runs a test's coroutine in a thread of its own, where no browser's loop runs, and ends its connections."""

    async def ended(coroutine):
        try:
            await coroutine
        finally:
            await sync_to_async(connections.close_all)()

    def _run(coroutine):
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, ended(coroutine)).result()

    return _run


def test_stream_tells_topics_and_their_kinds(world: World, run):
    async def scene():
        async with listening(world.people["viewer"]) as reader:
            await asyncio.gather(
                reader.event("change"), sync_to_async(publish)(world.north, "operation:1", "x:2")
            )
            await eventually(lambda: reader.last_id)

    run(scene())


def test_browser_that_returns_is_told_what_it_missed(world: World, run):
    async def scene():
        viewer = world.people["viewer"]
        async with listening(viewer) as reader:
            await sync_to_async(publish)(world.north, "operation:1")
            await reader.event("change")
            last = reader.last_id
        await sync_to_async(publish)(world.north, "operation:2")
        async with listening(viewer, headers={"Last-Event-ID": last}) as reader:
            assert await reader.event() == ("change", {"topics": ["operation"]})
        async with listening(viewer, headers={"Last-Event-ID": "999999999"}) as reader:
            assert (await reader.event())[0] == "reset"

    run(scene())


def test_other_tenants_changes_do_not_reach_a_stream(world: World, run):
    async def scene():
        async with listening(world.people["viewer"]) as reader:
            await sync_to_async(publish)(world.south, "operation:1")
            await sync_to_async(publish)(world.north, "operation:2")
            await reader.event("change")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.15):
                    await reader.event("change")

    run(scene())


@pytest.mark.parametrize("loss", ["signed out", "membership", "deactivated", "password"])
def test_stream_ends_when_its_right_ends(world: World, run, loss):
    user = world.people["viewer"]

    def lose():
        if loss == "signed out":
            WebSession.objects.using("platform").all().delete()
            return
        if loss == "membership":
            Membership.objects.using("platform").filter(user_id=user.pk).delete()
            return
        if loss == "deactivated":
            user.is_active = False
        else:
            user.set_password("another-Password-1")
        user.save(using="platform")

    async def scene():
        async with listening(user) as reader:
            await sync_to_async(lose)()
            assert (await reader.event("close"))[0] == "close"

    run(scene())


def test_nobody_looks_when_nobody_listens(world: World, run):
    async def scene():
        async with listening(world.people["viewer"]) as reader:
            await anext(reader._chunks)
            assert not HUB._looker.done()
        await eventually(HUB._looker.done)

    run(scene())


def test_streams_of_one_person_are_bounded(world: World, run, monkeypatch):
    monkeypatch.setattr("django.conf.settings.LIVE", settings.LIVE | {"STREAMS_PER_USER": 1})

    async def scene():
        viewer = world.people["viewer"]
        async with listening(viewer) as reader:
            await anext(reader._chunks)
            refused = await reader.client.get("/live", {"topics": "operation"})
            assert refused.status_code == 429
        async with listening(viewer) as reader:
            await anext(reader._chunks)

    run(scene())


@pytest.mark.parametrize(
    ("topics", "status"),
    [
        ("operation", 204),
        ("", 400),
        ("nothing", 404),
        ("operation:no-id", 404),
        ("operation:00000000-0000-7000-8000-000000000001", 404),
    ],
)
def test_topics_are_checked_also_where_nothing_streams(world: World, topics, status):
    client = Client()
    client.force_login(world.people["viewer"])
    assert client.get("/live", {"topics": topics}).status_code == status


def test_object_of_another_tenant_cannot_be_listened_to(world: World, enqueue):
    operation = enqueue("test.noop", tenant_id=world.south.pk)
    for user, status in ((world.people["viewer"], 404), (world.stranger, 204)):
        client = Client()
        client.force_login(user)
        assert client.get("/live", {"topics": f"operation:{operation.pk}"}).status_code == status
