"""Healing a machine: a start, or a hard restart, behind the fence and only while people want it to run.

It never changes what people see as the machine's state while it works, so that whoever wants something
else may ask for it: that waits for the healing's next step, which sees the wish and breaks off.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from audit.services import trail
from integrations.proxmox.interface import PowerState
from portal.kernel import clock, events
from portal.kernel.fsm import transition
from portal.kernel.queue import Advance, Complete, Failure, StepContext, StepResult
from portal.kernel.stored_text import stored_text
from provisioning.events import DeploymentChanged
from provisioning.models import Deployment, HealAttempt, HealthState
from provisioning.selectors.deployments import machine_lock
from provisioning.selectors.heal_rules import heal_rules
from provisioning.services.healing import ended_publish, heal_is_late
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.saga.guest import Guest, deployment_load, guest_prove
from provisioning.services.saga.outcome import attention_of
from provisioning.services.saga.tasks import guest_step, poll, task_run
from provisioning.states import (
    DEPLOYMENT_TRANSITIONS,
    DeploymentStatus,
    DesiredPower,
    HealAction,
    HealStatus,
)
from provisioning.tags import Tag

# How far back somebody else's stop explains that a machine is off.
_STOPPED_WITHIN: Final = timedelta(hours=1)


@guest_step
def examine(ctx: StepContext, guest: Guest) -> StepResult:
    """Looks once more, and at what a listing does not show: whether somebody stopped it on the cluster."""
    attempt = _attempt(ctx)
    if heal_is_late(attempt):
        return _drop(ctx, stored_text("It had to wait for too long."))
    if why := _unwanted(guest.deployment):
        return _drop(ctx, why)
    config = guest_prove(guest)
    power = guest.hypervisor.guest_status(config.node, guest.vmid).power
    if _is_start(ctx):
        if power is PowerState.RUNNING:
            return _drop(ctx, stored_text("It runs again by itself."))
        since = datetime.fromisoformat(str(ctx.payload["since"])) - _STOPPED_WITHIN
        who = guest.hypervisor.halted_by(config.node, guest.vmid, since)
        if who:
            why = stored_text("%(who)s stopped it on the cluster.", who=who[:120])
            return _drop(ctx, why, desired_power=DesiredPower.STOPPED)
    return Advance()


@guest_step
def cut(ctx: StepContext, guest: Guest) -> StepResult:
    """Cuts the power of a machine that runs and does not answer."""
    if _is_start(ctx):
        return Advance()
    if "cut" not in ctx.state and (why := _unwanted(guest.deployment)):
        return _drop(ctx, why)
    config = guest_prove(guest)
    if "cut" not in ctx.state:
        power = guest.hypervisor.guest_status(config.node, guest.vmid).power
        if power is PowerState.STOPPED:
            return Advance()
    waiting = task_run(
        ctx,
        guest,
        "cut",
        lambda: guest.hypervisor.stop_submit(node=config.node, vmid=guest.vmid, is_forced=True),
    )
    return waiting or poll()


@guest_step
def start(ctx: StepContext, guest: Guest) -> StepResult:
    """Starts it and believes only the status."""
    if "start" not in ctx.state and (why := _unwanted(guest.deployment)):
        return _drop(ctx, why)
    config = guest_prove(guest)
    if "start" not in ctx.state:
        power = guest.hypervisor.guest_status(config.node, guest.vmid).power
        if power is PowerState.RUNNING:
            _healed(ctx, guest.deployment)
            return Advance()
    waiting = task_run(
        ctx,
        guest,
        "start",
        lambda: guest.hypervisor.start_submit(node=config.node, vmid=guest.vmid),
    )
    return waiting or poll()


def heal_failed(ctx: StepContext, failure: Failure) -> None:
    """The healing could not be done, or was called off with everything else under way."""
    machine_lock(ctx.target_id)
    if failure.status == "canceled":
        _end(ctx, HealStatus.DROPPED, stored_text("Something else came first."))
        return
    attempt = _end(ctx, HealStatus.FAILED, failure.message)
    if attempt is None:
        return
    with transaction.atomic():
        deployment = deployment_load(ctx)
        row = Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
        if failure.needs_operator and not row.attention:
            Deployment.objects.filter(pk=row.pk).exclude(status=DeploymentStatus.DELETED).update(
                attention=attention_of(failure), updated_at=clock.now()
            )
        ended_publish(row, attempt, str(HealStatus.FAILED), failure.message)
        events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status, str(Tag.HEAL_FAILED)))


def _is_start(ctx: StepContext) -> bool:
    return ctx.payload["action"] == HealAction.START


def _attempt(ctx: StepContext) -> HealAttempt:
    with transaction.atomic():
        return HealAttempt.objects.get(pk=ctx.payload["attempt_id"])


def _unwanted(deployment: Deployment) -> str:
    """Why nothing may be done any more: what people or the lease said meanwhile."""
    margin = heal_rules().lease_margin
    if deployment.status not in {DeploymentStatus.RUNNING, DeploymentStatus.STOPPED}:
        return stored_text("Something else came first.")
    if deployment.desired_power != DesiredPower.RUNNING:
        return stored_text("Nobody wants it to run any more.")
    if not deployment.auto_heal or not heal_rules().is_enabled:
        return stored_text("Healing was switched off.")
    if deployment.hold:
        return stored_text("It was put on hold.")
    if deployment.expired_at is not None or deployment.expires_at <= clock.now() + margin:
        return stored_text("Its lease has ended or is about to.")
    return ""


def _drop(ctx: StepContext, why: str, **wish: DesiredPower) -> Complete:
    """Breaks off; what was done so far stays as it is."""
    with transaction.atomic():
        if wish:
            deployment = deployment_load(ctx)
            Deployment.objects.filter(pk=deployment.pk).update(updated_at=clock.now(), **wish)
        _end(ctx, HealStatus.DROPPED, why)
    return Complete({"dropped": why})


@transaction.atomic
def _healed(ctx: StepContext, deployment: Deployment) -> None:
    """Writes down that it runs again; its health is judged anew from here on."""
    row = Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
    attempt = _end(ctx, HealStatus.DONE, "")
    if attempt is None:
        return
    if row.status == DeploymentStatus.STOPPED:
        transition(row, table=DEPLOYMENT_TRANSITIONS, to=DeploymentStatus.RUNNING)
    else:
        Deployment.objects.filter(pk=row.pk).update(updated_at=clock.now())
    HealthState.objects.filter(deployment=row).update(bad_count=0, agent_seen_at=None)
    ended_publish(row, attempt, str(HealStatus.DONE), attempt.reason)
    events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status, str(Tag.HEALED)))
    if row.status == DeploymentStatus.RUNNING:
        enqueue_for(row, OperationType.REFRESH, actor=ctx.actor)


_TAGS: Final = {
    HealStatus.DONE: (Tag.HEALED, "success"),
    HealStatus.FAILED: (Tag.HEAL_FAILED, "failed"),
    HealStatus.DROPPED: (Tag.HEAL_DROPPED, "success"),
}


@transaction.atomic
def _end(ctx: StepContext, status: HealStatus, detail: str) -> HealAttempt | None:
    """Ends the attempt, once, with its entry in the audit."""
    attempt = (
        HealAttempt.objects.select_for_update(of=("self",))
        .select_related("deployment")
        .filter(pk=ctx.payload["attempt_id"], status=HealStatus.RUNNING)
        .first()
    )
    if attempt is None:
        return None
    attempt.status, attempt.detail, attempt.ended_at = status, detail[:300], clock.now()
    attempt.save(update_fields=["status", "detail", "ended_at", "updated_at"])
    tag, outcome = _TAGS[status]
    trail.record(
        tag=tag,
        target=attempt.deployment,
        actor=ctx.actor,
        outcome=outcome,  # type: ignore[arg-type]
        detail={"action": str(attempt.action), "message": detail or attempt.reason},
    )
    return attempt
