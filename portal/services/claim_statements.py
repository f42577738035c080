"""The SQL that moves operations. Constants alone: what varies are parameters."""

from __future__ import annotations

from typing import Final

CLAIM_FIELDS: Final = (
    *("id", "tenant_id", "queue", "type", "payload", "payload_schema", "target_type", "target_id"),
    *("actor_id", "actor_label", "request_id", "attempts", "max_attempts", "step", "steps"),
    *("state", "log", "last_error", "ending", "fence", "cancel_requested", "created_at"),
)
_COLUMNS: Final = ", ".join(CLAIM_FIELDS)
_ORDER: Final = "priority DESC, fair_at, id"


def _squeezed(statement: str) -> str:
    """Without line breaks and indents: the driver parses anew, each time, what has more than 4 096 characters."""
    return " ".join(statement.split())


# The first condition is asked once: a queue with nothing but later work costs one look at an index.
_DUE: Final = """
  due AS MATERIALIZED (
    SELECT o.id, o.type, o.attempts, o.priority, o.fair_at FROM portal_operation o
    WHERE (SELECT min(scheduled_at) FROM portal_operation
           WHERE status = 'pending' AND queue = %(queue)s::text) <= now()
      AND o.status = 'pending' AND o.queue = %(queue)s::text AND o.scheduled_at <= now()
      AND (o.concurrency_key = '' OR o.started_at IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM portal_operation h
        WHERE h.concurrency_key = o.concurrency_key AND h.concurrency_key <> ''
          AND h.status IN ('pending', 'running') AND h.id <> o.id
          AND (h.started_at IS NOT NULL OR (h.id < o.id AND h.scheduled_at <= now()))))
    ORDER BY o.priority DESC, o.fair_at, o.id
    LIMIT %(look)s::int FOR UPDATE OF o SKIP LOCKED
  )"""

_CHOSEN_ONE: Final = f"""
  chosen AS (SELECT id FROM due ORDER BY {_ORDER} LIMIT 1)"""  # noqa: S608 - constants alone

# Of a short kind several at a time, but only first tries: what may have taken a worker down runs alone.
_CHOSEN_SEVERAL: Final = f"""
  chosen AS (
    SELECT id FROM (
      SELECT id, type, attempts, row_number() OVER place AS place,
             first_value(type) OVER place AS head, first_value(attempts) OVER place AS tried
      FROM due WINDOW place AS (ORDER BY {_ORDER})) ranked
    WHERE place = 1 OR (attempts = 0 AND tried = 0 AND type = head
      AND place <= (%(batches)s::jsonb ->> head)::int)
  )"""  # noqa: S608 - constants alone

# Chosen keys as an array: a join, planned while the ledger was empty, would read all of its key ever after.
_CLAIMED: Final = f"""
  claimed AS (
    UPDATE portal_operation o SET
      status = 'running', fence = nextval('portal_operation_fence'), worker = %(worker)s::text,
      lease_expires_at = now() + make_interval(secs => %(lease_s)s::float8),
      started_at = coalesce(o.started_at, now()),
      try_started_at = CASE WHEN o.is_continued THEN o.try_started_at ELSE now() END,
      attempts = o.attempts + CASE WHEN o.is_continued THEN 0 ELSE 1 END,
      is_continued = false, updated_at = now()
    WHERE o.id = ANY(ARRAY(SELECT id FROM chosen))
    RETURNING {", ".join("o." + name for name in CLAIM_FIELDS)},
              o.priority, o.fair_at, o.started_at
  )"""  # noqa: S608 - constants alone

# The status is compared in a way that no partial index answers: the key finds the row, and an index of what
# runs would be read through all that ran before.
_SETTLED: Final = """
  settled AS (
    UPDATE portal_operation o SET
      status = s.status, step = s.step, steps = s.steps, state = s.state, log = s.log,
      last_error = s.last_error, attention = s.attention, result = s.result,
      ending = s.ending, is_continued = s.is_continued,
      scheduled_at = coalesce(now() + make_interval(secs => s.delay_s), o.scheduled_at),
      completed_at = CASE WHEN s.status <> 'pending' THEN now() END,
      lease_expires_at = NULL, updated_at = now()
    FROM jsonb_to_recordset(%(settlements)s::jsonb) AS s (
      id uuid, fence bigint, status text, step text, steps jsonb, state jsonb, log jsonb,
      last_error text, attention jsonb, result jsonb, ending jsonb, is_continued boolean,
      delay_s float8, outcome text)
    WHERE o.id = ANY(%(ids)s::uuid[]) AND o.id = s.id AND o.fence = s.fence
      AND o.status || '' = 'running'
    RETURNING o.id, o.tenant_id, o.queue, o.target_type, o.target_id, o.attempts, o.fence,
              o.worker, o.try_started_at, o.last_error, s.outcome
  ), tried AS (
    INSERT INTO portal_operationattempt
      (id, tenant_id, operation_id, attempt, fence, worker, started_at, finished_at, outcome, error)
    SELECT gen_random_uuid(), tenant_id, id, attempts, fence, worker, try_started_at, now(),
           outcome, last_error
    FROM settled WHERE outcome IS NOT NULL
    ON CONFLICT DO NOTHING
  )"""

