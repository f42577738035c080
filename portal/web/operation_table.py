"""The list of operations, column by column."""

from __future__ import annotations

from typing import Final

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.kernel.queue import QUEUES
from portal.kernel.web.tables import Column, Table
from portal.permissions import Permission
from portal.states import RETRYABLE_STATUSES, OperationStatus
from portal.templatetags.cells import badge_cell, clip_cell, link_cell, person_cell, tag_cell
from portal.templatetags.ui import duration, relative_time
from portal.web.operations import OperationCard


class OperationFilters(forms.Form):
    """What the list can be narrowed to."""

    search = forms.CharField(label=_("Type"), required=False, max_length=63)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("Any status")), *OperationStatus.choices],
    )
    queue = forms.ChoiceField(
        label=_("Queue"),
        required=False,
        choices=[("", _("Any queue")), *((name, name) for name in QUEUES)],
    )


def _name(row: OperationCard) -> SafeString:
    url = reverse("portal:operation_detail", args=[row.pk])
    return link_cell("square-terminal", url, row.label, row.type)


def _target(row: OperationCard) -> SafeString:
    if not row.target_url:
        return clip_cell(row.target_label)
    label = row.target_label
    return format_html(
        '<a class="link clip" href="{}" title="{}">{}</a>', row.target_url, label, label
    )


def _error(row: OperationCard) -> str:
    return row.last_error or ""


OPERATIONS: Final = Table(
    key="operations",
    row="operation",
    label=_("Operations"),
    url="/operations",
    permission=Permission.OPERATIONS_VIEW,
    filters=OperationFilters,
    is_selectable=lambda row: row.status in RETRYABLE_STATUSES,
    row_name=lambda row: row.label,
    columns=(
        Column(
            "operation",
            _("Operation"),
            _name,
            lambda row: row.type,
            sort="type",
            is_fixed=True,
        ),
        Column(
            "status",
            _("Status"),
            lambda row: badge_cell("operation", row.status),
            lambda row: OperationStatus(row.status).label,
            sort="status",
            is_fixed=True,
        ),
        Column("target", _("Target"), _target, lambda row: row.target_label, on_phones=True),
        Column(
            "actor",
            _("Asked by"),
            lambda row: person_cell(row.actor_label),
            lambda row: row.actor_label,
        ),
        Column(
            "queue",
            _("Queue"),
            lambda row: tag_cell(row.queue),
            lambda row: row.queue,
            is_default=False,
        ),
        Column(
            "attempts",
            _("Attempts"),
            lambda row: f"{row.attempts} / {row.max_attempts}",
            lambda row: row.attempts,
            is_numeric=True,
        ),
        Column(
            "duration",
            _("Duration"),
            lambda row: duration(row.duration),
            lambda row: row.duration and int(row.duration.total_seconds()),
            is_numeric=True,
        ),
        Column(
            "created",
            _("Asked"),
            lambda row: relative_time(row.created_at),
            lambda row: row.created_at,
            sort="-created_at",
            is_numeric=True,
            on_phones=True,
        ),
        Column(
            "error",
            _("Last error"),
            lambda row: clip_cell(_error(row)),
            _error,
            is_default=False,
        ),
    ),
)
