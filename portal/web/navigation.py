"""The entries of the platform in the side bar."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from audit.permissions import Permission as AuditPermission
from portal.kernel.authz import SIGNED_IN
from portal.kernel.ui import NavItem, Section
from portal.permissions import Permission

NAV: Final = (
    NavItem(
        key="dashboard",
        label=_("Dashboard"),
        url="/",
        icon="layout-dashboard",
        permission=SIGNED_IN,
        order=10,
        in_mobile_bar=True,
        short_label=_("Home"),
        shortcut="h",
    ),
    NavItem(
        key="operations",
        label=_("Operations"),
        url="/operations",
        icon="square-terminal",
        permission=Permission.OPERATIONS_VIEW,
        section=Section.OPERATIONS,
        order=40,
        in_mobile_bar=True,
        short_label=_("Tasks"),
        shortcut="o",
    ),
    NavItem(
        key="stuck-work",
        label=_("Stuck work"),
        url="/stuck-work",
        icon="octagon-alert",
        permission=Permission.STUCK_VIEW,
        section=Section.OPERATIONS,
        order=54,
    ),
    NavItem(
        key="workers",
        label=_("Workers"),
        url="/workers",
        icon="cpu",
        permission=Permission.WORKERS_VIEW,
        section=Section.PLATFORM,
        order=56,
    ),
    NavItem(
        key="system-health",
        label=_("System health"),
        url="/system-health",
        icon="heart-pulse",
        permission=AuditPermission.SYSTEM_EVENTS_VIEW,
        section=Section.PLATFORM,
        order=58,
        is_platform_only=True,
    ),
    NavItem(
        key="components",
        label=_("Components"),
        url="/ui",
        icon="swatch-book",
        permission=Permission.SETTINGS_MANAGE,
        section=Section.PLATFORM,
        order=900,
        is_platform_only=True,
    ),
)
