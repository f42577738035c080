"""The entries of provisioning in the side bar."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.kernel.ui import NavAction, NavItem, Section
from provisioning.permissions import Permission
from provisioning.web import cards

NAV: Final = (
    NavItem(
        key="deployments",
        label=_("Deployments"),
        url="/deployments",
        icon="server",
        permission=Permission.VIEW,
        order=20,
        count=cards.deployments_count,
        in_mobile_bar=True,
        short_label=_("Machines"),
        shortcut="d",
        action=NavAction(_("New deployment"), "/deployments/new", Permission.CREATE, "n"),
        also=("/transfers", "/offboarding"),
    ),
    NavItem(
        key="names",
        label=_("Names"),
        url="/dns",
        icon="at-sign",
        permission=Permission.DNS_VIEW,
        order=35,
    ),
    NavItem(
        key="volumes",
        label=_("Volumes"),
        url="/volumes",
        icon="hard-drive",
        permission=Permission.VIEW,
        order=25,
    ),
    NavItem(
        key="backups",
        label=_("Backups"),
        url="/backups",
        icon="archive",
        permission=Permission.BACKUPS_VIEW,
        order=27,
    ),
    NavItem(
        key="templates",
        label=_("Templates"),
        url="/templates",
        icon="layers",
        permission=Permission.TEMPLATES_VIEW,
        order=30,
        in_mobile_bar=True,
        shortcut="t",
    ),
    NavItem(
        key="infrastructure",
        label=_("Infrastructure"),
        url="/infrastructure",
        icon="server-cog",
        permission=Permission.INFRASTRUCTURE_VIEW,
        section=Section.PLATFORM,
        order=50,
        shortcut="i",
    ),
    NavItem(
        key="findings",
        label=_("Findings"),
        url="/findings",
        icon="scan-search",
        permission=Permission.FINDINGS_VIEW,
        section=Section.OPERATIONS,
        order=45,
        shortcut="f",
    ),
    NavItem(
        key="admin-overview",
        label=_("Admin overview"),
        url="/admin-overview",
        icon="gauge",
        permission=Permission.OVERVIEW,
        section=Section.PLATFORM,
        order=39,
        is_platform_only=True,
    ),
    NavItem(
        key="hooks",
        label=_("Hooks"),
        url="/hooks",
        icon="webhook",
        permission=Permission.HOOKS_VIEW,
        also=("/hook-runs", "/webhooks"),
        section=Section.OPERATIONS,
        order=55,
    ),
    NavItem(
        key="servers",
        label=_("Servers"),
        url="/servers",
        icon="activity",
        permission=Permission.INFRASTRUCTURE_VIEW,
        section=Section.PLATFORM,
        order=51,
    ),
    NavItem(
        key="alerts",
        label=_("Alerts"),
        url="/alerts",
        icon="siren",
        permission=Permission.ALERTS_VIEW,
        section=Section.OPERATIONS,
        order=46,
    ),
)
