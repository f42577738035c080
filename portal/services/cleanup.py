"""Removes what has expired: ended operations, sessions, token families, idempotency keys, sign-in attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from axes.models import AccessAttempt
from django.db import transaction

from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM, platform_alias
from portal.models import IdempotencyRecord, RefreshToken, WebSession
from portal.services.notifications import notifications_purge
from portal.services.purges import operations_purge, system_events_purge
from portal.services.tallies import queue_minutes_purge

CLEANUP: Final = "portal.cleanup"
CLEANUP_EVERY_S: Final = 3_600
ATTEMPTS_KEPT: Final = timedelta(days=1)
FAMILIES_KEPT: Final = timedelta(days=30)
"""Ended families stay for a while, so that a stolen token that turns up late is still recognised."""


def expired_remove() -> dict[str, int]:
    """Deletes it and answers how much of what; running twice finds nothing the second time."""
    now = clock.now()
    operations, notices = operations_purge(), notifications_purge()
    events = system_events_purge()
    queue_minutes_purge()
    with platform_alias(), transaction.atomic(using=PLATFORM):
        return {
            "operations": operations,
            "notifications": notices,
            "system_events": events,
            "sessions": WebSession.objects.filter(expire_date__lt=now).delete()[0],
            "tokens": RefreshToken.objects.filter(
                family_expires_at__lt=now - FAMILIES_KEPT
            ).delete()[0],
            "keys": IdempotencyRecord.objects.filter(expires_at__lt=now).delete()[0],
            "attempts": AccessAttempt.objects.filter(attempt_time__lt=now - ATTEMPTS_KEPT).delete()[
                0
            ],
        }


def cleanup() -> None:
    """What the schedule runs."""
    expired_remove()
