"""Asking a worker to drain: it ends what it runs, takes nothing new, and goes; until then it can be taken back."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.models import Worker
from portal.permissions import Permission
from portal.selectors.workers import worker_rows
from portal.states import WorkerStatus
from portal.tags import Tag


def worker_drain(*, actor: Actor, worker_id: UUID | str) -> Worker:
    """Asks it; the worker hears of it within seconds. Asking again changes nothing.

    Raises:
        Refused, NotFound.
        Conflict: the worker is offline.
    """
    offline = gettext("The worker is offline; there is nothing to drain.")
    return _asked(actor, worker_id, is_wanted=True, tag=Tag.WORKER_DRAINED, offline=offline)


def worker_resume(*, actor: Actor, worker_id: UUID | str) -> Worker:
    """Takes a worker that still ends its work back into it. One that was not asked stays as it is.

    Raises:
        Refused, NotFound.
        Conflict: the worker has left.
    """
    offline = gettext("The worker has left already. Start it again.")
    return _asked(actor, worker_id, is_wanted=False, tag=Tag.WORKER_RESUMED, offline=offline)


def _asked(
    actor: Actor, worker_id: UUID | str, *, is_wanted: bool, tag: Tag, offline: str
) -> Worker:
    """The worker with the wish on record; `offline` is what is said of one that is gone."""
    authorize(actor, Permission.WORKERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        worker = _locked(worker_id)
        if getattr(worker, "shown", None) == WorkerStatus.OFFLINE:
            raise Conflict(offline, code="worker_offline")
        if worker.drain_requested != is_wanted:
            Worker.objects.filter(pk=worker.pk).update(drain_requested=is_wanted)
            trail.record(
                tag=tag,
                target=worker,
                after={"drain_requested": is_wanted},
                detail={"name": worker.name},
                actor=actor,
                tenant_id=PLATFORM_TENANT_ID,
            )
        worker.drain_requested = is_wanted
        return worker


def _locked(worker_id: UUID | str) -> Worker:
    try:
        wanted = UUID(str(worker_id))
        return worker_rows().select_for_update(of=("self",)).get(pk=wanted)
    except (ValueError, Worker.DoesNotExist):
        raise NotFound(gettext("There is no such worker.")) from None
