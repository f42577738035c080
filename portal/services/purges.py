"""Forgetting operations that ended long ago, with their tries. What they changed stays in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import connections

from portal.kernel.tenancy import DISPATCH
from portal.services.settings import setting_get

RETENTION: Final = "cloudpods.operations.retention_days"
EVENT_RETENTION: Final = "platform.system_events.retention_days"
_AT_ONCE: Final = 1_000
_MOST_ROUNDS: Final = 200

# Keys begin with the moment they were made in, so the oldest come first. What a retry still names stays
# until the retry itself is old enough.
_PURGE: Final = """
  WITH old AS (
    SELECT o.id, o.tenant_id FROM portal_operation o
    WHERE o.status IN ('completed', 'failed', 'dead', 'canceled')
      AND o.completed_at < now() - make_interval(days => %(days)s)
      AND NOT EXISTS (SELECT 1 FROM portal_operation r
        WHERE r.tenant_id = o.tenant_id AND r.retry_of_id = o.id)
    ORDER BY o.id LIMIT %(most)s
  ), tries AS (
    DELETE FROM portal_operationattempt t USING old
    WHERE t.tenant_id = old.tenant_id AND t.operation_id = old.id
  )
  DELETE FROM portal_operation o USING old WHERE o.id = old.id"""

_PURGE_EVENTS: Final = """
  DELETE FROM audit_systemevent WHERE id IN (
    SELECT id FROM audit_systemevent WHERE created_at < now() - make_interval(days => %(days)s)
    ORDER BY created_at LIMIT %(most)s)"""


def purge_in_rounds(
    statement: str, parameters: Mapping[str, Any], *, at_once: int = _AT_ONCE
) -> int:
    """Runs a deletion of at most `most` rows until it finds fewer; answers how many went.

    Each round is a transaction of its own, so that nobody waits for long; what is left after the last
    allowed round the next run takes.
    """
    bound = {**parameters, "most": at_once}
    purged = 0
    with connections[DISPATCH].cursor() as cursor:
        for _ in range(_MOST_ROUNDS):
            cursor.execute(statement, bound)
            purged += cursor.rowcount
            if cursor.rowcount < at_once:
                break
    return purged


def operations_purge() -> int:
    """Deletes what ended before the retention; answers how many."""
    return purge_in_rounds(_PURGE, {"days": int(setting_get(RETENTION))})


def system_events_purge() -> int:
    """Deletes what processes reported before the retention; answers how much."""
    return purge_in_rounds(_PURGE_EVENTS, {"days": int(setting_get(EVENT_RETENTION))})
