"""Running one hypervisor task across several step runs, and turning provider errors into step errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.conf import settings

from integrations.base.errors import (
    AlreadyDone,
    Ambiguous,
    Failed,
    NeedsOperator,
    NotExecuted,
    Permanent,
    ProviderError,
)
from integrations.proxmox.errors import GuestLocked, TaskUnknown
from integrations.proxmox.interface import TaskOutcome, TaskRef
from portal.kernel import clock
from portal.kernel.queue import (
    Poll,
    StepContext,
    StepFailed,
    StepNeedsOperator,
    StepResult,
    StepRetry,
)
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
        try:
            guest = guest_open(deployment)
            result = _attempt(ctx, guest, step)
        except ProviderError as error:
            raise step_error(error) from error
        return result

    return run


def _attempt(ctx: StepContext, guest: Guest, step: GuestStep) -> StepResult:
    try:
        result = step(ctx, guest)
    except GuestUnproven:
        return _wait(ctx, guest, "clone")
    except GuestForeign as error:
        raise mismatch(guest) from error
    except GuestLocked as error:
        return _wait(ctx, guest, error.lock)
    ctx.state.pop("locked_since", None)
    return result


def step_error(error: ProviderError) -> StepFailed | StepRetry | StepNeedsOperator:
    """What a provider error means for the operation."""
    match error:
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


def task_run(
    ctx: StepContext, guest: Guest, key: str, submit: Callable[[], TaskRef | None]
) -> Poll | None:
    """Submits once, then follows the task; None when it has ended well or had nothing to do.

    The reference is stored before the first poll. A task that ended badly raises what it stands for; one
    the node does not know any more answers None, so the caller must look at the real state.
    """
    known = ctx.state.get(key)
    if known is None:
        ref = submit()
        if ref is None:
            return None
        ctx.state[key] = {"upid": ref.upid, "node": ref.node}
        ctx.save()
        return poll()
    try:
        state = guest.hypervisor.task_state(TaskRef(**known))
    except TaskUnknown:
        ctx.state.pop(key)
        return None
    ctx.log(state.log_tail)
    if (percent := _percent(state.log_tail)) is not None:
        ctx.progress(percent)
    if state.outcome is None:
        return poll()
    ctx.state.pop(key)
    ctx.save()
    if state.outcome is TaskOutcome.WARNINGS:
        ctx.state["warnings"] = state.message
    failure = state.failure
    if failure is not None and not isinstance(failure, AlreadyDone):
        raise failure
    return None


def _percent(lines: tuple[str, ...]) -> int | None:
    """How far the newest line says that a copy is."""
    for line in reversed(lines):
        if match := _PERCENT.search(line):
            return min(100, int(match[1]))
    return None


def _wait(ctx: StepContext, guest: Guest, lock: str) -> Poll:
    since = ctx.state.setdefault("locked_since", clock.now().isoformat())
    waited = (clock.now() - datetime.fromisoformat(since)).total_seconds()
    if waited > float(settings.PROVISIONING["lock_patience_s"]):
        error = GuestLocked(lock).as_leftover(node=guest.node, vmid=guest.vmid)
        command = error.command
        if lock == "clone":
            command += f" && qm destroy {guest.vmid} --purge 1"
        raise StepNeedsOperator(error.message, code=error.code, command=command)
    return poll(f"locked ({lock})")
