"""Starting, retrying and canceling operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db import OperationalError, connections, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel import clock, fsm, scope
from portal.kernel.authz import Actor, authorize
from portal.kernel.database.base import DatabaseWrapper
from portal.kernel.errors import Conflict, DomainError, NotFound
from portal.kernel.queue import Failure, OperationKind, operation_kind, target_lock
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import DEFAULT, current_tenant_id, tenant_scope
from portal.models import Operation
from portal.permissions import Permission
from portal.services.doorbell import ring_on_commit
from portal.services.enqueueing import Common, NewOperation, operation_insert, operations_insert
from portal.services.live_events import live_publish
from portal.services.runs import operation_actor
from portal.states import (
    OPEN_STATUSES,
    OPERATION_TRANSITIONS,
    RETRYABLE_STATUSES,
    OperationStatus,
)
from portal.tags import Tag

_INSERTED_AT_ONCE = 1_000
_PATIENCE_OF_A_QUESTION = "SET LOCAL lock_timeout = '250ms'"


def operation_enqueue(  # noqa: PLR0913 - what an operation is, named
    *,
    actor: Actor,
    type: str,  # noqa: A002 - the seed's word for it
    tenant_id: UUID | None = None,
    target_type: str = "",
    target_id: UUID | None = None,
    payload: dict[str, Any] | None = None,
    priority: int | None = None,
    scheduled_at: datetime | None = None,
    concurrency_key: str = "",
    retry_of: Operation | None = None,
) -> Operation:
    """Writes an operation in the open transaction; workers hear of it when that commits.

    The caller has authorised the change this belongs to. Operations that share a `concurrency_key` run
    one after the other, in the order they were asked for. Without a `priority` the kind's own holds; with
    one the kind's cap does.

    Raises:
        KeyError: nobody registered the type.
        ValueError: there is no tenant, neither given nor in scope.
    """
    retry_of_id = retry_of.pk if retry_of is not None else None
    common = _common(actor, type, tenant_id, target_type, retry_of_id)
    new = NewOperation(target_id, payload or {}, concurrency_key, scheduled_at, priority)
    with _written(common):
        return operation_insert(common, new)


def operation_enqueue_many(
    *,
    actor: Actor,
    type: str,  # noqa: A002 - the seed's word for it
    news: Sequence[NewOperation],
    tenant_id: UUID | None = None,
    target_type: str = "",
) -> list[UUID]:
    """The same for many of one type, in a few statements and with one ring; answers their keys in order.

    Raises:
        KeyError: nobody registered the type.
        ValueError: there is no tenant, neither given nor in scope.
    """
    common = _common(actor, type, tenant_id, target_type, None)
    with _written(common):
        return [
            key
            for first in range(0, len(news), _INSERTED_AT_ONCE)
            for key in operations_insert(common, news[first : first + _INSERTED_AT_ONCE])
        ]


def _common(
    actor: Actor, type_: str, tenant_id: UUID | None, target_type: str, retry_of_id: UUID | None
) -> Common:
    kind = operation_kind(str(type_))
    owner = tenant_id or current_tenant_id()
    if owner is None:
        raise ValueError("an operation belongs to a tenant or to the platform tenant")
    return Common(kind, actor, owner, target_type, retry_of_id)


@contextmanager
def _written(common: Common) -> Iterator[None]:
    """The transaction and the tenant that operations are written in, and the ring at its commit."""
    alias = scope.alias.get()
    connection = cast(DatabaseWrapper, connections[alias])
    with connection.transaction_for_ledger(), _scope_of(common.tenant_id):
        yield
        ring_on_commit(common.kind.queue)


def operation_retry(*, actor: Actor, operation_id: UUID | str) -> Operation:
    """Starts what failed once more, as a new operation that names the old one; the old one stays as it is.

    Raises:
        NotFound, Refused.
        Conflict: it has not failed, or it was retried already.
        DomainError: what it was about is not there any more, or does not allow it now; the kind says why.
    """
    with transaction.atomic(using=scope.alias.get()):
        failed = _retryable(actor, operation_id)
        payload = _put_back(actor, failed)
        operation = operation_enqueue(
            actor=actor,
            type=failed.type,
            tenant_id=failed.tenant_id,
            target_type=failed.target_type,
            target_id=failed.target_id,
            payload=payload,
            priority=failed.priority,
            concurrency_key=failed.concurrency_key,
            retry_of=failed,
        )
        trail.record(
            tag=Tag.OPERATION_RETRIED,
            target=failed,
            after={"operation": str(operation.pk), "type": failed.type},
            actor=actor,
            tenant_id=failed.tenant_id,
        )
        return operation


def operation_retry_refusal(*, actor: Actor, operation: Operation) -> str:
    """Why a retry would be refused now, "" when it would not be: it is done and taken back in one breath.

    What somebody holds a lock on at this moment is not waited for: the retry itself will be.
    """
    alias = scope.alias.get()
    try:
        with transaction.atomic(using=alias):
            with connections[alias].cursor() as cursor:
                cursor.execute(_PATIENCE_OF_A_QUESTION)
            _put_back(actor, _retryable(actor, operation.pk))
            transaction.set_rollback(True, using=alias)
    except DomainError as error:
        return str(error.message)
    except OperationalError:
        return ""
    return ""


def _retryable(actor: Actor, operation_id: UUID | str) -> Operation:
    """The operation, locked, if it failed and was not tried again yet. Raises NotFound, Refused, Conflict."""
    failed = _locked(operation_id)
    _authorize_owner(actor, failed, operation_kind(failed.type).retry_permission)
    if failed.status not in RETRYABLE_STATUSES:
        message = gettext("The operation is %(status)s; only one that failed can be retried.") % {
            "status": OperationStatus(failed.status).label.lower()
        }
        raise Conflict(message, code="operation_not_retryable", status=failed.status)
    if Operation.objects.filter(retry_of_id=failed.pk).exists():
        message = gettext("The operation was retried already.")
        raise Conflict(message, code="operation_retried_already")
    return failed


def _put_back(actor: Actor, failed: Operation) -> dict[str, Any]:
    """Has the kind begin anew, if it has something to say; answers the payload. Raises DomainError."""
    on_retry = operation_kind(failed.type).on_retry
    if on_retry is None:
        return failed.payload
    with _scope_of(failed.tenant_id):
        return dict(on_retry(actor, failed.payload) or failed.payload)


def operation_cancel(*, actor: Actor, operation_id: UUID | str) -> Operation:
    """Cancels what nobody began yet at once; asks what is under way to stop after its current step.

    Raises:
        NotFound, Refused.
        Conflict: it has ended, or what is under way cannot be stopped.
    """
    with transaction.atomic(using=scope.alias.get()):
        seen = operation_target_lock(operation_id)
        _authorize_owner(actor, seen, Permission.OPERATIONS_MANAGE)
        operation = _locked(operation_id)
        if operation.status not in OPEN_STATUSES:
            message = gettext("The operation is %(status)s already.") % {
                "status": OperationStatus(operation.status).label.lower()
            }
            raise Conflict(message, code="operation_ended", status=operation.status)
        if not _cancel(actor, operation):
            message = gettext("The operation is under way and cannot be stopped half-way.")
            raise Conflict(message, code="operation_not_cancelable")
        return operation


def operation_target_lock(operation_id: UUID | str) -> Operation:
    """Locks what an operation is about, ahead of the operation: so does whoever ends both. Raises NotFound."""
    seen = _of(Operation.objects.all(), operation_id)
    with _scope_of(seen.tenant_id):
        target_lock(seen.target_type, seen.target_id)
    return seen


def operation_cancel_for(
    *, actor: Actor, target_id: UUID, types: Iterable[str] | None = None
) -> list[Operation]:
    """Cancels what is open for a target, as far as it can be; the caller has authorised that.

    What cannot be stopped half-way is left to end by itself.
    """
    with transaction.atomic(using=scope.alias.get()):
        wanted = Q(target_id=target_id, status__in=OPEN_STATUSES)
        if types is not None:
            wanted &= Q(type__in=[str(type_) for type_ in types])
        found = Operation.objects.select_for_update(no_key=True).filter(wanted).order_by("id")
        return [operation for operation in found if _cancel(actor, operation)]


def _cancel(actor: Actor, operation: Operation) -> bool:
    kind = operation_kind(operation.type)
    is_begun = operation.started_at is not None
    if is_begun and not kind.is_cancelable:
        return False
    before = operation.status
    if is_begun:
        Operation.objects.filter(pk=operation.pk, status__in=OPEN_STATUSES).update(
            cancel_requested=True, scheduled_at=Now(), updated_at=Now()
        )
        operation.cancel_requested = True
        ring_on_commit(operation.queue)
    else:
        _unwind(kind, operation)
        fsm.transition(
            operation,
            table=OPERATION_TRANSITIONS,
            to=OperationStatus.CANCELED,
            completed_at=clock.now(),
        )
    target = [f"{operation.target_type}:{operation.target_id}"] if operation.target_id else []
    live_publish(f"operation:{operation.pk}", *target, tenant_id=operation.tenant_id)
    trail.record(
        tag=Tag.OPERATION_CANCELED,
        target=operation,
        before={"status": before},
        after={"status": operation.status, "cancel_requested": operation.cancel_requested},
        detail={"type": operation.type},
        actor=actor,
        tenant_id=operation.tenant_id,
    )
    return True


def _unwind(kind: OperationKind, operation: Operation) -> None:
    """What the kind does when it ends without success, in the same transaction as the cancel."""
    if kind.on_failure is not None:
        failure = Failure(
            OperationStatus.CANCELED.value, "canceled", stored_text("Canceled before it began.")
        )
        with _scope_of(operation.tenant_id):
            kind.on_failure(UnbegunRun(operation), failure)


class UnbegunRun:
    """What `on_failure` sees of an operation that no worker ever took (`StepContext`)."""

    is_cancel_requested = True
    attempt = 0

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self.operation_id: UUID = operation.pk
        self.tenant_id: UUID = operation.tenant_id
        self.target_id: UUID | None = operation.target_id
        self.payload: dict[str, Any] = operation.payload
        self.payload_schema: int = operation.payload_schema
        self.state: dict[str, Any] = operation.state
        self.actor = operation_actor(
            tenant_id=operation.tenant_id,
            actor_id=operation.actor_id,
            actor_label=operation.actor_label,
        )

    def save(self) -> None:
        """Nothing began, so there is nothing to remember."""

    def log(self, lines: Iterable[str]) -> None:
        """No outside, no log."""

    def progress(self, percent: int) -> None:
        """No step, no progress."""


def _locked(operation_id: UUID | str) -> Operation:
    """The operation in scope, locked against a second retry or cancel. Raises NotFound."""
    return _of(Operation.objects.select_for_update(no_key=True), operation_id)


def _of(rows: QuerySet[Operation], operation_id: UUID | str) -> Operation:
    """The one of them with this id. Raises NotFound."""
    try:
        return rows.get(pk=UUID(str(operation_id)))
    except (ValueError, Operation.DoesNotExist):
        raise NotFound(gettext("There is no such operation.")) from None


def _authorize_owner(actor: Actor, operation: Operation, permission: str) -> None:
    """Whoever asked for an operation may also retry or cancel it."""
    is_owner = actor.user_id is not None and actor.user_id == operation.actor_id
    if not is_owner:
        authorize(actor, permission)


def _scope_of(tenant_id: UUID) -> AbstractContextManager[None]:
    """The operation's own tenant, where that is not the one in scope (work of the platform tenant)."""
    if scope.alias.get() == DEFAULT and scope.tenant_id.get() != tenant_id:
        return tenant_scope(tenant_id)
    return nullcontext()
