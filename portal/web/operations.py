"""Pages of operations: list, one with its live progress, retry and cancel; a card for the pages of others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.dates import day_and_second
from portal.kernel.ui import TargetLink, status_style, target_links
from portal.kernel.web.views import ActionView, PortalView
from portal.logic.progress import percent_of
from portal.models import Operation, OperationAttempt
from portal.permissions import Permission
from portal.selectors.operations import (
    operation_get,
    operation_label,
    operation_may_cancel,
    operation_may_retry,
    operation_place,
    operation_retries,
    operation_step_labels,
    operation_tries,
    operations_about,
)
from portal.services.operations import (
    operation_cancel,
    operation_retry,
    operation_retry_refusal,
)
from portal.services.replays import operations_replay
from portal.states import OPEN_STATUSES, AttemptOutcome, OperationStatus, StepStatus

BACKGROUND_QUEUE = "metrics"
_OUTCOME_LOOKS = {
    AttemptOutcome.COMPLETED: ("circle-check", "ok"),
    AttemptOutcome.RETRIED: ("rotate-cw", "warn"),
    AttemptOutcome.CRASHED: ("unplug", "danger"),
    AttemptOutcome.FAILED: ("circle-x", "danger"),
    AttemptOutcome.CANCELED: ("ban", "idle"),
}


@dataclass(frozen=True, slots=True)
class OperationCard:
    """An operation as the templates show it."""

    row: Operation
    label: str
    percent: int
    steps: list[dict[str, Any]]
    target: TargetLink | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)

    @property
    def status(self) -> str:
        """What has begun is shown as running, also while it waits between its steps."""
        is_begun = self.row.status == OperationStatus.PENDING and self.row.started_at is not None
        return OperationStatus.RUNNING.value if is_begun else self.row.status

    @property
    def state_label(self) -> str:
        return str(status_style("operation", self.status).label)

    @property
    def log_lines(self) -> list[str]:
        return self.row.log

    @property
    def target_label(self) -> str:
        return self.target.label if self.target else self.row.target_type

    @property
    def target_url(self) -> str:
        return self.target.url if self.target else ""

    @property
    def is_waiting(self) -> bool:
        """Whether its next moment lies ahead: it polls, or waits for its next try."""
        return self.row.status == OperationStatus.PENDING and self.row.scheduled_at > clock.now()

    @property
    def duration(self) -> timedelta | None:
        if self.row.started_at is None:
            return None
        end: datetime = self.row.completed_at or clock.now()
        return end - self.row.started_at


class OperationDetail(PortalView):
    """`/operations/{id}`; the fragment is what changes by itself."""

    permission = Permission.OPERATIONS_VIEW
    template_name = "portal/operations/detail.html"
    fragment_name = "portal/operations/_live.html"

    def get(self, request: HttpRequest, operation_id: str) -> HttpResponse:
        operation = operation_get(actor=self.actor, operation_id=operation_id)
        values = {
            **_card_values(self.actor, operation),
            "place": operation_place(operation),
            "attempts": [_try(one) for one in operation_tries(operation)],
            "retries": retry_nodes(operation_retries(operation), shown=operation.pk),
        }
        return self.page(values)


class OperationLog(PortalView):
    """`/operations/{id}/log`: the tail of the log as a file."""

    permission = Permission.OPERATIONS_VIEW

    def get(self, request: HttpRequest, operation_id: str) -> HttpResponse:
        operation = operation_get(actor=self.actor, operation_id=operation_id)
        text = "".join(f"{line}\n" for line in operation.log)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="operation-{operation.pk}.log"'
        response["Cache-Control"] = "no-store"
        return response


class OperationRetry(ActionView):
    """`/operations/{id}/retry`."""

    permission = Permission.OPERATIONS_VIEW

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        self.started = operation_retry(actor=self.actor, operation_id=kwargs["operation_id"])
        return _("It is tried again.")

    def target(self, **kwargs: Any) -> str:
        started = getattr(self, "started", None)
        return _address(started.pk if started else kwargs["operation_id"])


class OperationsReplay(ActionView):
    """`/operations/replay`: what is ticked in the list, or all that failed."""

    permission = Permission.OPERATIONS_MANAGE

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        ids = request.POST.getlist("ids")
        is_all = "all" in request.POST
        found = operations_replay(
            actor=self.actor, ids=() if is_all else ids, filters={} if is_all else None
        )
        replayed = sum(one.outcome == "replayed" for one in found)
        refused = [one.detail for one in found if one.outcome == "refused"]
        if refused:
            messages.warning(request, f"{len(refused)} × {refused[0]}")
        text = ngettext(
            "%(count)s operation is tried again.", "%(count)s operations are tried again.", replayed
        )
        return text % {"count": replayed}

    def target(self, **kwargs: Any) -> str:
        return reverse("portal:operation_list")


class OperationCancel(ActionView):
    """`/operations/{id}/cancel`."""

    permission = Permission.OPERATIONS_VIEW

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        operation = operation_cancel(actor=self.actor, operation_id=kwargs["operation_id"])
        if operation.status == OperationStatus.CANCELED:
            return _("It is canceled.")
        return _("It stops after the step it is at.")

    def target(self, **kwargs: Any) -> str:
        return _address(kwargs["operation_id"])


def operation_card(*, actor: Actor, target_id: UUID) -> dict[str, Any]:
    """Values of `portal/operations/_card.html` for the latest operation on an object; None hides it."""
    latest: Operation | None = None
    if actor.may(Permission.OPERATIONS_VIEW):
        rows = operations_about(actor=actor, target_id=target_id).exclude(queue=BACKGROUND_QUEUE)
        latest = rows.filter(status__in=OPEN_STATUSES).order_by("id").first() or rows.first()
    if latest is None:
        return {
            "operation": None,
            "is_live": False,
            "may_retry": False,
            "retry_refusal": "",
            "may_cancel": False,
        }
    return _card_values(actor, latest)


def operation_cards(rows: Iterable[Operation], *, has_targets: bool = True) -> list[OperationCard]:
    """Operations for the templates; what they work on is looked up once per type."""
    rows = list(rows)
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for row in rows:
        if row.target_id is not None and has_targets:
            wanted[row.target_type].add(row.target_id)
    links = {type_: target_links(type_, ids) for type_, ids in wanted.items()}
    return [_card(row, links.get(row.target_type, {})) for row in rows]


def _card_values(actor: Actor, operation: Operation) -> dict[str, Any]:
    may_retry = operation_may_retry(actor=actor, operation=operation)
    return {
        "operation": operation_cards([operation])[0],
        "is_live": operation.status in OPEN_STATUSES,
        "may_retry": may_retry,
        "retry_refusal": operation_retry_refusal(actor=actor, operation=operation)
        if may_retry
        else "",
        "may_cancel": operation_may_cancel(actor=actor, operation=operation),
    }


def _card(row: Operation, links: Mapping[UUID, TargetLink]) -> OperationCard:
    labels = operation_step_labels(row.type)
    steps = [step | {"label": labels.get(step["name"], step["label"])} for step in row.steps]
    if row.status == OperationStatus.RUNNING:
        for step in steps:
            if step["name"] == row.step and step["status"] in {
                StepStatus.PENDING,
                StepStatus.WAITING,
            }:
                step["status"] = StepStatus.RUNNING.value
    return OperationCard(
        row=row,
        label=operation_label(row.type),
        percent=percent_of(row.steps),
        steps=steps,
        target=links.get(row.target_id) if row.target_id else None,
    )


def retry_nodes(chain: Iterable[Operation], *, shown: UUID) -> list[dict[str, Any]]:
    """Nodes of a tree: each operation around the one that was started in its place."""
    nodes: list[dict[str, Any]] = []
    for row in reversed(list(chain)):
        style = status_style("operation", row.status)
        started = day_and_second(row.created_at)
        node = {
            "label": f"{style.label} · {started}",
            "icon": style.icon,
            "url": _address(row.pk),
            "is_current": row.pk == shown,
            "children": nodes,
        }
        nodes = [node]
    return nodes


def _try(row: OperationAttempt) -> dict[str, Any]:
    icon, tone = _OUTCOME_LOOKS[AttemptOutcome(row.outcome)]
    return {
        "attempt": row.attempt,
        "worker": row.worker,
        "started_at": row.started_at,
        "took": row.finished_at - row.started_at,
        "outcome": AttemptOutcome(row.outcome).label,
        "icon": icon,
        "tone": tone,
        "error": row.error,
    }


def _address(operation_id: UUID | str) -> str:
    return reverse("portal:operation_detail", args=[operation_id])
