"""The list of operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from portal.kernel.web.table_views import TableView
from portal.models import Operation
from portal.permissions import Permission
from portal.selectors.operations import operation_list
from portal.web.operation_table import OPERATIONS
from portal.web.operations import OperationCard, operation_cards


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
