"""Removes what has expired."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.services.cleanup import expired_remove


class Command(BaseCommand):
    """`manage.py cleanup`: safe to run at any time and as often as one likes."""

    help = (
        "Removes operations that ended before the retention, expired sessions and idempotency keys, token families that ended a month ago "
        "and old sign-in attempts."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        removed = expired_remove()
        self.stdout.write(
            ", ".join(f"{count} {what}" for what, count in removed.items()) + " removed."
        )
