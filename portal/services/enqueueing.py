"""Writing operations into the ledger: one statement, however many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connections
from django.utils import translation

from portal.kernel import clock, context, scope
from portal.kernel.authz import Actor
from portal.kernel.database.base import DatabaseWrapper
from portal.kernel.models import uuid7
from portal.kernel.queue import OperationKind
from portal.logic.ledger_json import ledger_dumped
from portal.logic.progress import steps_initial
from portal.models import Operation
from portal.states import OperationStatus

_ACTOR_LABEL_LENGTH: Final = 160
_REQUEST_ID_LENGTH: Final = 64

# A tenant with a backlog queues up one share of time behind its own last pending operation, and each of
# many behind the one before; a tenant without one is served by the clock (ADR fair-shares-are-moments).
_INSERT: Final = """
  WITH told AS (
    INSERT INTO portal_liveevent (tenant_id, topics)
    SELECT %(tenant_id)s::uuid, %(topics)s::jsonb
    WHERE %(queue)s::text NOT IN ('metrics', 'health'))
  INSERT INTO portal_operation (
    id, created_at, updated_at, tenant_id, queue, type, payload, payload_schema, status, priority,
    fair_at, scheduled_at, attempts, max_attempts, step, steps, state, log, fence, worker,
    is_continued, concurrency_key, cancel_requested, target_type, target_id, retry_of_id, actor_id,
    actor_label, request_id)
  SELECT
    n.id, %(created_at)s::timestamptz, %(created_at)s::timestamptz, %(tenant_id)s::uuid,
    %(queue)s::text, %(type)s::text, n.payload::jsonb, %(payload_schema)s::smallint, 'pending',
    n.priority,
    greatest(now(), (SELECT fair_at + make_interval(secs => %(share_s)s::float8)
      FROM portal_operation
      WHERE tenant_id = %(tenant_id)s::uuid AND queue = %(queue)s::text AND status = 'pending'
      ORDER BY fair_at DESC LIMIT 1))
      + make_interval(secs => %(share_s)s::float8 * (n.place - 1)),
    coalesce(n.scheduled_at, now()), 0, %(max_attempts)s::int, %(step)s::text, %(steps)s::jsonb,
    '{{}}', '[]', 0, '', false, n.concurrency_key, false, %(target_type)s::text, n.target_id,
    %(retry_of_id)s::uuid, %(actor_id)s::uuid, %(actor_label)s::text, %(request_id)s::text
  FROM {rows} AS n (id, payload, priority, scheduled_at, concurrency_key, target_id, place)
  RETURNING fair_at, scheduled_at"""
_INSERT_MANY: Final = _INSERT.format(
    rows="""unnest(%(ids)s::uuid[], %(payloads)s::text[], %(priorities)s::smallint[],
    %(moments)s::timestamptz[], %(keys)s::text[], %(targets)s::uuid[]) WITH ORDINALITY"""
)
_INSERT_ONE: Final = _INSERT.format(
    rows="""(VALUES (%(id)s::uuid, %(payload)s::text, %(own_priority)s::smallint,
    %(moment)s::timestamptz, %(key)s::text, %(target)s::uuid, 1))"""
)
_OF_ONE: Final = {
    "id": "ids",
    "payload": "payloads",
    "own_priority": "priorities",
    "moment": "moments",
    "key": "keys",
    "target": "targets",
}


@dataclass(frozen=True, slots=True)
class NewOperation:
    """What one operation has for itself among those that are enqueued together."""

    target_id: UUID | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    concurrency_key: str = ""
    scheduled_at: datetime | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Common:
    """What operations that are enqueued together share."""

    kind: OperationKind
    actor: Actor
    tenant_id: UUID
    target_type: str = ""
    retry_of_id: UUID | None = None


def operations_insert(common: Common, news: Sequence[NewOperation]) -> list[UUID]:
    """Writes operations in the open transaction, under the tenant in scope; answers their keys in order."""
    parameters = _parameters(common, news, _steps(common.kind))
    _inserted(scope.alias.get(), _INSERT_MANY, parameters)
    ids: list[UUID] = parameters["ids"]
    return ids


def operation_insert(common: Common, new: NewOperation) -> Operation:
    """Writes one operation and answers it as the row it has become."""
    alias, steps = scope.alias.get(), _steps(common.kind)
    parameters = _parameters(common, [new], steps)
    own = {name: parameters[names][0] for name, names in _OF_ONE.items()}
    fair_at, scheduled_at = _inserted(alias, _INSERT_ONE, parameters | own)[0]
    operation = Operation(
        id=parameters["ids"][0],
        created_at=parameters["created_at"],
        updated_at=parameters["created_at"],
        status=OperationStatus.PENDING,
        fair_at=fair_at,
        scheduled_at=scheduled_at,
        payload=orjson.loads(parameters["payloads"][0]),
        priority=parameters["priorities"][0],
        concurrency_key=new.concurrency_key,
        target_id=new.target_id,
        steps=steps,
        **{name: parameters[name] for name in _SHARED},
    )
    operation._state.adding, operation._state.db = False, alias
    return operation


def _inserted(
    alias: str, statement: str, parameters: dict[str, Any]
) -> list[tuple[datetime, datetime]]:
    """Prepared, because reading and planning the statement would cost more than carrying it out."""
    connection = cast(DatabaseWrapper, connections[alias])
    return connection.ledger_rows(statement, parameters)


_SHARED: Final = (
    *("tenant_id", "queue", "type", "payload_schema", "max_attempts", "step", "target_type"),
    *("retry_of_id", "actor_id", "actor_label", "request_id"),
)


def _parameters(
    common: Common, news: Sequence[NewOperation], steps: list[dict[str, Any]]
) -> dict[str, Any]:
    kind, actor = common.kind, common.actor
    return {
        "created_at": clock.now(),
        "tenant_id": common.tenant_id,
        "queue": kind.queue,
        "type": kind.type,
        "payload_schema": kind.payload_schema,
        "max_attempts": kind.max_attempts,
        "step": kind.steps[0].name,
        "steps": ledger_dumped(steps),
        "target_type": common.target_type,
        "retry_of_id": common.retry_of_id,
        "actor_id": actor.user_id,
        "actor_label": actor.label[:_ACTOR_LABEL_LENGTH],
        "request_id": context.current().request_id[:_REQUEST_ID_LENGTH],
        "share_s": settings.ENGINE["FAIR_SHARE_S"],
        "ids": [uuid7() for _ in news],
        "payloads": [ledger_dumped(new.payload) for new in news],
        "priorities": [kind.capped_priority(new.priority) for new in news],
        "moments": [new.scheduled_at for new in news],
        "keys": [new.concurrency_key for new in news],
        "targets": [new.target_id for new in news],
        "topics": ledger_dumped(_topics(common, news)),
    }


def _topics(common: Common, news: Sequence[NewOperation]) -> list[str]:
    """Whose pages show that something was asked for."""
    targets = {f"{common.target_type}:{new.target_id}" for new in news if new.target_id}
    return ["operation", *sorted(targets)]


def _steps(kind: OperationKind) -> list[dict[str, Any]]:
    """All steps, not begun; rows keep their labels in the installation's own language."""
    with translation.override(settings.LANGUAGE_CODE):
        return steps_initial(kind)
