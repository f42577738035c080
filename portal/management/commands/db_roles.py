"""`manage.py db_roles`: the four database roles, from one privileged URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.kernel.database.roles import DATABASE, DatabaseRolesError, database_roles_create


class Command(BaseCommand):
    """Create or repair roles, database and schema, and print the URLs for the environment."""

    help = (
        "Creates uHub's four database roles, none of them a superuser or beyond row-level "
        "security, and the database, and prints the environment that leads to them. The "
        "privileged URL is used here and nowhere else. Safe to run again: passwords are kept "
        "in a private file."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--url",
            default=os.environ.get("DATABASE_ADMIN_URL", ""),
            help="postgresql:// URL of a role that may create roles and databases "
            "(default: DATABASE_ADMIN_URL)",
        )
        parser.add_argument("--database", default=DATABASE, help="name of the database (uhub)")
        parser.add_argument(
            "--passwords",
            type=Path,
            help="file of mode 0600 that keeps the passwords (default: below STATE_DIR)",
        )
        parser.add_argument(
            "--createdb",
            action="store_true",
            help="let the owner create databases, which only test runs need",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it. Raises CommandError when the server can't be reached, is too old, or refuses."""
        if not options["url"]:
            raise CommandError("give --url or set DATABASE_ADMIN_URL")
        default = Path(settings.STATE_DIR) / "secrets" / "database_roles.json"
        try:
            urls = database_roles_create(
                admin_url=options["url"],
                password_file=options["passwords"] or default,
                database=options["database"],
                may_create_databases=options["createdb"],
            )
        except DatabaseRolesError as error:
            raise CommandError(str(error)) from error
        for name, url in urls.items():
            self.stdout.write(f"{name}={url}")
