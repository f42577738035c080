"""The list of findings, column by column."""

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

from portal.kernel.ui import StatusStyle, Tone
from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, clip_cell
from portal.templatetags.ui import icon, relative_time
from provisioning.logic.styles import FINDING_KIND_STYLES
from provisioning.models import Cluster, Finding
from provisioning.permissions import Permission
from provisioning.states import FindingKind, FindingStatus

_STATUSES = (
    ("", gettext_lazy("Open")),
    (FindingStatus.CLOSED.value, FindingStatus.CLOSED.label),
    (FindingStatus.RESOLVED.value, FindingStatus.RESOLVED.label),
    ("all", gettext_lazy("Any state")),
)

WATCH_STYLES: Final[dict[str, StatusStyle]] = {
    "away": StatusStyle(gettext_lazy("Not seen again"), "eye", Tone.IDLE),
    "doubted": StatusStyle(gettext_lazy("Holds volumes until proven gone"), "eye", Tone.WARN),
    "back": StatusStyle(gettext_lazy("Back again"), "undo-2", Tone.DANGER),
}


class FindingFilters(forms.Form):
    """Filters of the list, kept in the address."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[("", gettext_lazy("Any kind")), *FindingKind.choices],
    )
    cluster = forms.ChoiceField(label=gettext_lazy("Cluster"), required=False)
    status = forms.ChoiceField(label=gettext_lazy("State"), required=False, choices=_STATUSES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cluster = self.fields["cluster"]
        assert isinstance(cluster, forms.ChoiceField)
        clusters = Cluster.objects.values_list("code", "name")
        cluster.choices = [("", _("Any cluster")), *clusters]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as its cells read it; `tenant` is empty for the platform's."""

    finding: Finding
    tenant: str
    text: str

    @property
    def pk(self) -> UUID:
        return self.finding.pk


def _kind(row: FindingRow) -> SafeString:
    finding = row.finding
    style = FINDING_KIND_STYLES[finding.kind]
    return format_html(
        '<div class="cell"><span class="os tone {}">{}</span><a href="{}" data-row-link><b>{}</b>'
        "<small>{}</small></a></div>",
        str(style.tone),
        icon(style.icon, 17),
        reverse("provisioning:finding_detail", args=[finding.pk]),
        style.label,
        finding.cluster.code,
    )


def _machine(row: FindingRow) -> SafeString:
    finding = row.finding
    name = finding.deployment.name if finding.deployment else NONE
    return format_html(
        '<span class="clip" title="{}">{}</span><small class="sub mono">{}</small>',
        name,
        name,
        str(finding.vmid or ""),
    )


FINDINGS: Final = Table(
    key="findings",
    row="finding",
    label=gettext_lazy("Findings"),
    url="/findings",
    permission=Permission.FINDINGS_VIEW,
    filters=FindingFilters,
    columns=(
        Column(
            "kind",
            gettext_lazy("Finding"),
            _kind,
            lambda row: FindingKind(row.finding.kind).label,
            sort="kind",
            is_fixed=True,
        ),
        Column(
            "state",
            gettext_lazy("State"),
            lambda row: badge_cell("finding", row.finding.status),
            lambda row: FindingStatus(row.finding.status).label,
            sort="status",
            is_fixed=True,
        ),
        Column(
            "machine",
            gettext_lazy("Machine"),
            _machine,
            lambda row: row.finding.deployment.name if row.finding.deployment else row.finding.vmid,
            sort="vmid",
            on_phones=True,
        ),
        Column(
            "found", gettext_lazy("Found"), lambda row: clip_cell(row.text), lambda row: row.text
        ),
        Column(
            "tenant",
            gettext_lazy("Organisation"),
            lambda row: clip_cell(row.tenant),
            lambda row: row.tenant,
        ),
        Column(
            "first_seen",
            gettext_lazy("First seen"),
            lambda row: relative_time(row.finding.first_seen_at),
            lambda row: row.finding.first_seen_at,
            sort="-first_seen_at",
            is_numeric=True,
        ),
        Column(
            "last_seen",
            gettext_lazy("Last seen"),
            lambda row: relative_time(row.finding.last_seen_at),
            lambda row: row.finding.last_seen_at,
            sort="-last_seen_at",
            is_numeric=True,
            on_phones=True,
        ),
    ),
)
