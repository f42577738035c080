"""Live events: told in the transaction of the change, read by the web processes that show it.

Transactions commit in another order than they took their numbers, so "everything after the last number"
would skip what commits late. A reader therefore remembers the snapshot of its last look and asks for what
that snapshot did not show; and a browser that comes back is told everything from the oldest transaction
that was still open when the last row it knows of was written.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connections

from portal.kernel import scope
from portal.kernel.tenancy import DISPATCH, current_tenant_id
from portal.services.purges import purge_in_rounds

_PURGED_AT_ONCE: Final = 10_000

_TELL: Final = (
    "INSERT INTO portal_liveevent (tenant_id, topics) VALUES (%(tenant_id)s, %(topics)s::jsonb)"
)
_NOW: Final = "SELECT pg_current_snapshot()::text"
_CHANGES: Final = """
  SELECT pg_current_snapshot()::text, (
    SELECT jsonb_agg(jsonb_build_array(e.id, e.tenant_id, e.topics) ORDER BY e.id)
    FROM portal_liveevent e
    WHERE e.xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::bigint
      AND NOT pg_visible_in_snapshot(e.xid::text::xid8, %(seen)s::pg_snapshot)
      AND e.tenant_id = ANY(%(tenants)s::uuid[]))::text"""
_SINCE: Final = """
  SELECT h.id, (SELECT jsonb_agg(jsonb_build_array(e.id, e.tenant_id, e.topics) ORDER BY e.id)
    FROM portal_liveevent e WHERE e.xid >= h.horizon AND e.tenant_id = %(tenant_id)s)::text
  FROM portal_liveevent h WHERE h.id = %(last_id)s AND h.tenant_id = %(tenant_id)s"""
_RECENT: Final = """
  SELECT jsonb_agg(jsonb_build_array(id, tenant_id, topics) ORDER BY id)::text FROM (
    SELECT id, tenant_id, topics, created_at FROM portal_liveevent ORDER BY id DESC LIMIT 1000
  ) latest
  WHERE tenant_id = %(tenant_id)s
    AND created_at > clock_timestamp() - make_interval(secs => %(recent_s)s)"""
_PURGE: Final = """
  DELETE FROM portal_liveevent WHERE id IN (
    SELECT id FROM portal_liveevent ORDER BY id LIMIT %(most)s)
    AND created_at < now() - make_interval(secs => %(kept_s)s)"""


class Change(NamedTuple):
    """One row: who it concerns and what changed."""

    id: int
    tenant_id: UUID
    topics: list[str]


def live_publish(*topics: str, tenant_id: UUID | None = None) -> None:
    """Tells of a change in the open transaction; nobody hears of it unless that commits.

    Raises:
        ValueError: there is no tenant, neither given nor in scope.
    """
    owner = tenant_id or current_tenant_id()
    if owner is None:
        raise ValueError("a live event belongs to a tenant")
    with connections[scope.alias.get()].cursor() as cursor:
        cursor.execute(_TELL, {"tenant_id": owner, "topics": orjson.dumps(topics).decode()})


def snapshot_now() -> str:
    """What a look at this moment would show, as `changes_after` wants it."""
    return str(_row(_NOW, {})[0])


def changes_after(seen: str, tenants: Collection[UUID]) -> tuple[str, list[Change]]:
    """What the snapshot did not show and this look does, with the snapshot of this look."""
    snapshot, rows = _row(_CHANGES, {"seen": seen, "tenants": list(tenants)})
    return str(snapshot), _changes(rows)


def changes_since(last_id: int, *, tenant_id: UUID) -> list[Change] | None:
    """What a browser may have missed that knows this row; None when the row is gone, hence unknown.

    Some of it may be known already: it is told again rather than lost.
    """
    found = _row(_SINCE, {"last_id": last_id, "tenant_id": tenant_id})
    return None if found is None else _changes(found[1])


def changes_recent(*, tenant_id: UUID) -> list[Change]:
    """What happened while the page that asks was being made."""
    recent_s = settings.LIVE["RECENT_S"]
    return _changes(_row(_RECENT, {"tenant_id": tenant_id, "recent_s": recent_s})[0])


def live_events_purge() -> int:
    """Forgets what is too old to be caught up with; answers how much that was."""
    return purge_in_rounds(_PURGE, {"kept_s": settings.LIVE["KEPT_S"]}, at_once=_PURGED_AT_ONCE)


def _changes(rows: str | None) -> list[Change]:
    found: list[Any] = orjson.loads(rows) if rows else []
    return [Change(id_, UUID(tenant_id), topics) for id_, tenant_id, topics in found]


def _row(statement: str, parameters: dict[str, Any]) -> Any:
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()
