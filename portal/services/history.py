"""Operations that were carried out before this installation knew of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import translation

from portal.kernel import scope
from portal.kernel.authz import Actor
from portal.kernel.queue import OperationKind, operation_kind
from portal.logic.progress import Progress, step_begin, step_end, steps_initial
from portal.models import Operation
from portal.states import OperationStatus, StepStatus


def operation_import(
    *,
    actor: Actor,
    tenant_id: UUID,
    type: str,  # noqa: A002 - the seed's word for it
    target_type: str,
    target_id: UUID,
    began_at: datetime,
    ended_at: datetime,
) -> Operation:
    """Writes down a completed operation of the past; its steps share the time evenly.

    Nothing is run. The row carries the given moments, not those of its insertion.

    Raises:
        KeyError: nobody registered the type.
    """
    kind = operation_kind(type)
    operation = Operation(
        tenant_id=tenant_id,
        created_at=began_at,
        updated_at=ended_at,
        queue=kind.queue,
        type=kind.type,
        payload_schema=kind.payload_schema,
        status=OperationStatus.COMPLETED,
        fair_at=began_at,
        scheduled_at=began_at,
        started_at=began_at,
        completed_at=ended_at,
        attempts=1,
        max_attempts=kind.max_attempts,
        steps=_steps_done(kind, began_at, ended_at),
        step=kind.steps[-1].name,
        target_type=target_type,
        target_id=target_id,
        actor_id=actor.user_id,
        actor_label=actor.label,
    )
    # raw: the moments are the given ones, as for rows that are loaded from a file
    operation.save_base(raw=True, force_insert=True, using=scope.alias.get())
    return operation


def _steps_done(kind: OperationKind, began_at: datetime, ended_at: datetime) -> Progress:
    with translation.override(settings.LANGUAGE_CODE):
        steps = steps_initial(kind)
    share = (ended_at - began_at) / len(steps)
    for position, step in enumerate(kind.steps):
        began = began_at + share * position
        step_begin(steps, step.name, at=began)
        step_end(steps, step.name, status=StepStatus.COMPLETED, at=began + share)
    return steps
