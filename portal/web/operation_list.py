"""The list of operations, with the workers below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import QuerySet

from portal.kernel.web.table_views import TableView
from portal.models import Operation, Worker
from portal.permissions import Permission
from portal.selectors.operations import operation_list
from portal.selectors.workers import worker_list
from portal.web.operation_table import OPERATIONS
from portal.web.operations import OperationCard, operation_cards

_WORKERS_SHOWN: Final = 50


class OperationList(TableView):
    """`/operations`."""

    permission = Permission.OPERATIONS_VIEW
    table = OPERATIONS
    template_name = "portal/operations/list.html"
    empty_name = "portal/operations/_empty.html"
    live_topics = "operation"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Operation]:
        rows = operation_list(actor=self.actor)
        if wanted.get("search"):
            rows = rows.filter(type__icontains=wanted["search"])
        exact = {name: wanted[name] for name in ("status", "queue") if wanted.get(name)}
        return rows.filter(**exact)

    def shown(self, rows: list[Any]) -> Iterable[OperationCard]:
        return operation_cards(rows)

    def may_select(self) -> bool:
        return self.actor.may(Permission.OPERATIONS_MANAGE)

    def values(self) -> dict[str, Any]:
        if self.request.htmx:  # type: ignore[attr-defined]
            return {}
        return {
            "workers": self._workers(),
            "may_drain": self.actor.may(Permission.WORKERS_MANAGE),
        }

    def _workers(self) -> list[dict[str, Any]] | None:
        if not self.actor.may(Permission.WORKERS_VIEW):
            return None
        return [_worker(row) for row in worker_list(actor=self.actor)[:_WORKERS_SHOWN]]


def _worker(row: Worker) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "queue": row.queue,
        "drain_requested": row.drain_requested,
        "status": getattr(row, "shown", row.status),
        "last_heartbeat_at": row.last_heartbeat_at,
    }
