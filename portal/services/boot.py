"""What must be true before a process may serve."""

from __future__ import annotations

import atexit

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from audit.logic.event_records import SYSTEM
from audit.services.event_writer import events_open
from portal.kernel.tenancy import DEFAULT
from portal.selectors.isolation import own_connection, role_faults
from portal.services.tallies import CLOCK

_log = structlog.get_logger(SYSTEM)


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


def process_begin(service: str) -> None:
    """A web process, worker or scheduler begins: it keeps its events, adds up its figures and says so."""
    events_open(service)
    CLOCK.start()
    atexit.register(_process_end, service)
    _log.info("process.started", version=str(settings.SPECTACULAR_SETTINGS["VERSION"]))


def _process_end(service: str) -> None:
    _log.info("process.stopped", service=service)
    CLOCK.stop()
