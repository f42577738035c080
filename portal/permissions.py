"""What roles may do with the platform's own parts."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.authz import ROLES, PermissionSpec, spec


class Permission(StrEnum):
    """Permissions of the portal app."""

    MEMBERS_VIEW = "members.view"
    MEMBERS_MANAGE = "members.manage"
    OPERATIONS_VIEW = "operations.view"
    OPERATIONS_MANAGE = "operations.manage"
    SETTINGS_MANAGE = "settings.manage"
    STUCK_VIEW = "stuck.view"
    STUCK_MANAGE = "stuck.manage"
    FORCE = "stuck.force"
    TEAMS_VIEW = "teams.view"
    TEAMS_MANAGE = "teams.manage"
    USERS_MANAGE = "users.manage"
    WORKERS_VIEW = "workers.view"
    WORKERS_MANAGE = "workers.manage"


PERMISSIONS: dict[str, PermissionSpec] = {
    Permission.MEMBERS_VIEW: spec(_("See members and roles"), ROLES, is_platform=True),
    Permission.MEMBERS_MANAGE: spec(_("Add and remove members"), ("admin",), is_platform=True),
    Permission.OPERATIONS_VIEW: spec(_("See operations"), ROLES),
    Permission.OPERATIONS_MANAGE: spec(_("Retry and cancel operations"), ("admin", "ops")),
    Permission.SETTINGS_MANAGE: spec(_("Change system settings"), is_platform=True),
    Permission.STUCK_VIEW: spec(_("See stuck work"), ("admin", "ops"), is_platform=True),
    Permission.STUCK_MANAGE: spec(
        _("Retry and roll back stuck work"), ("admin", "ops"), is_platform=True
    ),
    Permission.FORCE: spec(_("End stuck work by force"), is_platform=True),
    Permission.TEAMS_VIEW: spec(_("See teams"), ROLES),
    Permission.TEAMS_MANAGE: spec(_("Make and change teams"), ("admin",)),
    Permission.USERS_MANAGE: spec(_("Manage users, roles and organisations"), is_platform=True),
    Permission.WORKERS_MANAGE: spec(_("Drain workers"), is_platform=True),
    Permission.WORKERS_VIEW: spec(_("See workers"), ("admin", "ops"), is_platform=True),
}