# Nobody watches what samples and probes do, hence nothing is said of them.
_TOPICS: Final = """
  SELECT tenant_id, jsonb_build_array('operation:' || id) || CASE WHEN target_id IS NULL
    THEN '[]'::jsonb ELSE jsonb_build_array(target_type || ':' || target_id) END
  FROM {rows} WHERE {heard}"""
_TOPICS_OF_MANY: Final = """
  SELECT tenant_id, jsonb_agg('operation:' || id) || coalesce(
    jsonb_agg(target_type || ':' || target_id) FILTER (WHERE target_id IS NOT NULL), '[]')
  FROM {rows} WHERE {heard} GROUP BY tenant_id"""
_HEARD: Final = "queue NOT IN ('metrics', 'health')"
_BEGUN: Final = f"started_at = now() AND {_HEARD}"
# What is claimed in tens is over before a page could show that it began.
_BEGUN_ALONE: Final = f"{_BEGUN} AND NOT jsonb_exists(%(batches)s::jsonb, type)"
_SETTLED_TOPICS: Final = _TOPICS.format(rows="settled", heard=_HEARD)
_ALL_SETTLED_TOPICS: Final = _TOPICS_OF_MANY.format(rows="settled", heard=_HEARD)
_BEGUN_TOPICS: Final = _TOPICS.format(rows="claimed", heard=_BEGUN)
_BEGUN_ALONE_TOPICS: Final = _TOPICS.format(rows="claimed", heard=_BEGUN_ALONE)


def _told(*topics: str) -> str:
    rows = " UNION ALL ".join(topics)
    return f"told AS (INSERT INTO portal_liveevent (tenant_id, topics) {rows})"


_TAKEN: Final = f"""
  SELECT (SELECT count(*) FROM due), taken.* FROM (
    SELECT {_COLUMNS} FROM claimed ORDER BY {_ORDER}) taken"""  # noqa: S608 - constants alone
_SETTLED_AND_TAKEN: Final = f"""
  SELECT (SELECT array_agg(id) FROM settled), (SELECT count(*) FROM due), taken.*
  FROM (VALUES (1)) always
  LEFT JOIN (SELECT {_COLUMNS} FROM claimed ORDER BY {_ORDER}) taken
    ON true"""  # noqa: S608 - constants alone

TAKE_ONE: Final = _squeezed(
    f"WITH {_DUE}, {_CHOSEN_ONE}, {_CLAIMED}, {_told(_BEGUN_TOPICS)} {_TAKEN}"
)
TAKE_SEVERAL: Final = _squeezed(
    f"WITH {_DUE}, {_CHOSEN_SEVERAL}, {_CLAIMED}, {_told(_BEGUN_ALONE_TOPICS)} {_TAKEN}"
)
SETTLE: Final = _squeezed(
    f"WITH {_SETTLED}, {_told(_ALL_SETTLED_TOPICS)} SELECT id FROM settled"  # noqa: S608 - constants alone
)
SETTLE_AND_TAKE_ONE: Final = _squeezed(
    f"WITH {_SETTLED}, {_DUE}, {_CHOSEN_ONE}, {_CLAIMED}, "
    f"{_told(_SETTLED_TOPICS, _BEGUN_TOPICS)} {_SETTLED_AND_TAKEN}"
)
SETTLE_AND_TAKE_SEVERAL: Final = _squeezed(
    f"WITH {_SETTLED}, {_DUE}, {_CHOSEN_SEVERAL}, {_CLAIMED}, "
    f"{_told(_ALL_SETTLED_TOPICS, _BEGUN_ALONE_TOPICS)} {_SETTLED_AND_TAKEN}"
)

SAVE: Final = f"""
  WITH saved AS (
    UPDATE portal_operation SET
      step = %(step)s::text, steps = %(steps)s::jsonb, state = %(state)s::jsonb,
      log = %(log)s::jsonb, ending = %(ending)s::jsonb, updated_at = now()
    WHERE id = %(id)s::uuid AND fence = %(fence)s::bigint AND status || '' = 'running'
    RETURNING id, tenant_id, queue, target_type, target_id, cancel_requested
  ), {_told(_TOPICS.format(rows="saved", heard=_HEARD))}
  SELECT cancel_requested FROM saved"""  # noqa: S608 - constants alone

EXTEND: Final = """
  UPDATE portal_operation o
  SET lease_expires_at = now() + make_interval(secs => %(lease_s)s::float8)
  FROM unnest(%(ids)s::uuid[], %(fences)s::bigint[]) AS mine (id, fence)
  WHERE o.id = ANY(%(ids)s::uuid[]) AND o.id = mine.id AND o.fence = mine.fence AND o.status || '' = 'running'
  RETURNING o.id"""
