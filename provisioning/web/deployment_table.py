"""The list of deployments, column by column."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from portal.kernel import clock
from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, clip_cell, link_cell, person_cell, tag_cell
from portal.templatetags.ui import gib, icon, mib, money, relative_time
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.states import DeploymentStatus, Health
from provisioning.web.forms import DeploymentFilters

_SOON: Final = timedelta(hours=24)


def _name(row: Deployment) -> SafeString:
    url = f"{DEPLOYMENTS.url}/{row.pk}"
    address = row.ip_addresses[0] if row.ip_addresses else row.hostname
    return link_cell(row.template.icon, url, row.name, address)


def _status(row: Deployment) -> SafeString:
    if not row.attention:
        return badge_cell("deployment", row.status)
    words = _("Needs attention")
    return format_html('<span class="badge warn">{}{}</span>', icon("hand", 13, 2.2), words)


def _resources(row: Deployment) -> str:
    return _figures(row.cpu_cores, row.memory_mb, row.disk_gb, get_language() or "")


@lru_cache(maxsize=1024)
def _figures(cpu_cores: int, memory_mb: int, disk_gb: int, _language: str) -> str:
    """Machines of one template have the same; numbers in the reader's language cost more than a look."""
    return f"{cpu_cores} vCPU · {mib(memory_mb)} · {gib(disk_gb)}"


def _expiry(row: Deployment) -> SafeString:
    if row.hold:
        return tag_cell(_("On hold"), "lock")
    if row.status == DeploymentStatus.DELETED:
        return SafeString(NONE)
    if row.delete_after:
        return _warned("trash-2", "danger", relative_time(row.delete_after))
    if row.expires_at <= clock.now() + _SOON:
        return _warned("clock-alert", "warn", relative_time(row.expires_at))
    return relative_time(row.expires_at)


def _warned(name: str, tone: str, text: SafeString) -> SafeString:
    return format_html('<span class="due {}">{}{}</span>', tone, icon(name, 13, 2.2), text)


def _tags(row: Deployment) -> SafeString:
    return SafeString(" ".join(tag_cell(tag) for tag in row.tags[:3]) or NONE)


def _status_text(row: Deployment) -> str:
    return str(_("Needs attention") if row.attention else DeploymentStatus(row.status).label)


DEPLOYMENTS: Final = Table(
    key="deployments",
    row="deployment",
    label=gettext_lazy("Deployments"),
    url="/deployments",
    permission=Permission.VIEW,
    filters=DeploymentFilters,
    is_selectable=lambda row: row.status != DeploymentStatus.DELETED,
    columns=(
        Column(
            "name", gettext_lazy("Name"), _name, lambda row: row.name, sort="name", is_fixed=True
        ),
        Column(
            "status",
            gettext_lazy("Status"),
            _status,
            _status_text,
            sort="status",
            is_fixed=True,
        ),
        Column(
            "template",
            gettext_lazy("Template"),
            lambda row: tag_cell(row.template.name),
            lambda row: row.template.name,
            sort="template__name",
        ),
        Column("resources", gettext_lazy("Resources"), _resources, _resources, sort="-cpu_cores"),
        Column(
            "owner",
            gettext_lazy("Owner"),
            lambda row: person_cell(str(row.owner)),
            lambda row: row.owner.username,
            sort="owner__username",
        ),
        Column(
            "health",
            gettext_lazy("Health"),
            lambda row: badge_cell("health", row.health),
            lambda row: Health(row.health).label,
            is_default=False,
        ),
        Column(
            "address",
            gettext_lazy("Addresses"),
            lambda row: clip_cell(", ".join(row.ip_addresses)),
            lambda row: ", ".join(row.ip_addresses),
            is_default=False,
        ),
        Column(
            "node",
            gettext_lazy("Cluster"),
            lambda row: tag_cell(row.cluster.name),
            lambda row: row.cluster.name,
            is_default=False,
        ),
        Column(
            "tags", gettext_lazy("Tags"), _tags, lambda row: " ".join(row.tags), is_default=False
        ),
        Column(
            "price",
            gettext_lazy("Price per hour"),
            lambda row: money(row.price_hour, places=4),
            lambda row: row.price_hour,
            sort="-price_hour",
            is_default=False,
            is_numeric=True,
        ),
        Column(
            "created",
            pgettext_lazy("when", "Created"),
            lambda row: relative_time(row.created_at),
            lambda row: row.created_at,
            sort="-created_at",
            is_default=False,
            is_numeric=True,
        ),
        Column(
            "expires",
            gettext_lazy("Expires"),
            _expiry,
            lambda row: row.expires_at,
            sort="expires_at",
            is_numeric=True,
            on_phones=True,
        ),
    ),
)
