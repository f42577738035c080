"""Prepares a new installation: roles, settings, the first administrator and the first organisation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.services.bootstrap import ADMIN_USERNAME, platform_bootstrap


class Command(BaseCommand):
    """`manage.py bootstrap`: idempotent, run it at every start."""

    help = (
        "Makes missing roles and settings, and on an empty installation the first administrator "
        f"({ADMIN_USERNAME}, who must choose a new password at the first sign-in) and organisation. "
        "UHUB_ADMIN_PASSWORD or UHUB_ADMIN_PASSWORD_FILE replaces the default first password."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        report = platform_bootstrap(password=settings.FIRST_ADMIN_PASSWORD)
        self.stdout.write(
            f"Roles made or extended: {report.roles}; settings made: {report.settings}."
        )
        if report.admin:
            self.stdout.write(
                f"First administrator: {report.admin.username}. The first sign-in asks for a new password."
            )
        else:
            self.stdout.write("An administrator exists already.")
