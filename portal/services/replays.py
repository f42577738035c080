"""Replaying many operations that failed: each as a new row, each refused or done for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from portal.kernel import scope
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import DomainError, Fault, InvalidInput
from portal.models import Operation
from portal.permissions import Permission
from portal.services.operations import operation_retry
from portal.states import RETRYABLE_STATUSES

REPLAYED_AT_ONCE: Final = 500
_FIELDS: Final = ("status", "type", "queue", "target_type", "target_id")


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of one: `replayed` with the new operation, or `refused` with why."""

    id: str
    outcome: str
    operation_id: UUID | None = None
    code: str = ""
    detail: str = ""


def operations_replay(
    *, actor: Actor, ids: Sequence[UUID | str] = (), filters: dict[str, Any] | None = None
) -> list[Replay]:
    """Starts once more what failed: the operations named, or those that a filter finds, oldest first.

    Replaying twice makes one new row: the second time is refused with `operation_retried_already` and
    names the row of the first.

    Raises:
        Refused.
        InvalidInput: neither or both are given, or too many.
    """
    authorize(actor, Permission.OPERATIONS_MANAGE)
    if bool(ids) == (filters is not None):
        raise InvalidInput(
            gettext("Name the operations in ids, or describe them in filter."), field="ids"
        )
    if len(ids) > REPLAYED_AT_ONCE:
        raise _too_many(len(ids))
    wanted = list(dict.fromkeys(map(str, ids))) if filters is None else _found(filters)
    return [_replayed(actor, key) for key in wanted]


def _found(filters: dict[str, Any]) -> list[str]:
    """What failed and was not replayed yet, oldest first, as many as one request takes."""
    exact = {name: filters[name] for name in _FIELDS if filters.get(name)}
    rows = Operation.objects.filter(status__in=RETRYABLE_STATUSES, retries__isnull=True)
    keys = rows.filter(**exact).order_by("id").values_list("pk", flat=True)
    return [str(key) for key in keys[:REPLAYED_AT_ONCE]]


def _replayed(actor: Actor, key: str) -> Replay:
    try:
        with transaction.atomic(using=scope.alias.get()):
            started = operation_retry(actor=actor, operation_id=key)
    except DomainError as error:
        return Replay(key, "refused", _earlier(key, error), error.error_code, error.message)
    return Replay(key, "replayed", started.pk)


def _earlier(key: str, error: DomainError) -> UUID | None:
    if error.error_code != "operation_retried_already":
        return None
    found: UUID | None = (
        Operation.objects.filter(retry_of_id=UUID(key)).values_list("pk", flat=True).first()
    )
    return found


def _too_many(count: int) -> InvalidInput:
    message = gettext("%(count)s operations at once are too many: at most %(most)s.") % {
        "count": count,
        "most": REPLAYED_AT_ONCE,
    }
    return InvalidInput(faults=(Fault("ids", "max_length", message),))
