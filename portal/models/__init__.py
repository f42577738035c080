"""Tables of the platform: accounts, settings, the engine's ledger."""

from __future__ import annotations

from portal.models.idempotency import IdempotencyRecord
from portal.models.live_event import LiveEvent
from portal.models.membership import Membership
from portal.models.notification import NoticeChoice, Notification
from portal.models.operation import Operation, OperationAttempt
from portal.models.refresh_token import RefreshToken
from portal.models.role import Role
from portal.models.saved_filter import SavedFilter
from portal.models.schedule import Schedule, ScheduleFire
from portal.models.setting import Setting, SettingsVersion
from portal.models.tally import QueueMinute, Tally
from portal.models.team import Team, TeamMember
from portal.models.user import Language, Theme, User
from portal.models.web_session import WebSession
from portal.models.worker import Worker

__all__ = [
    "IdempotencyRecord",
    "Language",
    "LiveEvent",
    "Membership",
    "NoticeChoice",
    "Notification",
    "Operation",
    "OperationAttempt",
    "QueueMinute",
    "RefreshToken",
    "Role",
    "SavedFilter",
    "Schedule",
    "ScheduleFire",
    "Setting",
    "SettingsVersion",
    "Tally",
    "Team",
    "TeamMember",
    "Theme",
    "User",
    "WebSession",
    "Worker",
]
