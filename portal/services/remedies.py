"""What a person does about stuck work: once more, back to before, or an end by force. All of it on record.

Nothing here writes the state of a machine or of its operation: a retry is a new operation, a rollback the
object's own saga, and a forced end is fixed in the row, for the engine to carry out as any other end.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Final
from uuid import UUID

from django.db import connections, transaction
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from portal.kernel.queue import Failure, operation_kind
from portal.kernel.stored_text import stored_text
from portal.kernel.stuck import (
    Remedy,
    Sight,
    StuckItem,
    cure_of,
    rollback_of,
    stuck_items,
)
from portal.kernel.tenancy import DISPATCH, tenant_scope
from portal.models import Operation
from portal.permissions import Permission
from portal.services.doorbell import DOORBELL
from portal.services.operations import operation_retry
from portal.services.settings import setting_get
from portal.states import OPEN_STATUSES, OperationStatus
from portal.tags import Tag

PATIENCE: Final = "platform.stuck.minutes"
REASON_LEAST: Final = 3
REASON_MOST: Final = 300
TYPED: Final = frozenset({Remedy.ROLLBACK, Remedy.FORCE})
"""What cannot be taken back wants a word typed."""

# The fence moves, so that a worker which still runs a step of it writes nothing any more.
_FORCE: Final = """
  UPDATE portal_operation SET status = 'pending', fence = nextval('portal_operation_fence'),
    lease_expires_at = NULL, scheduled_at = now(),
    is_continued = is_continued OR status = 'running',
    ending = coalesce(ending, %(ending)s::jsonb), last_error = %(error)s, updated_at = now()
  WHERE id = %(id)s AND status IN ('pending', 'running') RETURNING queue"""


@dataclass(frozen=True, slots=True)
class Cure:
    """What was done: the operation that goes on with it, if there is one."""

    remedy: Remedy
    operation_id: UUID | None


def stuck_sight(actor: Actor) -> Sight:
    """Platform administrators see all organisations, others their own. Raises Refused."""
    authorize(actor, Permission.STUCK_VIEW)
    return Sight(actor, actor.is_platform_admin, 60.0 * float(setting_get(PATIENCE)))


def stuck_list(*, actor: Actor) -> list[StuckItem]:
    """What is stuck for this actor, the longest first. Raises Refused."""
    return stuck_items(stuck_sight(actor))


def stuck_cure(
    *, actor: Actor, subject: str, remedy: Remedy, reason: str = "", typed: str = ""
) -> Cure:
    """Does it about one thing that is stuck now.

    Raises:
        NotFound: it is not stuck, or another organisation's.
        Refused, InvalidInput.
        Conflict: this cannot be done about it, or somebody else was faster.
    """
    authorize(actor, Permission.FORCE if remedy is Remedy.FORCE else Permission.STUCK_MANAGE)
    item = next((one for one in stuck_list(actor=actor) if one.subject == subject), None)
    if item is None:
        raise NotFound(gettext("This is not stuck, or not any more."))
    if remedy not in item.remedies:
        message = gettext("This cannot be done about it: %(remedy)s.") % {"remedy": remedy}
        raise Conflict(message, code="wrong_remedy")
    if remedy is not Remedy.RETRY:
        _demand_words(item, reason, typed if remedy in TYPED else None)
    with tenant_scope(item.tenant_id), transaction.atomic():
        operation_id = _do(actor, item, remedy, reason)
        trail.record(
            tag=_TAGS[remedy],
            target_type=subject.partition(":")[0],
            target_id=subject.partition(":")[2],
            target_label=item.title,
            actor=actor,
            tenant_id=item.tenant_id,
            detail={"kind": item.kind, "reason": reason, "operation": str(operation_id or "")},
        )
    return Cure(remedy, operation_id)


def confirmation_of(item: StuckItem) -> str:
    """What somebody types who really means it: the end of its id, since ids begin with the time."""
    return item.subject[-8:]


def _do(actor: Actor, item: StuckItem, remedy: Remedy, reason: str) -> UUID | None:
    type_, _, key = item.subject.partition(":")
    cure = cure_of(type_, remedy)
    return _DO[remedy](actor, item, reason) if cure is None else cure(actor, UUID(key), reason)


def _retry(actor: Actor, item: StuckItem, _reason: str) -> UUID | None:
    operation = _operation(item)
    return operation_retry(actor=_curing(actor, operation), operation_id=operation.pk).pk


def _rollback(actor: Actor, item: StuckItem, _reason: str) -> UUID | None:
    type_, _, key = (item.about or item.subject).partition(":")
    rollback = rollback_of(type_)
    if rollback is None:
        raise Conflict(gettext("There is nothing to roll back."), code="wrong_remedy")
    return rollback(actor, UUID(key))


def _force(_actor: Actor, item: StuckItem, reason: str) -> UUID | None:
    """Fixes the end; `on_failure` runs before it is written, as for every operation that fails."""
    operation = _operation(item)
    if operation.status not in OPEN_STATUSES:
        raise Conflict(gettext("The operation has ended meanwhile."), code="operation_ended")
    message = stored_text("Ended by force: %(reason)s", reason=reason)
    ending = Failure(OperationStatus.FAILED.value, "forced", message)
    queue = operation.queue
    transaction.on_commit(lambda: _force_end(operation.pk, queue, ending))
    return operation.pk


def _force_end(operation_id: UUID, queue: str, ending: Failure) -> None:
    values: dict[str, str | UUID] = {
        "id": operation_id,
        "ending": json.dumps(asdict(ending)),
        "error": ending.message,
    }
    with connections[DISPATCH].cursor() as cursor:
        cursor.execute(_FORCE, values)
    DOORBELL.ring(queue)


def _operation(item: StuckItem) -> Operation:
    return Operation.objects.get(pk=UUID(item.subject.partition(":")[2]))


def _curing(actor: Actor, operation: Operation) -> Actor:
    """Who may cure stuck work holds, for this one thing, what its kind asks of whoever tries it again."""
    kind = operation_kind(operation.type)
    needed = {kind.retry_permission, *kind.cure_permissions}
    return replace(actor, permissions=actor.permissions | needed)


def _demand_words(item: StuckItem, reason: str, typed: str | None) -> None:
    faults = []
    if not REASON_LEAST <= len(reason.strip()) <= REASON_MOST:
        message = gettext("Give a reason of %(least)d to %(most)d characters.") % {
            "least": REASON_LEAST,
            "most": REASON_MOST,
        }
        faults.append(Fault("reason", "invalid", message))
    wanted = confirmation_of(item)
    if typed is not None and typed.strip() != wanted:
        message = gettext("Type %(word)s to confirm.") % {"word": wanted}
        faults.append(Fault("confirmation", "invalid", message))
    if faults:
        raise InvalidInput(faults=tuple(faults))


_DO: Final = {Remedy.RETRY: _retry, Remedy.ROLLBACK: _rollback, Remedy.FORCE: _force}
_TAGS: Final = {
    Remedy.RETRY: Tag.STUCK_RETRIED,
    Remedy.ROLLBACK: Tag.STUCK_ROLLED_BACK,
    Remedy.DISMISS: Tag.STUCK_DISMISSED,
    Remedy.FORCE: Tag.STUCK_FORCED,
}
