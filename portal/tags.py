"""What the platform writes to the audit."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.audit_tags import Category, TagSpec


class Tag(StrEnum):
    """Audit tags."""

    SIGNED_IN = "session.opened"
    SIGNED_OUT = "session.closed"
    SESSION_REVOKED = "session.revoked"
    SIGN_IN_FAILED = "session.failed"
    SIGN_IN_THROTTLED = "session.throttled"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - a tag, no secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - a tag, no secret
    TOKEN_REUSED = "token.reused"  # noqa: S105 - a tag, no secret
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - a tag, no secret
    PROFILE_CHANGED = "profile.changed"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    ROLE_CREATED = "role.created"
    ROLE_CHANGED = "role.changed"
    ROLE_DELETED = "role.deleted"
    MEMBERSHIP_SET = "membership.set"
    MEMBERSHIP_REMOVED = "membership.removed"
    TEAM_CREATED = "team.created"
    TEAM_CHANGED = "team.changed"
    TEAM_DELETED = "team.deleted"
    TEAM_MEMBER_ADDED = "team.member_added"
    TEAM_MEMBER_REMOVED = "team.member_removed"
    SETTING_CHANGED = "setting.changed"
    ADMIN_VIEWED = "admin.viewed"
    OPERATION_DEAD = "operation.dead"
    OPERATION_RETRIED = "operation.retried"
    OPERATION_CANCELED = "operation.canceled"
    WORKER_DRAINED = "worker.drained"
    WORKER_RESUMED = "worker.resumed"
    STUCK_RETRIED = "stuck.retried"
    STUCK_ROLLED_BACK = "stuck.rolled_back"
    STUCK_FORCED = "stuck.forced"
    STUCK_DISMISSED = "stuck.dismissed"
    NOTICES_CHOSEN = "notification.chosen"
    FILTER_SAVED = "saved_filter.created"
    FILTER_CHANGED = "saved_filter.changed"
    FILTER_DELETED = "saved_filter.deleted"


TAGS: dict[str, TagSpec] = {
    Tag.SIGNED_IN: TagSpec(Category.SECURITY, _("Signed in")),
    Tag.SIGNED_OUT: TagSpec(Category.SECURITY, _("Signed out")),
    Tag.SESSION_REVOKED: TagSpec(Category.SECURITY, _("Session ended")),
    Tag.SIGN_IN_FAILED: TagSpec(Category.SECURITY, _("Sign-in failed")),
    Tag.SIGN_IN_THROTTLED: TagSpec(Category.SECURITY, _("Sign-in throttled")),
    Tag.TOKEN_ISSUED: TagSpec(Category.SECURITY, _("API token issued")),
    Tag.TOKEN_REVOKED: TagSpec(Category.SECURITY, _("API token revoked")),
    Tag.TOKEN_REUSED: TagSpec(Category.SECURITY, _("Used refresh token presented again")),
    Tag.PASSWORD_CHANGED: TagSpec(Category.SECURITY, _("Password changed")),
    Tag.PROFILE_CHANGED: TagSpec(Category.SECURITY, _("Profile changed")),
    Tag.USER_CREATED: TagSpec(Category.SECURITY, _("User created")),
    Tag.USER_CHANGED: TagSpec(Category.SECURITY, _("User changed")),
    Tag.ROLE_CREATED: TagSpec(Category.SECURITY, _("Role created")),
    Tag.ROLE_CHANGED: TagSpec(Category.SECURITY, _("Role changed")),
    Tag.ROLE_DELETED: TagSpec(Category.SECURITY, _("Role deleted")),
    Tag.MEMBERSHIP_SET: TagSpec(Category.SECURITY, _("Membership given")),
    Tag.MEMBERSHIP_REMOVED: TagSpec(Category.SECURITY, _("Membership taken")),
    Tag.TEAM_CREATED: TagSpec(Category.SECURITY, _("Team created")),
    Tag.TEAM_CHANGED: TagSpec(Category.SECURITY, _("Team changed")),
    Tag.TEAM_DELETED: TagSpec(Category.SECURITY, _("Team deleted")),
    Tag.TEAM_MEMBER_ADDED: TagSpec(Category.SECURITY, _("Team member added")),
    Tag.TEAM_MEMBER_REMOVED: TagSpec(Category.SECURITY, _("Team member removed")),
    Tag.SETTING_CHANGED: TagSpec(Category.SETTINGS, _("Setting changed")),
    Tag.ADMIN_VIEWED: TagSpec(Category.SECURITY, _("Administration page opened")),
    Tag.OPERATION_DEAD: TagSpec(Category.LIFECYCLE, _("Operation given up")),
    Tag.OPERATION_RETRIED: TagSpec(Category.LIFECYCLE, _("Operation retried")),
    Tag.OPERATION_CANCELED: TagSpec(Category.LIFECYCLE, _("Operation canceled")),
    Tag.WORKER_DRAINED: TagSpec(Category.LIFECYCLE, _("Worker asked to drain")),
    Tag.WORKER_RESUMED: TagSpec(Category.LIFECYCLE, _("Worker taken back into work")),
    Tag.STUCK_RETRIED: TagSpec(Category.LIFECYCLE, _("Stuck work tried again")),
    Tag.STUCK_ROLLED_BACK: TagSpec(Category.LIFECYCLE, _("Stuck work rolled back")),
    Tag.STUCK_FORCED: TagSpec(Category.LIFECYCLE, _("Stuck work ended by force")),
    Tag.STUCK_DISMISSED: TagSpec(Category.LIFECYCLE, _("Stuck work left as it is")),
    Tag.NOTICES_CHOSEN: TagSpec(Category.SECURITY, _("Notifications chosen")),
    Tag.FILTER_SAVED: TagSpec(Category.SETTINGS, _("Filter saved")),
    Tag.FILTER_CHANGED: TagSpec(Category.SETTINGS, _("Saved filter changed")),
    Tag.FILTER_DELETED: TagSpec(Category.SETTINGS, _("Saved filter deleted")),
}
