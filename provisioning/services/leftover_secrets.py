"""Passwords of machines that are gone: removed at once, and once more when nothing can write them any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from integrations.services.secrets import secret_store
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.queue import Complete, StepContext, StepResult
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Operation
from portal.states import OPEN_STATUSES
from provisioning.events import DeploymentChanged
from provisioning.models import Bootstrap
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.states import DeploymentStatus

_AT_ONCE: Final = 200
_QUIET: Final = timedelta(hours=1)
"""After so long no worker that was lost still writes passwords of a machine that is gone."""


def secrets_leave(event: DeploymentChanged) -> None:
    """Asks for their removal in the transaction that writes the machine off."""
    if event.status == DeploymentStatus.DELETED:
        _ask(event.deployment_id)


def secrets_sweep() -> None:
    """Asks again for what is left of machines that have been gone for a while."""
    for tenant_id, deployment_id in _left():
        with tenant_scope(tenant_id), transaction.atomic():
            _ask(deployment_id)


def secrets_forget(ctx: StepContext) -> StepResult:
    """Removes them from the store; the row forgets the path when none can follow any more."""
    with transaction.atomic():
        row = _row(UUID(ctx.payload["deployment_id"]))
    if row is None or not _is_gone(row):
        return Complete()
    secret_store().delete(row.secrets_path)
    ended = row.deployment.deleted_at
    if ended is not None and ended < clock.now() - _QUIET:
        with transaction.atomic():
            Bootstrap.objects.filter(pk=row.pk).update(secrets_path="", updated_at=clock.now())
    return Complete()


def secrets_are_left(deployment_id: str) -> bool:
    """Whether a machine that is gone has passwords that nobody has removed for good."""
    row = _row(UUID(deployment_id))
    return row is not None and _is_gone(row)


def _is_gone(row: Bootstrap) -> bool:
    return bool(row.deployment.status == DeploymentStatus.DELETED)


def _row(deployment_id: UUID) -> Bootstrap | None:
    rows = Bootstrap.objects.select_related("deployment").filter(deployment_id=deployment_id)
    return rows.exclude(secrets_path="").first()


def _ask(deployment_id: UUID) -> None:
    row = _row(deployment_id)
    if row is not None:
        actor = Actor.system("secrets", tenant_id=row.tenant_id)
        enqueue_for(row.deployment, OperationType.SECRETS_FORGET, actor=actor)


def _left() -> list[tuple[UUID, UUID]]:
    asked = Operation.objects.using(PLATFORM).filter(
        tenant_id=OuterRef("tenant_id"),
        type=OperationType.SECRETS_FORGET,
        target_id=OuterRef("deployment_id"),
        status__in=OPEN_STATUSES,
    )
    rows = (
        Bootstrap.across_tenants.exclude(secrets_path="")
        .filter(
            ~Exists(asked),
            deployment__status=DeploymentStatus.DELETED,
            deployment__deleted_at__lt=clock.now() - _QUIET,
        )
        .order_by("id")
    )
    return list(rows.values_list("tenant_id", "deployment_id")[:_AT_ONCE])
