"""The list of names, column by column."""

from __future__ import annotations

from typing import Final

from django import forms
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, clip_cell, link_cell, tag_cell
from portal.templatetags.ui import relative_time
from provisioning.models import DnsRecord
from provisioning.permissions import Permission
from provisioning.states import DnsStatus, DnsType

_STATUSES = (("", gettext_lazy("Any state")), *DnsStatus.choices[:-1])


class NameFilters(forms.Form):
    """Filters of the list, kept in the address."""

    search = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=253)
    status = forms.ChoiceField(label=gettext_lazy("State"), required=False, choices=_STATUSES)
    type = forms.ChoiceField(
        label=gettext_lazy("Type"),
        required=False,
        choices=[("", gettext_lazy("Any type")), *DnsType.choices],
    )


def _name(row: DnsRecord) -> SafeString:
    page = reverse("provisioning:deployment_detail", args=[row.deployment_id])
    return link_cell("at-sign", f"{page}?tab=names", row.hostname, row.zone_name)


def _checked(row: DnsRecord) -> SafeString:
    return relative_time(row.last_checked_at) if row.last_checked_at else SafeString(NONE)


NAMES: Final = Table(
    key="names",
    row="name",
    label=gettext_lazy("Names"),
    url="/dns",
    permission=Permission.DNS_VIEW,
    filters=NameFilters,
    columns=(
        Column(
            "name",
            gettext_lazy("Name"),
            _name,
            lambda row: row.hostname,
            sort="hostname",
            is_fixed=True,
        ),
        Column(
            "state",
            gettext_lazy("State"),
            lambda row: badge_cell("dns", row.status),
            lambda row: DnsStatus(row.status).label,
            sort="status",
            is_fixed=True,
        ),
        Column(
            "type",
            gettext_lazy("Type"),
            lambda row: tag_cell(row.type),
            lambda row: row.type,
            sort="type",
        ),
        Column(
            "address",
            gettext_lazy("Address"),
            lambda row: clip_cell(row.ip_address or ""),
            lambda row: row.ip_address or "",
            on_phones=True,
        ),
        Column(
            "machine",
            gettext_lazy("Machine"),
            lambda row: clip_cell(row.deployment.name),
            lambda row: row.deployment.name,
        ),
        Column(
            "checked",
            gettext_lazy("Last check"),
            _checked,
            lambda row: row.last_checked_at,
            is_numeric=True,
        ),
        Column(
            "created",
            gettext_lazy("Created"),
            lambda row: relative_time(row.created_at),
            lambda row: row.created_at,
            sort="-created_at",
            is_numeric=True,
            is_default=False,
        ),
    ),
)
