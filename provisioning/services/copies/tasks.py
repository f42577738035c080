"""Running a task that makes or removes a copy, once, also when the answer to its submit got lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from integrations.base.errors import Ambiguous, ProviderError, Unavailable
from integrations.proxmox.interface import TaskRef
from portal.kernel import clock
from portal.kernel.queue import Poll, StepContext
from portal.kernel.stored_text import stored_text
from provisioning.services.saga.guest import Guest
from provisioning.services.saga.tasks import poll, task_run

_UNSURE = (Ambiguous, Unavailable)


def copy_task(
    ctx: StepContext, guest: Guest, *, kind: str, submit: Callable[[], TaskRef]
) -> Poll | None:
    """Submits a task of `kind` about the guest, then follows it; None when it ended well.

    What was asked for, and which task of the kind was the newest before, is stored before the call. A later
    run looks for a newer one before it asks again, and waits as long as the request may still be on its way.
    `<kind>_succeeded` in the state says that a task was seen to succeed, `<kind>_tried` that one may have
    changed something.
    """
    if (lost := _lost(ctx, guest, kind)) is not None:
        return lost
    known = ctx.state.get(kind)

    def asked() -> TaskRef:
        before = _newest(guest, kind, clock.now() - timedelta(days=1))
        ctx.state[f"{kind}_asked"] = {
            "at": clock.now().isoformat(),
            "before": before.upid if before else "",
            "node": guest.node,
        }
        ctx.save()
        return submit()

    try:
        waiting = task_run(ctx, guest, kind, asked)
    except ProviderError as error:
        if isinstance(error, _UNSURE):
            ctx.state[f"{kind}_tried"] = True
        if known is not None or not isinstance(error, _UNSURE):
            ctx.state.pop(f"{kind}_asked", None)
        ctx.save()
        raise
    ctx.state[f"{kind}_tried"] = True
    return waiting


def _lost(ctx: StepContext, guest: Guest, kind: str) -> Poll | None:
    """Finds the task of a submit whose answer nobody has; Poll while it may still appear."""
    asked = ctx.state.get(f"{kind}_asked")
    if asked is None or kind in ctx.state:
        return None
    since = datetime.fromisoformat(asked["at"])
    ref = guest.hypervisor.copy_task_find(
        node=asked["node"], vmid=guest.vmid, kind=kind, since=since
    )
    if ref is not None and ref.upid != asked["before"]:
        ctx.state[kind] = {"upid": ref.upid, "node": ref.node}
        ctx.save()
        return None
    window = timedelta(seconds=float(settings.PROVISIONING["clone_window_s"]))
    if clock.now() - since < window:
        return poll(stored_text("waiting for a task that was asked for"))
    return None


def _newest(guest: Guest, kind: str, since: datetime) -> TaskRef | None:
    return guest.hypervisor.copy_task_find(node=guest.node, vmid=guest.vmid, kind=kind, since=since)
