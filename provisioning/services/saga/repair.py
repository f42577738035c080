"""Setting our figures again, and marking an adopted machine: both prove the machine before they write."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from audit.services import trail
from integrations.proxmox.interface import GuestConfig, PowerState, TaskRef
from portal.kernel import clock, events
from portal.kernel.queue import Advance, Complete, Failure, StepContext, StepResult, StepRetry
from portal.kernel.stored_text import stored_text
from provisioning.events import DeploymentChanged
from provisioning.logic.reconciliation import differences, facts_of, guest_tags
from provisioning.models import Deployment, Finding
from provisioning.selectors.reconciliation import wanted_of
from provisioning.services.endings import deployment_end
from provisioning.services.findings import finding_end
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.saga.guest import (
    Guest,
    GuestForeign,
    deployment_load,
    guest_prove,
    is_ours,
)
from provisioning.services.saga.outcome import RESTART_NEEDED, attention_of, settle
from provisioning.services.saga.tasks import guest_step, poll, task_run
from provisioning.states import (
    DeploymentStatus,
    FindingStatus,
    Health,
    Resolution,
)
from provisioning.tags import Tag


@guest_step
def reapply(ctx: StepContext, guest: Guest) -> StepResult:
    """Sets processor, memory, name and our tags again; tags of others stay."""
    config = guest_prove(guest)
    deployment = guest.deployment
    if "reapply" not in ctx.state and ctx.state.get("reapplied"):
        return Advance()
    ours = guest_tags(deployment.pk, deployment.tags)

    def submit() -> TaskRef | None:
        return guest.hypervisor.configure_submit(
            node=config.node,
            vmid=guest.vmid,
            cores=deployment.cpu_cores,
            memory_mb=deployment.memory_mb,
            name=ctx.payload.get("name"),
            tags=tuple(dict.fromkeys([*ours, *config.tags])),
            digest=config.digest,
        )

    if waiting := task_run(ctx, guest, "reapply", submit):
        return waiting
    ctx.state["reapplied"] = True
    return Advance(
        stored_text(
            "%(cores)s vCPU, %(memory)s MiB",
            cores=deployment.cpu_cores,
            memory=deployment.memory_mb,
        )
    )


@guest_step
def reapplied(ctx: StepContext, guest: Guest) -> StepResult:
    """Compares once more and ends the finding; what uHub cannot set again keeps it open."""
    config = guest_prove(guest)
    left = differences(wanted_of(guest.deployment), config)
    if set(left.expected) - {"nets", "disk_gb"}:
        ctx.state.pop("reapplied", None)
        raise StepRetry(
            stored_text("The machine was changed again meanwhile."), code="changed_again"
        )
    power = guest.hypervisor.guest_status(config.node, guest.vmid).power
    deployment = guest.deployment
    with transaction.atomic():
        if not left:
            _finding_settle(ctx)
        if power is PowerState.RUNNING and ctx.payload.get("needs_restart"):
            Deployment.objects.filter(pk=deployment.pk).update(attention=RESTART_NEEDED)
        trail.record(
            tag=Tag.REAPPLIED,
            target=deployment,
            actor=ctx.actor,
            after=deployment.amounts.as_dict(),
            detail={"left": sorted(left.expected)} if left else None,
        )
        events.publish(DeploymentChanged(deployment.pk, deployment.tenant_id, deployment.status))
    return Advance()


@guest_step
def mark(ctx: StepContext, guest: Guest) -> StepResult:
    """Writes our marker into the machine a person chose; its uuid and its former marker must be the same."""
    deployment = guest.deployment
    if deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        return Complete({"canceled": True})
    config = guest.hypervisor.guest_config(guest.node, guest.vmid)
    if is_ours(deployment, config):
        return Advance(f"VMID {guest.vmid}, {config.node}")
    is_chosen = config.uuid == deployment.guest_uuid
    if not is_chosen or config.marker != ctx.payload.get("marker_before"):
        raise GuestForeign

    def submit() -> TaskRef | None:
        return guest.hypervisor.configure_submit(
            node=config.node,
            vmid=guest.vmid,
            description=_description(deployment, config),
            tags=tuple(dict.fromkeys([*guest_tags(deployment.pk, ()), *config.tags])),
            digest=config.digest,
        )

    return task_run(ctx, guest, "mark", submit) or poll("checking")


@guest_step
def adopted(ctx: StepContext, guest: Guest) -> StepResult:
    """Takes over what the machine is and does; from here on it is a deployment like any other."""
    config = guest_prove(guest)
    power = guest.hypervisor.guest_status(config.node, guest.vmid).power
    if power is PowerState.UNKNOWN:
        return poll("waiting for its power state")
    is_on = power is PowerState.RUNNING
    with transaction.atomic():
        settle(
            ctx,
            guest.deployment,
            DeploymentStatus.RUNNING if is_on else DeploymentStatus.STOPPED,
            Tag.ADOPTED,
            ready_at=clock.now(),
            health=Health.OK,
            guest_facts=facts_of(config, guest.deployment.template.system_disk),
        )
        if is_on:
            enqueue_for(guest.deployment, OperationType.REFRESH, actor=ctx.actor)
        enqueue_for(guest.deployment, OperationType.PROTECT, actor=ctx.actor)
    return Advance()


def adopt_failed(ctx: StepContext, failure: Failure) -> None:
    """Gives back quota, name and number; the machine stays as it is and is found again as an orphan."""
    with transaction.atomic():
        seen = deployment_load(ctx)
        row = Deployment.objects.select_for_update(of=("self",)).get(pk=seen.pk)
        if row.status != DeploymentStatus.PROVISIONING:
            return
        attention = attention_of(failure)
        deployment_end(
            row,
            actor=ctx.actor,
            tag=Tag.ADOPT_FAILED,
            attention=attention,
            outcome="failed",
            detail=attention,
        )


def _description(deployment: Deployment, config: GuestConfig) -> str:
    """Our marker on the first line, then what people wrote there."""
    text = config.description
    if config.marker is not None:
        text = text.partition("\n")[2]
    return f"{deployment.marker}\n{text}".rstrip("\n")


def _finding_settle(ctx: StepContext) -> None:
    finding = (
        Finding.objects.select_for_update(of=("self",))
        .filter(pk=UUID(str(ctx.payload["finding_id"])), status=FindingStatus.OPEN)
        .first()
    )
    if finding is not None:
        finding_end(
            finding,
            actor=ctx.actor,
            resolution=Resolution.REAPPLIED,
            reason="",
            now=clock.now(),
        )
