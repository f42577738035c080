"""What the best-known messages of system events mean, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_WORDS: Final[Mapping[str, str | Promise]] = {
    "audit.refusals_lost": _("Refusals could not be written to the audit"),
    "cluster.back": _("A cluster answers again"),
    "cluster.unreachable": _("A cluster does not answer"),
    "doorbell.broker_away": _("The broker cannot be reached"),
    "live.look_failed": _("Live pages could not look for news"),
    "operation.ending_failed": _("An operation's end could not be carried out"),
    "operation.lease_lost": _("A worker lost an operation to another one"),
    "operation.step_crashed": _("A step failed in a way nobody foresaw"),
    "operation.type_unknown": _("A worker does not know an operation's type"),
    "operation.worker_lost": _("A worker was lost while it worked"),
    "process.started": _("Process started"),
    "process.stopped": _("Process stopped"),
    "schedule.failed": _("Periodic work failed"),
    "setting.changed": _("A setting was changed"),
    "system_events.dropped": _("More events than could be kept"),
    "worker.draining": _("A worker drains"),
    "worker.interrupted": _("A worker was interrupted"),
    "worker.offline": _("A worker went offline"),
    "worker.online": _("A worker came online"),
    "worker.silent": _("A worker has fallen silent"),
}


def event_words(message: str) -> str:
    """The message in words; what has none stays itself."""
    return str(_WORDS.get(message, message))
