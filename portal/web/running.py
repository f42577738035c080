"""The top bar's word on what runs: how many operations are open, and the newest."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from portal.kernel.authz import Actor
from portal.kernel.ui import once
from portal.kernel.web.views import PortalView
from portal.permissions import Permission
from portal.selectors.operations import operations_open
from portal.web.operations import OperationCard, operation_cards


@dataclass(frozen=True, slots=True)
class Running:
    """`count` open operations, `cards` of the newest."""

    count: int
    cards: tuple[OperationCard, ...]


def running_of(actor: Actor, *, has_targets: bool = False) -> Running:
    """In one question; the names of what they work on cost another one, and only the popover shows them."""
    rows = list(operations_open(actor=actor))
    count = int(getattr(rows[0], "open_count", 0) or 0) if rows else 0
    return Running(count, tuple(operation_cards(rows, has_targets=has_targets)))


class RunningOperations(PortalView):
    """`/operations/running`: the indicator again, when something changed or somebody opens it."""

    permission = Permission.OPERATIONS_VIEW
    template_name = "portal/operations/_indicator.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        once(request, "running_operations", lambda: running_of(self.actor, has_targets=True))
        return self.page({})
