"""Running one hypervisor task across several step runs, and turning provider errors into step errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from hashlib import sha256
from typing import Protocol

from django.conf import settings

from integrations.base.errors import (
    AlreadyDone,
    Ambiguous,
    Failed,
    NeedsOperator,
    NotExecuted,
    Permanent,
    ProviderError,
    Unavailable,
)
from integrations.base.registry import GateClosed
from integrations.proxmox.errors import (
    GuestLocked,
    HostUnreachable,
    SnippetMissing,
    TaskUnknown,
)
from integrations.proxmox.interface import Hypervisor, TaskOutcome, TaskRef
from portal.kernel import clock
from portal.kernel.queue import (
    Poll,
    StepContext,
    StepFailed,
    StepNeedsOperator,
    StepResult,
    StepRetry,
)
from portal.kernel.stored_text import stored_text
from provisioning.models import Cluster
from provisioning.selectors.maintenance import maintenance_of
from provisioning.services.saga.guest import (
    Guest,
    GuestForeign,
    GuestUnproven,
    deployment_load,
    guest_open,
    mismatch,
)

_PERCENT = re.compile(r"\((\d{1,3})(?:\.\d+)?%\)")
GuestStep = Callable[[StepContext, Guest], StepResult]


def poll(detail: str = "") -> Poll:
    """Look again after the usual interval."""
    return Poll(float(settings.PROVISIONING["poll_s"]), detail)


def guest_step(step: GuestStep) -> Callable[[StepContext], StepResult]:
    """Opens the guest and translates what the provider raises.

    Unknown is never read as gone: unavailable and ambiguous answers cost an attempt and are looked at
    again; a lock is waited for, and handed to an operator when nothing explains it any longer.
    """

    @wraps(step)
    def run(ctx: StepContext) -> StepResult:
        deployment = deployment_load(ctx)
        with_guest = partial(guest_attempt, ctx, step)
        return cluster_attempt(
            ctx,
            deployment.cluster,
            parked=lambda: maintenance_of(deployment),
            work=lambda: with_guest(guest_open(deployment)),
        )

    return run


def cluster_attempt(
    ctx: StepContext,
    cluster: Cluster,
    *,
    parked: Callable[[], str],
    work: Callable[[], StepResult],
) -> StepResult:
    """Works on a cluster unless there is a reason to wait, and translates what the provider raises."""
    if not _is_following(ctx) and (reason := parked()):
        return Poll(_parked_s(), reason)
    try:
        result = work()
    except (GateClosed, HostUnreachable) as error:
        return _unreachable(ctx, cluster, error)
    except ProviderError as error:
        raise step_error(error) from error
    ctx.state.pop("unreachable_since", None)
    return result


def _is_following(ctx: StepContext) -> bool:
    """Whether a task was submitted whose end is not known yet: it is followed, maintenance or not."""
    return any(isinstance(value, dict) and "upid" in value for value in ctx.state.values())


def _parked_s() -> float:
    return float(settings.PROVISIONING["parked_poll_s"])


def _unreachable(ctx: StepContext, cluster: Cluster, error: Unavailable) -> Poll:
    """No API host answers and nothing was sent: that is no failure of the operation, so it waits."""
    since = ctx.state.setdefault("unreachable_since", clock.now().isoformat(timespec="seconds"))
    detail = stored_text(
        "cluster %(cluster)s does not answer since %(since)s; waiting for it",
        cluster=cluster.code,
        since=datetime.fromisoformat(since).strftime("%H:%M:%S UTC"),
    )
    wait_s = error.retry_after_s or _parked_s()
    return Poll(min(wait_s, _parked_s()), detail)


def guest_attempt(ctx: StepContext, step: GuestStep, guest: Guest) -> StepResult:
    """Runs a step on a machine; what its fence and its locks say is waited for, or handed to a person."""
    try:
        result = step(ctx, guest)
    except GuestUnproven:
        return _wait(ctx, guest, "clone")
    except GuestForeign as error:
        raise mismatch(guest) from error
    except GuestLocked as error:
        return _wait(ctx, guest, error.lock)
    if not isinstance(result, Poll):
        ctx.state.pop("locked", None)
    return result


def step_error(error: ProviderError) -> StepFailed | StepRetry | StepNeedsOperator:
    """What a provider error means for the operation."""
    match error:
        case SnippetMissing():
            return _snippet_missing(error)
        case NeedsOperator():
            return StepNeedsOperator(error.message, code=error.code, command=error.command)
        case NotExecuted():
            return StepRetry(error.message, code="not_executed", after_s=error.retry_after_s)
        case Ambiguous():
            return StepRetry(error.message, code="ambiguous")
        case Failed():
            return StepRetry(error.message, code="task_failed")
        case Permanent():
            return StepFailed(error.message, code="refused_by_hypervisor")
        case _:
            return StepRetry(error.message, code="provider_error")


def _snippet_missing(error: SnippetMissing) -> StepNeedsOperator:
    return StepNeedsOperator(
        stored_text(
            "The machine cannot start: storage %(storage)s has no snippet %(name)s on its node. Put the file "
            "there and try again, or take it off the template and create the machine anew.",
            storage=error.storage,
            name=error.name,
        ),
        code="snippet_missing",
        command=f"pvesm list {error.storage} --content snippets",
    )


class Asked(Protocol):
    """What a task belongs to: something on a hypervisor."""

    @property
    def hypervisor(self) -> Hypervisor: ...


def task_run(
    ctx: StepContext, guest: Asked, key: str, submit: Callable[[], TaskRef | None]
) -> Poll | None:
    """Submits once, then follows the task; None when it has ended well or had nothing to do.

    The reference is stored before the first poll. A task that ended badly raises what it stands for; one
    the node does not know any more answers None, so the caller must look at the real state. One that
    succeeded is remembered as `<key>_succeeded`.
    """
    known = ctx.state.get(key)
    if known is None:
        ref = submit()
        if ref is None:
            return None
        ctx.state[key] = {"upid": ref.upid, "node": ref.node}
        ctx.save()
        return poll()
    ref = TaskRef(upid=known["upid"], node=known["node"])
    try:
        state = guest.hypervisor.task_state(ref)
    except TaskUnknown:
        ctx.state.pop(key)
        return None
    ctx.log(state.log_tail)
    if (percent := _percent(state.log_tail)) is not None:
        ctx.progress(percent)
    if state.outcome is None:
        _demand_life(known, ref, state.log_tail)
        return poll()
    ctx.state.pop(key)
    if state.outcome is TaskOutcome.WARNINGS:
        ctx.state["warnings"] = state.message
    failure = state.failure
    if failure is None:
        ctx.state[f"{key}_succeeded"] = True
    ctx.save()
    if failure is not None and not isinstance(failure, AlreadyDone):
        raise failure
    return None


def _demand_life(known: dict[str, str], ref: TaskRef, log_tail: tuple[str, ...]) -> None:
    """A task that has said nothing for too long hangs; only a person may decide to kill it.

    Raises StepNeedsOperator.
    """
    said = sha256("\n".join(log_tail).encode()).hexdigest()[:16]
    if known.get("said") != said:
        known.update(said=said, said_at=clock.now().isoformat())
    silent_s = (clock.now() - datetime.fromisoformat(known["said_at"])).total_seconds()
    if silent_s > float(settings.PROVISIONING["task_silence_s"]):
        raise StepNeedsOperator(
            stored_text(
                "A task on %(node)s has said nothing for %(minutes)s minutes. "
                "Find out what holds it up; end it if nothing does, then retry.",
                node=ref.node,
                minutes=round(silent_s / 60),
            ),
            code="task_hung",
            command=f"pvesh delete /nodes/{ref.node}/tasks/{ref.upid}",
        )


def _percent(lines: tuple[str, ...]) -> int | None:
    """How far the newest line says that a copy is."""
    for line in reversed(lines):
        if match := _PERCENT.search(line):
            return min(100, int(match[1]))
    return None


def _wait(ctx: StepContext, guest: Guest, lock: str) -> Poll:
    """Waits for a lock, across tries: a task that was refused for it is asked for again and again.

    A lock that a running task explains, say a backup of hours, is waited out. Raises StepNeedsOperator once
    nothing but the lock was met for long and nothing works on the machine.
    """
    now = clock.now()
    patience = timedelta(seconds=float(settings.PROVISIONING["lock_patience_s"]))
    known = ctx.state.get("locked", {"since": now.isoformat(), "seen": now.isoformat()})
    is_same = now - datetime.fromisoformat(known["seen"]) < patience
    since = datetime.fromisoformat(known["since"]) if is_same else now
    ctx.state["locked"] = {"since": since.isoformat(), "seen": now.isoformat()}
    if now - since > patience:
        if guest.hypervisor.tasks_running(guest.node, guest.vmid):
            return Poll(
                _parked_s(),
                stored_text("locked (%(lock)s) by a task that is still running", lock=lock),
            )
        error = GuestLocked(lock).as_leftover(node=guest.node, vmid=guest.vmid)
        command = leftover_command(lock, node=guest.node, vmid=guest.vmid)
        raise StepNeedsOperator(error.message, code=error.code, command=command)
    return poll(stored_text("locked (%(lock)s)", lock=lock))


def leftover_command(lock: str, *, node: str, vmid: int) -> str:
    """What a person types on the node about a lock that nothing holds any more."""
    command: str = GuestLocked(lock).as_leftover(node=node, vmid=vmid).command
    return (
        f"{command} && qm destroy {vmid} --purge 1" if lock in {"clone", "destroyed"} else command
    )
