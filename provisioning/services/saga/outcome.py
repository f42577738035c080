"""What a step writes to our own side: state, audit and events in one transaction."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from audit.services import trail
from portal.kernel import events
from portal.kernel.errors import InvalidTransition
from portal.kernel.fsm import transition
from portal.kernel.queue import Failure, StepContext
from portal.kernel.stored_text import stored_text
from provisioning.events import DeploymentChanged
from provisioning.models import Deployment
from provisioning.services.saga.guest import deployment_load
from provisioning.states import DEPLOYMENT_TRANSITIONS, DeploymentStatus
from provisioning.tags import Tag

RESTART_NEEDED: Final = {
    "code": "restart_needed",
    "message": stored_text("Processor and memory change at the next restart."),
    "command": "",
}


@transaction.atomic
def settle(
    ctx: StepContext, deployment: Deployment, to: DeploymentStatus, tag: Tag, **changes: Any
) -> None:
    """Moves the deployment to where the hypervisor proved it to be, once.

    A deployment that is being deleted meanwhile, or is there already, stays as it is: `deployment_end`
    ends one.
    """
    row = Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
    if row.status in {to, DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        return
    transition(row, table=DEPLOYMENT_TRANSITIONS, to=to, attention=None, **changes)
    warnings = ctx.state.get("warnings")
    trail.record(
        tag=tag,
        target=row,
        actor=ctx.actor,
        after={"status": str(to)},
        detail={"warnings": warnings} if warnings else None,
    )
    events.publish(DeploymentChanged(row.pk, row.tenant_id, str(to), str(tag)))


def attention_of(failure: Failure) -> dict[str, str]:
    """What the deployment's page shows: code, message and, if a person must act, the command."""
    return {"code": failure.code, "message": failure.message, "command": failure.command}


def provision_failed(ctx: StepContext, failure: Failure) -> None:
    """The provisioning ended without a machine that is known to be right."""
    _fail(ctx, failure, tag=Tag.CREATE_FAILED)


def action_failed(ctx: StepContext, failure: Failure) -> None:
    """An action ended badly: the deployment goes back to the power state last proven, or to failed."""
    _fail(ctx, failure, tag=Tag.ACTION_FAILED)


def destroy_failed(ctx: StepContext, failure: Failure) -> None:
    """A deletion could not be finished: it stays `deleting` and says what a person must do."""
    failure_note(ctx, failure)


def failure_note(ctx: StepContext, failure: Failure) -> None:
    """The deployment stays in its state; its page and the audit say what failed."""
    with transaction.atomic():
        deployment = deployment_load(ctx)
        Deployment.objects.filter(pk=deployment.pk).exclude(status=DeploymentStatus.DELETED).update(
            attention=attention_of(failure)
        )
        trail.record(
            tag=Tag.ACTION_FAILED,
            target=deployment,
            actor=ctx.actor,
            outcome="failed",
            detail=attention_of(failure),
        )


@transaction.atomic
def _fail(ctx: StepContext, failure: Failure, *, tag: Tag) -> None:
    deployment = deployment_load(ctx)
    row = Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
    if row.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        return
    to = _fallback(ctx, tag)
    attention = attention_of(failure)
    try:
        transition(row, table=DEPLOYMENT_TRANSITIONS, to=to, attention=attention)
    except InvalidTransition:
        Deployment.objects.filter(pk=row.pk).update(attention=attention)
    trail.record(tag=tag, target=row, actor=ctx.actor, outcome="failed", detail=attention)
    events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status, str(tag)))


def _fallback(ctx: StepContext, tag: Tag) -> DeploymentStatus:
    power = ctx.state.get("power") or ctx.payload.get("power")
    if tag is Tag.ACTION_FAILED and power in {"running", "stopped"}:
        return DeploymentStatus(power)
    return DeploymentStatus.ERROR
