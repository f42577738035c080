"""What must be true before a process may serve."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from portal.kernel.tenancy import DEFAULT
from portal.selectors.isolation import own_connection, role_faults


def runtime_role_assert() -> None:
    """Refuses to start a web process or worker whose database role could see past tenants.

    Raises:
        ImproperlyConfigured: DATABASE_URL names a superuser, a role that bypasses row-level security,
            or the owner of tables; the message says which.
    """
    with own_connection(DEFAULT) as connection:
        faults = role_faults(connection)
    if faults:
        raise ImproperlyConfigured(f"DATABASE_URL must name the runtime role: {'; '.join(faults)}.")
