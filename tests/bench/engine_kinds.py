"""What the engine's measurements run: operations that do nothing, with everything an operation has."""

from __future__ import annotations

from portal.kernel.queue import Advance, OperationKind, Step, register_operation

_STEPS = (Step("only", "Only", lambda _: Advance()),)
NOOP = OperationKind("bench.noop", "Noop", "webhooks", _STEPS)
SHORT = OperationKind("bench.short", "Short noop", "runs", _STEPS, claim_batch=10)
BACKLOG = OperationKind("bench.backlog", "Noop behind many", "backups", _STEPS)
ALONE = OperationKind("bench.alone", "Noop alone", "billing", _STEPS)

for _kind in (NOOP, SHORT, BACKLOG, ALONE):
    register_operation(_kind)
