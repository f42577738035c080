"""Forgetting operations that ended long ago, with their tries. What they changed stays in the audit."""

from __future__ import annotations

from typing import Final

from django.db import connections

from portal.kernel.tenancy import DISPATCH
from portal.services.settings import setting_get

RETENTION: Final = "cloudpods.operations.retention_days"
_AT_ONCE: Final = 1_000
_ROUNDS: Final = 200

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


def operations_purge() -> int:
    """Deletes what ended before the retention; answers how many. What one run leaves the next one takes."""
    parameters = {"days": int(setting_get(RETENTION)), "most": _AT_ONCE}
    purged = 0
    with connections[DISPATCH].cursor() as cursor:
        for _ in range(_ROUNDS):
            cursor.execute(_PURGE, parameters)
            purged += cursor.rowcount
            if cursor.rowcount < _AT_ONCE:
                break
    return purged
