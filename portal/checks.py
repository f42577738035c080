"""System checks: isolation in the catalog (`check --database default`), the first password (`--deploy`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's word
from django.db import DatabaseError

from portal.kernel.tenancy import DEFAULT
from portal.models import User
from portal.selectors.isolation import catalog_faults, own_connection, role_faults
from portal.services.bootstrap import ADMIN_USERNAME, DEFAULT_PASSWORD


@register(Tags.database)
def check_isolation(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 - Django passes it by name
    databases: Sequence[str] | None,
    **_: Any,
) -> list[CheckMessage]:
    """Policies, references and the runtime role are as `portal.kernel.rls` says."""
    if DEFAULT not in (databases or ()):
        return []
    with own_connection(DEFAULT) as connection:
        faults = [*role_faults(connection), *catalog_faults(connection)]
    return [Error(fault, id="portal.E001") for fault in faults]


@register(Tags.security, deploy=True)
def check_first_password(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 - Django passes it by name
    **_: Any,
) -> list[CheckMessage]:
    """The password everybody can read in the manual must not open anything."""
    try:
        admin = User.objects.filter(username=ADMIN_USERNAME, is_active=True).first()
    except DatabaseError:
        return []
    if admin is None or not admin.check_password(DEFAULT_PASSWORD):
        return []
    hint = "Sign in once and choose a new password, or set UHUB_ADMIN_PASSWORD before bootstrap."
    return [Warning(f"{ADMIN_USERNAME} still has the default password.", hint, id="portal.W001")]
