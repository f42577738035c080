"""Reading operations: lists, one with its tries, and what an actor may do with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.queue import operation_kind
from portal.models import Operation, OperationAttempt
from portal.permissions import Permission
from portal.states import OPEN_STATUSES, RETRYABLE_STATUSES

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
