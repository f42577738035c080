"""The floor: a claim loop by hand over a ledger of its own, with nothing around it.

`python -m tests.bench.engine_floor 20` claims twenty at a time until it is killed.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import psycopg

TABLES = """
  CREATE TABLE bench_job (
    id bigserial PRIMARY KEY, status text NOT NULL DEFAULT 'pending', queue text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{{}}', attempt int NOT NULL DEFAULT 0, fence bigint,
    lease_expires_at timestamptz, finished_at timestamptz);
  CREATE INDEX bench_ready ON bench_job (queue, id) WHERE status = 'pending';
  CREATE TABLE bench_attempt (
    job_id bigint NOT NULL, attempt int NOT NULL, fence bigint NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (job_id, attempt));
  CREATE SEQUENCE bench_fence;
  GRANT ALL ON bench_job, bench_attempt TO {role};
  GRANT ALL ON SEQUENCE bench_job_id_seq, bench_fence TO {role}"""
DROP = "DROP TABLE IF EXISTS bench_job, bench_attempt; DROP SEQUENCE IF EXISTS bench_fence"
ENQUEUE = "INSERT INTO bench_job (queue) SELECT %s FROM generate_series(1, %s)"
OPEN = "SELECT EXISTS (SELECT 1 FROM bench_job WHERE queue = %s AND status <> 'done')"
_LOOP = """
  WITH ended AS (
    UPDATE bench_job j SET status = 'done', finished_at = now()
    FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS mine (id, fence)
    WHERE j.id = mine.id AND j.fence = mine.fence AND j.status = 'running'
    RETURNING j.id, j.attempt, j.fence
  ), noted AS (
    INSERT INTO bench_attempt (job_id, attempt, fence) SELECT id, attempt, fence FROM ended
  ), chosen AS MATERIALIZED (
    SELECT id FROM bench_job WHERE status = 'pending' AND queue = %(queue)s
    ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
  )
  UPDATE bench_job j SET status = 'running', attempt = attempt + 1, fence = nextval('bench_fence'),
    lease_expires_at = now() + interval '60 s'
  FROM chosen WHERE j.id = chosen.id RETURNING j.id, j.fence, j.payload"""
_PAUSE_S = 0.002


def main() -> None:
    most = int(sys.argv[1])
    with psycopg.connect(os.environ["DATABASE_DISPATCH_URL"], autocommit=True) as connection:
        rows: list[tuple[Any, ...]] = []
        while True:
            values = {
                "ids": [row[0] for row in rows],
                "fences": [row[1] for row in rows],
                "queue": f"claim-{most}",
                "most": most,
            }
            rows = connection.execute(_LOOP, values, prepare=True).fetchall()
            if not rows and not values["ids"]:
                time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
