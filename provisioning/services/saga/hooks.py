"""The step before something is made or removed: hooks are asked for, and blocking ones waited for."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction

from portal.kernel import clock
from portal.kernel.queue import (
    Advance,
    Poll,
    StepContext,
    StepFailed,
    StepNeedsOperator,
    StepResult,
)
from portal.kernel.stored_text import stored_text
from provisioning.logic.hook_states import RUN_OPEN, HookEvent, OnFailure, RunStatus
from provisioning.models import Deployment, HookRun
from provisioning.selectors.hooks import hooks_wanted
from provisioning.services.endings import deployment_end
from provisioning.services.hook_runs import hooks_run
from provisioning.services.hooks import HOOK_FAILED
from provisioning.services.saga.guest import deployment_load
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag


def before_create(ctx: StepContext) -> StepResult:
    """Asks the hooks before the first call to a cluster; a refusal gives back all that is reserved."""
    deployment = deployment_load(ctx)
    is_begun = deployment.clone_requested_at is not None
    if is_begun or deployment.status != DeploymentStatus.PROVISIONING:
        return Advance()
    verdict = _verdict(ctx, deployment, HookEvent.PRE_CREATE)
    if isinstance(verdict, HookRun):
        message = _refusal(verdict)
        _give_back(ctx, deployment, message)
        raise StepFailed(message, code=HOOK_FAILED)
    return verdict


def before_destroy(ctx: StepContext) -> StepResult:
    """Asks the hooks before the machine is stopped; a refusal leaves it to a person."""
    deployment = deployment_load(ctx)
    if deployment.status != DeploymentStatus.DELETING:
        return Advance()
    verdict = _verdict(ctx, deployment, HookEvent.PRE_DESTROY)
    if isinstance(verdict, HookRun):
        raise StepNeedsOperator(_refusal(verdict), code=HOOK_FAILED)
    return verdict


def _verdict(ctx: StepContext, deployment: Deployment, event: HookEvent) -> StepResult | HookRun:
    """Go on, wait, or the run that forbids it."""
    runs = _runs(ctx, deployment, event)
    now = clock.now()
    waiting: list[HookRun] = []
    for run in runs:
        is_late = run.deadline_at is not None and run.deadline_at < now
        if run.status in RUN_OPEN and not is_late:
            waiting.append(run)
        elif run.status not in {RunStatus.SUCCEEDED, RunStatus.SKIPPED}:
            if run.on_failure == OnFailure.CLOSED:
                return run
            ctx.state.setdefault("warnings", []).append(_refusal(run))
    if waiting:
        names = ", ".join(run.hook_name for run in waiting)
        detail = stored_text("waiting for %(names)s", names=names)
        return Poll(float(settings.PROVISIONING["poll_s"]), detail)
    return Advance(stored_text("%(count)s hooks", count=len(runs)) if runs else "")


@transaction.atomic
def _runs(ctx: StepContext, deployment: Deployment, event: HookEvent) -> list[HookRun]:
    """The blocking runs of this operation; all hooks of the moment are asked for, once."""
    if "hook_runs" not in ctx.state:
        skipped = set(
            HookRun.objects.filter(
                deployment_id=deployment.pk, event=event, status=RunStatus.SKIPPED
            ).values_list("hook_id", flat=True)
        )
        hooks = hooks_wanted(tenant_id=deployment.tenant_id, event=event)
        asked = hooks_run(
            event=event,
            tenant_id=deployment.tenant_id,
            deployment_id=deployment.pk,
            cause=str(ctx.operation_id),
            hooks=[hook for hook in hooks if hook.pk not in skipped],
        )
        ctx.state["hook_runs"] = [str(run.pk) for run in asked if run.is_blocking]
    ids = [UUID(text) for text in ctx.state["hook_runs"]]
    if not ids:
        return []
    return list(HookRun.objects.filter(pk__in=ids).order_by("hook_name", "id"))


def _refusal(run: HookRun) -> str:
    reason = run.reason or stored_text("it did not end in time")
    return stored_text("The hook %(hook)s failed: %(reason)s", hook=run.hook_name, reason=reason)


@transaction.atomic
def _give_back(ctx: StepContext, deployment: Deployment, message: str) -> None:
    """Nothing was asked of a cluster yet, so quota, name and number are free at once."""
    row = Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
    if row.status != DeploymentStatus.PROVISIONING:
        return
    attention = {"code": HOOK_FAILED, "message": message, "command": ""}
    deployment_end(
        row,
        actor=ctx.actor,
        tag=Tag.CREATE_FAILED,
        attention=attention,
        outcome="failed",
        detail=attention,
    )
