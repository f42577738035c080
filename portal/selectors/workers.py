"""Worker processes as they last reported."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Now

from portal.kernel.authz import Actor, authorize
from portal.models import Worker
from portal.permissions import Permission
from portal.states import WorkerStatus

_BEATS_MISSED = 3


def worker_list(*, actor: Actor) -> QuerySet[Worker]:
    """All workers; one that has been silent for three heartbeats is offline, whatever its row says.

    Raises:
        Refused.
    """
    authorize(actor, Permission.WORKERS_VIEW)
    return worker_rows()


def worker_rows() -> QuerySet[Worker]:
    """Workers with `shown`, the status that their silence leaves them."""
    silence = timedelta(seconds=_BEATS_MISSED * settings.ENGINE["HEARTBEAT_S"])
    is_silent = When(last_heartbeat_at__lt=Now() - silence, then=Value(WorkerStatus.OFFLINE.value))
    return Worker.objects.annotate(shown=Case(is_silent, default=F("status")))
