"""The list of volumes, column by column."""

from __future__ import annotations

from typing import Final

from django import forms
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, clip_cell, link_cell
from portal.templatetags.ui import relative_time
from provisioning.models import Volume
from provisioning.permissions import Permission
from provisioning.states import VolumeAction, VolumeStatus

_STATUSES = (("", gettext_lazy("Any state")), *VolumeStatus.choices[:-1])


class VolumeFilters(forms.Form):
    """Filters of the list, kept in the address."""

    search = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=63)
    status = forms.ChoiceField(label=gettext_lazy("State"), required=False, choices=_STATUSES)


def state_of(row: Volume) -> tuple[str, str]:
    """Domain and key of the badge: what is under way, else where it stands."""
    return ("volume_action", row.action) if row.action else ("volume", row.status)


def _state_label(row: Volume) -> str:
    status = VolumeAction(row.action).label if row.action else VolumeStatus(row.status).label
    return str(status)


def _name(row: Volume) -> SafeString:
    page = reverse("provisioning:volume_detail", args=[row.pk])
    return link_cell("hard-drive", page, row.name, row.slot or row.storage_pool)


def _size(row: Volume) -> str:
    return gettext("%(amount)s GiB") % {"amount": row.size_gb}


def _machine(row: Volume) -> SafeString:
    return clip_cell(row.deployment.name) if row.deployment else SafeString(NONE)


VOLUMES: Final = Table(
    key="volumes",
    row="volume",
    label=gettext_lazy("Volumes"),
    url="/volumes",
    permission=Permission.VIEW,
    filters=VolumeFilters,
    columns=(
        Column(
            "name", gettext_lazy("Name"), _name, lambda row: row.name, sort="name", is_fixed=True
        ),
        Column(
            "state",
            gettext_lazy("State"),
            lambda row: badge_cell(*state_of(row)),
            _state_label,
            sort="status",
            is_fixed=True,
        ),
        Column(
            "size",
            gettext_lazy("Size"),
            _size,
            lambda row: row.size_gb,
            sort="size_gb",
            is_numeric=True,
            on_phones=True,
        ),
        Column(
            "machine",
            gettext_lazy("Machine"),
            _machine,
            lambda row: row.deployment.name if row.deployment else "",
        ),
        Column(
            "storage",
            gettext_lazy("Storage"),
            lambda row: clip_cell(row.storage_pool),
            lambda row: row.storage_pool,
        ),
        Column(
            "owner",
            gettext_lazy("Owner"),
            lambda row: clip_cell(row.owner.display_name),
            lambda row: row.owner.display_name,
            is_default=False,
        ),
        Column(
            "created",
            gettext_lazy("Created"),
            lambda row: relative_time(row.created_at),
            lambda row: row.created_at,
            sort="-created_at",
            is_numeric=True,
        ),
    ),
)
