"""The list of backups, column by column."""

from __future__ import annotations

from typing import Final

from django import forms
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, clip_cell, link_cell, tag_cell
from portal.templatetags.ui import relative_time
from provisioning.logic.copy_states import BackupKind, BackupStatus, Verification
from provisioning.models import Backup
from provisioning.permissions import Permission

_STATUSES = (
    ("", gettext_lazy("Any state")),
    *(choice for choice in BackupStatus.choices if choice[0] != BackupStatus.DELETED),
)


class BackupFilters(forms.Form):
    """Filters of the list, kept in the address."""

    search = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=63)
    status = forms.ChoiceField(label=gettext_lazy("State"), required=False, choices=_STATUSES)
    kind = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        required=False,
        choices=[("", gettext_lazy("Any reason")), *BackupKind.choices],
    )


def size_text(backup: Backup) -> str:
    """What it takes on its storage, or a dash while that is not known."""
    return filesizeformat(backup.size_bytes) if backup.size_bytes is not None else NONE


def _name(row: Backup) -> SafeString:
    page = reverse("provisioning:backup_detail", args=[row.pk])
    icon = "shield" if row.is_protected else "archive"
    return link_cell(icon, page, row.deployment_name, row.notes or row.get_mode_display())


def _made(row: Backup) -> SafeString:
    return relative_time(row.archived_at or row.created_at)


BACKUPS: Final = Table(
    key="backups",
    row="backup",
    label=gettext_lazy("Backups"),
    url="/backups",
    permission=Permission.BACKUPS_VIEW,
    filters=BackupFilters,
    columns=(
        Column(
            "machine",
            gettext_lazy("Machine"),
            _name,
            lambda row: row.deployment_name,
            sort="deployment_name",
            is_fixed=True,
        ),
        Column(
            "state",
            gettext_lazy("State"),
            lambda row: badge_cell("backup", row.status),
            lambda row: BackupStatus(row.status).label,
            sort="status",
            is_fixed=True,
        ),
        Column(
            "made",
            gettext_lazy("Made"),
            _made,
            lambda row: row.archived_at or row.created_at,
            sort="-created_at",
            is_numeric=True,
            on_phones=True,
        ),
        Column(
            "kind",
            gettext_lazy("Reason"),
            lambda row: tag_cell(row.get_kind_display()),
            lambda row: BackupKind(row.kind).label,
            sort="kind",
        ),
        Column(
            "size",
            gettext_lazy("Size"),
            lambda row: SafeString(size_text(row)),
            lambda row: row.size_bytes,
            is_numeric=True,
        ),
        Column(
            "storage",
            gettext_lazy("Storage"),
            lambda row: clip_cell(row.storage),
            lambda row: row.storage,
            sort="storage",
        ),
        Column(
            "verification",
            gettext_lazy("Verification"),
            lambda row: badge_cell("verification", row.verification),
            lambda row: Verification(row.verification).label,
            is_default=False,
        ),
    ),
)
