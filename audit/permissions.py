"""Who may read the audit."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.authz import PermissionSpec, spec


class Permission(StrEnum):
    """Permissions of the audit app."""

    AUDIT_VIEW = "audit.view"
    AUDIT_EXPORT = "audit.export"
    SYSTEM_EVENTS_VIEW = "system_events.view"


PERMISSIONS: dict[str, PermissionSpec] = {
    Permission.AUDIT_VIEW: spec(_("Read the audit"), ("admin", "ops"), is_platform=True),
    Permission.AUDIT_EXPORT: spec(_("Export the audit"), ("admin",), is_platform=True),
    Permission.SYSTEM_EVENTS_VIEW: spec(_("See system events"), is_platform=True),
}
