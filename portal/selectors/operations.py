"""Reading operations: lists, one with its tries, and what an actor may do with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, TypedDict
from uuid import UUID

from django.db import connections
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext

from portal.kernel import scope
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.queue import operation_kind
from portal.models import Operation, OperationAttempt
from portal.permissions import Permission
from portal.states import OPEN_STATUSES, RETRYABLE_STATUSES, OperationStatus

BACKGROUND_QUEUES = ("metrics", "health")
NEWEST = 5
_CHAIN: Final = """
  WITH RECURSIVE earlier AS (
    SELECT id, retry_of_id FROM portal_operation
    WHERE tenant_id = %(tenant_id)s AND id = %(id)s
    UNION SELECT o.id, o.retry_of_id FROM portal_operation o
    JOIN earlier e ON o.tenant_id = %(tenant_id)s AND o.id = e.retry_of_id
  ), later AS (
    SELECT id FROM portal_operation WHERE tenant_id = %(tenant_id)s AND id = %(id)s
    UNION SELECT o.id FROM portal_operation o
    JOIN later l ON o.tenant_id = %(tenant_id)s AND o.retry_of_id = l.id
  )
  SELECT id FROM earlier UNION SELECT id FROM later"""
_NEVER_LISTED = ("log", "state", "result", "ending")


class OperationBrief(TypedDict):
    """What an answer 202 says about the work it started."""

    id: UUID
    status: str
    href: str


def operation_list(*, actor: Actor) -> QuerySet[Operation]:
    """Operations of the tenant in scope, without what only the page of one shows. Raises Refused."""
    authorize(actor, Permission.OPERATIONS_VIEW)
    return Operation.objects.defer(*_NEVER_LISTED)


def operations_open(*, actor: Actor) -> QuerySet[Operation]:
    """The newest of what has not ended, each with the number of all (`open_count`); looks are left out.

    Raises:
        Refused.
    """
    rows = operation_list(actor=actor).filter(status__in=OPEN_STATUSES)
    rows = rows.exclude(queue__in=BACKGROUND_QUEUES).order_by()
    counted = rows.filter(tenant_id=OuterRef("tenant_id")).values("tenant_id")
    count = counted.annotate(count=Count("pk")).values("count")
    shown = rows.annotate(open_count=Subquery(count, output_field=IntegerField()))
    return shown.order_by("-pk")[:NEWEST]


def operation_get(*, actor: Actor, operation_id: UUID | str) -> Operation:
    """One operation of the tenant in scope. Raises Refused, NotFound."""
    authorize(actor, Permission.OPERATIONS_VIEW)
    try:
        return Operation.objects.get(pk=UUID(str(operation_id)))
    except (ValueError, Operation.DoesNotExist):
        raise NotFound(gettext("There is no such operation.")) from None


def operations_about(*, actor: Actor, target_id: UUID) -> QuerySet[Operation]:
    """Operations on one object, newest first. Raises Refused."""
    return operation_list(actor=actor).filter(target_id=target_id).order_by("-created_at", "-id")


def operation_tries(operation: Operation) -> QuerySet[OperationAttempt]:
    """The tries that ended so far, in their order."""
    return OperationAttempt.objects.filter(operation_id=operation.pk).order_by("attempt")


def operation_place(operation: Operation) -> int | None:
    """How many of the tenant's operations its queue takes before it; None when it is not waiting to begin."""
    if operation.status != OperationStatus.PENDING or operation.started_at is not None:
        return None
    ahead = Q(priority__gt=operation.priority) | Q(
        priority=operation.priority, fair_at__lt=operation.fair_at
    )
    waiting = Operation.objects.filter(queue=operation.queue, status=OperationStatus.PENDING)
    return waiting.filter(ahead, scheduled_at__lte=Now()).count()


def operation_retries(operation: Operation) -> list[Operation]:
    """The chain it belongs to, the first one first; empty for one that was never tried again."""
    if operation.retry_of_id is None and operation.status not in RETRYABLE_STATUSES:
        return []
    with connections[scope.alias.get()].cursor() as cursor:
        cursor.execute(_CHAIN, {"id": operation.pk, "tenant_id": operation.tenant_id})
        ids = [row[0] for row in cursor.fetchall()]
    if len(ids) < 2:
        return []
    return list(Operation.objects.defer(*_NEVER_LISTED).filter(pk__in=ids).order_by("pk"))


def operation_label(type_: str) -> str:
    """How a type reads; its own name where no installed app knows it any more."""
    try:
        return str(operation_kind(type_).label)
    except KeyError:
        return type_


def operation_step_labels(type_: str) -> dict[str, str]:
    """The steps of a type in the reader's language, by name; rows keep them in English."""
    try:
        return {step.name: str(step.label) for step in operation_kind(type_).steps}
    except KeyError:
        return {}


def operation_href(operation_id: UUID) -> str:
    """Where the API follows an operation."""
    return f"/api/operations/{operation_id}"


def operation_brief(operation: Operation) -> OperationBrief:
    """The part of an answer 202 that lets a client follow the work."""
    return {
        "id": operation.pk,
        "status": str(operation.status),
        "href": operation_href(operation.pk),
    }


def operation_may_retry(*, actor: Actor, operation: Operation) -> bool:
    """Whether the actor could retry it now."""
    if operation.status not in RETRYABLE_STATUSES:
        return False
    try:
        permission = operation_kind(operation.type).retry_permission
    except KeyError:
        return False
    is_allowed = actor.may(permission) or _is_owner(actor, operation)
    return is_allowed and not Operation.objects.filter(retry_of_id=operation.pk).exists()


def operation_may_cancel(*, actor: Actor, operation: Operation) -> bool:
    """Whether the actor could cancel it now."""
    if operation.status not in OPEN_STATUSES or operation.cancel_requested:
        return False
    try:
        is_stoppable = operation.started_at is None or operation_kind(operation.type).is_cancelable
    except KeyError:
        return False
    return is_stoppable and (actor.may(Permission.OPERATIONS_MANAGE) or _is_owner(actor, operation))


def _is_owner(actor: Actor, operation: Operation) -> bool:
    return actor.user_id is not None and actor.user_id == operation.actor_id


def operations_known(ids: Collection[UUID]) -> set[UUID]:
    """Which of these the tenant in scope has."""
    return set(Operation.objects.filter(pk__in=ids).values_list("pk", flat=True))
