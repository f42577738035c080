"""The list of alerts, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell
from portal.templatetags.ui import icon, relative_time
from provisioning.logic.alerting import SEVERITY_STYLES, AlertStatus, Severity
from provisioning.logic.measures import SubjectKind
from provisioning.models import Alert
from provisioning.permissions import Permission
from provisioning.web.measures import figure_text

_STATUSES = (
    ("", gettext_lazy("Firing")),
    (AlertStatus.RESOLVED.value, AlertStatus.RESOLVED.label),
    ("all", gettext_lazy("Any state")),
)
_ICONS: Final[dict[str, str]] = {
    SubjectKind.DEPLOYMENT: "server",
    SubjectKind.NODE: "cpu",
    SubjectKind.HOST: "hard-drive",
}


class AlertFilters(forms.Form):
    """Filters of the list, kept in the address."""

    severity = forms.ChoiceField(
        label=gettext_lazy("Severity"),
        required=False,
        choices=[("", gettext_lazy("Any severity")), *Severity.choices],
    )
    subject_kind = forms.ChoiceField(
        label=gettext_lazy("Of"),
        required=False,
        choices=[("", gettext_lazy("Machines, nodes and hosts")), *SubjectKind.choices],
    )
    status = forms.ChoiceField(label=gettext_lazy("State"), required=False, choices=_STATUSES)


def subject_url(kind: str, subject_id: object) -> str:
    """The page of a machine, node or host."""
    if kind == SubjectKind.DEPLOYMENT:
        return f"/deployments/{subject_id}?tab=metrics"
    return f"/servers/{kind}/{subject_id}"


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as its cells read it, and whether the reader may say that he looks after it."""

    alert: Alert
    may_acknowledge: bool

    @property
    def pk(self) -> UUID:
        return self.alert.pk


def _subject(line: AlertRow) -> SafeString:
    row = line.alert
    style = SEVERITY_STYLES[row.severity]
    return format_html(
        '<div class="cell"><span class="os tone {}">{}</span><a href="{}" data-row-link><b>{}</b>'
        "<small>{}</small></a></div>",
        str(style.tone) if row.status == AlertStatus.FIRING else "",
        icon(_ICONS[row.subject_kind], 17),
        subject_url(row.subject_kind, row.subject_id),
        row.subject_name,
        row.rule.title,
    )


def _value(line: AlertRow) -> SafeString:
    row = line.alert
    return format_html(
        '<span class="num">{}</span><small class="sub">{}</small>',
        figure_text(row.rule.metric, row.value),
        _("highest %(value)s") % {"value": figure_text(row.rule.metric, row.peak)},
    )


def _acknowledged(line: AlertRow) -> Any:
    row = line.alert
    if row.acknowledged_by or row.status != AlertStatus.FIRING or not line.may_acknowledge:
        return row.acknowledged_by or NONE
    return format_html(
        '<button type="submit" class="btn sm" form="acknowledge" formaction="{}">{}{}</button>',
        reverse("provisioning:alert_acknowledge", args=[row.pk]),
        icon("hand", 15),
        _("Acknowledge"),
    )


ALERTS: Final = Table(
    key="alerts",
    row="alert",
    label=gettext_lazy("Alerts"),
    url="/alerts",
    permission=Permission.ALERTS_VIEW,
    filters=AlertFilters,
    columns=(
        Column(
            "subject",
            gettext_lazy("Alert"),
            _subject,
            lambda row: f"{row.alert.subject_name}: {row.alert.rule.title}",
            sort="subject_name",
            is_fixed=True,
        ),
        Column(
            "state",
            gettext_lazy("State"),
            lambda row: badge_cell("alert", row.alert.status),
            lambda row: AlertStatus(row.alert.status).label,
            sort="status",
            is_fixed=True,
        ),
        Column(
            "severity",
            gettext_lazy("Severity"),
            lambda row: badge_cell("severity", row.alert.severity),
            lambda row: Severity(row.alert.severity).label,
            sort="severity",
        ),
        Column(
            "value", gettext_lazy("Figure"), _value, lambda row: row.alert.value, on_phones=True
        ),
        Column(
            "acknowledged",
            gettext_lazy("Looked after by"),
            _acknowledged,
            lambda row: row.alert.acknowledged_by,
        ),
        Column(
            "fired",
            gettext_lazy("Since"),
            lambda row: relative_time(row.alert.since),
            lambda row: row.alert.since,
            sort="-since",
            is_numeric=True,
            on_phones=True,
        ),
        Column(
            "seen",
            gettext_lazy("Last measured"),
            lambda row: relative_time(row.alert.seen_at),
            lambda row: row.alert.seen_at,
            sort="-seen_at",
            is_numeric=True,
        ),
    ),
)
