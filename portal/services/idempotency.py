"""Where answers under an Idempotency-Key are kept: rows of the person who asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connections

from portal.kernel import clock
from portal.kernel.answers import KeyScope, StoredAnswer
from portal.kernel.errors import IdempotencyInFlight
from portal.models import IdempotencyRecord

KEPT: Final = timedelta(hours=24)
PATH_SHOWN: Final = 200


class RecordStore:
    """Answers as rows; the key's lock is PostgreSQL's, released by the end of the transaction."""

    def find(self, scope: KeyScope, *, alias: str, is_patient: bool = False) -> StoredAnswer | None:
        """What was answered in the last 24 hours. Raises IdempotencyInFlight."""
        lock = int.from_bytes(bytes.fromhex(scope.digest)[:8], "big", signed=True)
        call = "pg_advisory_xact_lock" if is_patient else "pg_try_advisory_xact_lock"
        with connections[alias].cursor() as cursor:
            cursor.execute(f"SELECT {call}(%s)", [lock])
            if not is_patient and cursor.fetchone() != (True,):
                raise IdempotencyInFlight
        rows = IdempotencyRecord.objects.using(alias).filter(
            user_id=scope.user_id, scope_hash=scope.digest
        )
        row = rows.first()
        if row is not None and row.expires_at <= clock.now():
            rows.delete()
            row = None
        if row is None:
            return None
        return StoredAnswer(row.request_hash, row.status, row.headers, row.body)

    def keep(self, scope: KeyScope, answer: StoredAnswer, *, alias: str) -> None:
        """Stores it for 24 hours."""
        IdempotencyRecord.objects.using(alias).create(
            user_id=scope.user_id,
            scope_hash=scope.digest,
            request_hash=answer.request_hash,
            key=scope.key,
            path=scope.path[:PATH_SHOWN],
            status=answer.status,
            headers=dict(answer.headers),
            body=answer.body,
            expires_at=clock.now() + KEPT,
        )
