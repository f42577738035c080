"""The API: every list and object beside the same rows by SQL and orjson."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import urlsplit

import orjson

from tests.bench.floors import COLUMNS, FROM, LIVE, NEWEST, json_by_hand, rows_by_hand, same_rows
from tests.bench.subjects import measured
from tests.bench.timing import Act
from tests.bench.world import BenchWorld, Browser

DEPLOYMENTS = "/api/deployments"
BY_HAND = "SQL by hand + orjson"
LIST_GOAL = 6.0
SMALL_GOAL = 12.0  # one row costs a third of a millisecond, a request its middleware
PAGE_GOAL = 1.2
DEEP_PAGES = 150


def _list(world: BenchWorld, query: str, sql: str, *more: object) -> tuple[Act, Act]:
    client = world.api()
    same_rows(client.get(DEPLOYMENTS, query), rows_by_hand(world, world.big, sql, *more)())
    return (
        lambda: client.get(DEPLOYMENTS, query),
        json_by_hand(world, world.big, sql, *more),
    )


@measured("list.first", beside=BY_HAND, goal=LIST_GOAL)
def list_first(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """50 of 10 000."""
    return _list(world, "", f"{LIVE} {NEWEST}")


@measured("list.filtered", beside=BY_HAND, goal=LIST_GOAL)
def list_filtered(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """Three filters at once."""
    sql = f"{LIVE} AND d.status = %s AND d.health = %s AND t.code = %s {NEWEST}"
    query = f"status=running&health=ok&template={world.template.code}"
    return _list(world, query, sql, "running", "ok", world.template.code)


@measured("list.searched", beside=BY_HAND, goal=LIST_GOAL)
def list_searched(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """Search over name and host name."""
    sql = f"{LIVE} AND (d.name ILIKE %s OR d.hostname ILIKE %s) {NEWEST}"
    return _list(world, "search=vm-", sql, "%vm-%", "%vm-%")


@measured("list.counted", beside=BY_HAND, goal=LIST_GOAL)
def list_counted(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """With `count=true`; the yardstick counts in a statement of its own."""
    act, rows = _list(world, "count=true", f"{LIVE} {NEWEST}")
    count = rows_by_hand(
        world,
        world.big,
        "SELECT count(*) FROM provisioning_deployment d WHERE d.tenant_id = %s "
        "AND d.status <> 'deleted'",
    )
    return act, lambda: (rows(), count())


@measured("list.deep page", beside="its first page", goal=PAGE_GOAL)
def list_deep(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """Page 150 of 200 beside page 1."""
    client = world.api()
    query = _page_query(client, DEEP_PAGES)
    return (lambda: client.get(DEPLOYMENTS, query)), (lambda: client.get(DEPLOYMENTS))


@measured("list.of 10 000", beside="ten rows of an organisation of ten", goal=PAGE_GOAL)
def list_size(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """Ten rows of many beside ten rows of ten."""
    client, other = world.api(), world.api(world.newcomer)
    return (
        lambda: client.get(DEPLOYMENTS, "limit=10"),
        lambda: other.get(DEPLOYMENTS, "limit=10"),
    )


def _page_query(client: Browser, pages: int) -> str:
    query = ""
    for _ in range(pages - 1):
        query = urlsplit(orjson.loads(client.get(DEPLOYMENTS, query))["next"]).query
    return query


@measured("detail", beside=BY_HAND, goal=SMALL_GOAL)
def detail(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """One deployment."""
    client = world.api()
    path = f"{DEPLOYMENTS}/{_some_id(client)}"
    sql = f"SELECT {COLUMNS} {FROM} AND d.id = %s"
    return (
        lambda: client.get(path),
        json_by_hand(world, world.big, sql, path.rpartition("/")[2]),
    )


@measured("me", beside="its three rows by hand + orjson", goal=SMALL_GOAL)
def me(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """`/api/me`: nothing but identity."""
    client = world.api()
    sql = (
        "SELECT u.*, r.code, r.permissions, t.slug, t.name FROM portal_membership m "
        "JOIN portal_user u ON u.id = m.user_id JOIN portal_role r ON r.id = m.role_id "
        "JOIN billing_tenant t ON t.id = m.tenant_id WHERE m.tenant_id = %s AND m.user_id = %s"
    )
    return (lambda: client.get("/api/me")), json_by_hand(world, world.big, sql, world.user.pk)


@measured("plan", beside="the list's first page")
def plan(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """`dry_run`: quota, price, policies and placement of a request."""
    client = world.api()
    body = orjson.dumps({"template": world.template.code, "name": "planned"})
    return (
        lambda: client.send("POST", DEPLOYMENTS, "dry_run=true", body),
        lambda: client.get(DEPLOYMENTS),
    )


@measured("submit", beside="the list's first page", calls=10)
def submit(world: BenchWorld, _stack: ExitStack) -> tuple[Act, Act]:
    """A creation as far as the answer 202: reservation, machine number, audit, operation."""
    client, lists = world.api(world.newcomer), world.api()
    numbers = iter(range(1_000_000))

    def act() -> bytes:
        wanted = {"template": world.template.code, "name": f"submitted-{next(numbers)}"}
        return client.send("POST", DEPLOYMENTS, "", orjson.dumps(wanted))

    return act, lambda: lists.get(DEPLOYMENTS)


def _some_id(client: Browser) -> str:
    return str(orjson.loads(client.get(DEPLOYMENTS, "limit=1"))["results"][0]["id"])
