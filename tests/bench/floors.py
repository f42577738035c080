"""Yardsticks of lists: the same rows and columns by hand-written SQL, prepared, and orjson."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson

from billing.models import Tenant
from tests.bench.world import BenchWorld

COLUMNS = (
    "d.id, d.tenant_id, d.owner_id, d.name, d.hostname, t.code, d.template_version, d.status, "
    "d.health, d.attention, d.cpu_cores, d.memory_mb, d.disk_gb, d.ip_addresses, d.parameters, "
    "d.tags, d.hold, c.code, d.node, d.vmid, d.price_hour, d.ttl_hours, d.expires_at, "
    "d.expired_at, d.delete_after, d.ready_at, d.deleted_at, u.id, u.username, u.display_name, "
    "d.created_at, d.updated_at"
)
FROM = (
    "FROM provisioning_deployment d JOIN provisioning_template t ON t.id = d.template_id "
    "JOIN provisioning_cluster c ON c.id = d.cluster_id JOIN portal_user u ON u.id = d.owner_id "
    "WHERE d.tenant_id = %s"
)
LIVE = f"SELECT {COLUMNS} {FROM} AND d.status <> 'deleted'"
NEWEST = "ORDER BY d.created_at DESC, d.id DESC LIMIT 51"
SCOPE = "SELECT set_config('app.tenant_id', %s, true), set_config('app.user_id', %s, true)"


def rows_by_hand(
    world: BenchWorld, tenant: Tenant, sql: str, *more: object
) -> Callable[[], list[Any]]:
    """The rows of a statement whose first parameter is the tenant, in a transaction with its scope."""
    connection = world.raw
    scope = (str(tenant.pk), str(world.user.pk))
    parameters = (tenant.pk, *more)

    def act() -> list[Any]:
        with connection.transaction():
            connection.execute(SCOPE, scope, prepare=True)
            return connection.execute(sql, parameters, prepare=True).fetchall()

    return act


def json_by_hand(world: BenchWorld, tenant: Tenant, sql: str, *more: object) -> Callable[[], bytes]:
    """The same as JSON."""
    rows = rows_by_hand(world, tenant, sql, *more)

    def act() -> bytes:
        return orjson.dumps(rows(), default=str)

    return act


def same_rows(body: bytes, by_hand: list[Any], *, limit: int = 50) -> None:
    """Subject and yardstick must have read the same."""
    shown = [UUID(row["id"]) for row in orjson.loads(body)["results"]]
    assert shown == [row[0] for row in by_hand[:limit]], "subject and yardstick read different rows"
