"""`/workers`: queues with what waits in them, and the processes that work on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from portal.kernel.web.charts import Chart, Series
from portal.kernel.web.views import ActionView, PortalView
from portal.models import Worker
from portal.permissions import Permission
from portal.selectors.queues import Bar, QueueFigures, ended_bars, queue_list
from portal.selectors.workers import worker_list
from portal.services.readiness import silent_parts
from portal.services.worker_drains import worker_drain, worker_resume

_SHOWN: Final = 100
_LATE: Final = timedelta(minutes=1)


class WorkerList(PortalView):
    """The page; its middle asks for itself."""

    permission = Permission.WORKERS_VIEW
    template_name = "portal/workers/page.html"
    fragment_name = "portal/workers/_live.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        queues = queue_list(actor=self.actor)
        return self.page(
            {
                "queues": [_queue(one) for one in queues],
                "stats": _stats(queues),
                "workers": [worker_row(row) for row in worker_list(actor=self.actor)[:_SHOWN]],
                "chart": _chart(ended_bars(actor=self.actor)),
                "silent": silent_parts(),
                "may_drain": self.actor.may(Permission.WORKERS_MANAGE),
            }
        )


class WorkerDrain(ActionView):
    """`/workers/{id}/drain`."""

    permission = Permission.WORKERS_MANAGE

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        worker = worker_drain(actor=self.actor, worker_id=kwargs["worker_id"])
        return _("%(name)s ends what it runs and goes.") % {"name": worker.name}

    def target(self, **kwargs: Any) -> str:
        return reverse("portal:worker_list")


class WorkerResume(WorkerDrain):
    """`/workers/{id}/resume`."""

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        worker_resume(actor=self.actor, worker_id=kwargs["worker_id"])
        return _("It takes work again.")


def worker_row(row: Worker) -> dict[str, Any]:
    """A worker as lists show it."""
    return {
        "id": row.pk,
        "name": row.name,
        "queue": row.queue,
        "queues": row.queue.split(","),
        "running": row.running,
        "version": row.version,
        "drain_requested": row.drain_requested,
        "status": getattr(row, "shown", row.status),
        "last_heartbeat_at": row.last_heartbeat_at,
    }


def _queue(one: QueueFigures) -> dict[str, Any]:
    age = timedelta(seconds=round(one.oldest_due_s))
    return {
        "name": one.queue,
        "due": one.due,
        "later": one.later,
        "running": one.running,
        "age": age if one.oldest_due_at else None,
        "is_late": age > _LATE,
        "rate_5": one.rate_5_min,
        "rate_15": one.rate_15_min,
        "failed": one.failed_15_min,
        "retried": one.retried_15_min,
        "url": f"{reverse('portal:operation_list')}?queue={one.queue}",
    }


def _stats(queues: list[QueueFigures]) -> dict[str, Any]:
    oldest = max((one.oldest_due_s for one in queues), default=0.0)
    return {
        "due": sum(one.due for one in queues),
        "later": sum(one.later for one in queues),
        "running": sum(one.running for one in queues),
        "oldest": timedelta(seconds=round(oldest)),
        "is_late": oldest > _LATE.total_seconds(),
        "rate": round(sum(one.ended_5_min for one in queues) / 5, 1),
        "failed": sum(one.failed_15_min for one in queues),
    }


def _chart(bars: list[Bar]) -> Chart:
    return Chart(
        _("Ended operations, by five minutes"),
        [localtime(bar.begins_at).strftime("%H:%M") for bar in bars],
        [
            Series(_("Completed"), [bar.completed for bar in bars]),
            Series(_("Failed"), [bar.failed for bar in bars]),
        ],
        highlight=len(bars) - 1,
        id="ended",
    )
