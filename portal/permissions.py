"""What roles may do with the platform's own parts."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.authz import ROLES, PermissionSpec, spec


class Permission(StrEnum):
    """Permissions of the portal app."""

    OPERATIONS_VIEW = "operations.view"
    OPERATIONS_MANAGE = "operations.manage"
    SETTINGS_MANAGE = "settings.manage"
    USERS_MANAGE = "users.manage"
    WORKERS_VIEW = "workers.view"


PERMISSIONS: dict[str, PermissionSpec] = {
    Permission.OPERATIONS_VIEW: spec(_("See operations"), ROLES),
    Permission.OPERATIONS_MANAGE: spec(_("Retry and cancel operations"), ("admin", "ops")),
    Permission.SETTINGS_MANAGE: spec(_("Change system settings"), is_platform=True),
    Permission.USERS_MANAGE: spec(_("Manage users, roles and organisations"), is_platform=True),
    Permission.WORKERS_VIEW: spec(_("See workers"), ("admin", "ops"), is_platform=True),
}
