"""Why a machine has no console now, and what its closing is called on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from provisioning.states import ConsoleEnd, DeploymentStatus

# Codes of closing a websocket: 4000 and above are an application's own.
CODES: Final[dict[ConsoleEnd, int]] = {
    ConsoleEnd.LEFT: 1000,
    ConsoleEnd.RESTART: 1012,
    ConsoleEnd.GONE: 4001,
    ConsoleEnd.STOPPED: 4002,
    ConsoleEnd.DELETED: 4003,
    ConsoleEnd.EXPIRED: 4004,
    ConsoleEnd.REVOKED: 4005,
    ConsoleEnd.SIGNED_OUT: 4006,
    ConsoleEnd.FOREIGN: 4007,
    ConsoleEnd.IDLE: 4008,
    ConsoleEnd.LONGEST: 4009,
    ConsoleEnd.UNREACHABLE: 4010,
    ConsoleEnd.BROKEN: 4011,
}


def console_end(
    *, status: str, expires_at: datetime, is_held: bool, now: datetime
) -> ConsoleEnd | None:
    """Why a machine's screen may not be looked at now, None when it may."""
    if status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}:
        return ConsoleEnd.DELETED
    if expires_at <= now and not is_held:
        return ConsoleEnd.EXPIRED
    if status not in {
        DeploymentStatus.RUNNING,
        DeploymentStatus.STARTING,
        DeploymentStatus.STOPPING,
    }:
        return ConsoleEnd.STOPPED
    return None


def obstacle_text(end: ConsoleEnd | None) -> str:
    """The same in words for a button that does not work; "" when it does."""
    texts = {
        ConsoleEnd.DELETED: _("It is being deleted."),
        ConsoleEnd.EXPIRED: _("The lease has ended: extend it first."),
        ConsoleEnd.STOPPED: _("It is not running: start it first."),
    }
    return texts[end] if end is not None else ""
