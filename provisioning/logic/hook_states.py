"""What hooks and webhooks wait for, where their runs and deliveries stand, and how that looks."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.kernel.ui import StatusStyle, Tone


class HookEvent(models.TextChoices):
    """The moments of a machine's life at which a hook runs."""

    PRE_CREATE = "pod.pre_create", _("Before a deployment is made")
    POST_CREATE = "pod.post_create", _("When a deployment is ready")
    PRE_DESTROY = "pod.pre_destroy", _("Before a deployment is removed")
    POST_DESTROY = "pod.post_destroy", _("When a deployment is gone")
    POST_BACKUP = "pod.post_backup", _("When a backup is done")


BLOCKING_EVENTS: Final = frozenset({HookEvent.PRE_CREATE, HookEvent.PRE_DESTROY})


class HookType(models.TextChoices):
    """What a hook is."""

    HTTP = "http", _("Web address")
    SCRIPT = "script", _("Script")


class OnFailure(models.TextChoices):
    """What follows when a blocking hook fails."""

    OPEN = "open", _("Go on")
    CLOSED = "closed", _("Stop")


class RunStatus(models.TextChoices):
    """Where a run of a hook stands; `unknown` began and nobody knows how it ended."""

    PENDING = "pending", _("Waiting")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("End unknown")
    SKIPPED = "skipped", _("Skipped")


_R = RunStatus
RUN_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _R.PENDING: frozenset({_R.RUNNING, _R.FAILED, _R.SKIPPED}),
    _R.RUNNING: frozenset({_R.PENDING, _R.SUCCEEDED, _R.FAILED, _R.UNKNOWN, _R.SKIPPED}),
    _R.FAILED: frozenset({_R.SKIPPED}),
    _R.UNKNOWN: frozenset({_R.SKIPPED}),
    _R.SUCCEEDED: frozenset(),
    _R.SKIPPED: frozenset(),
}
RUN_OPEN: Final = frozenset({_R.PENDING, _R.RUNNING})
RUN_STYLES: Final[dict[str, StatusStyle]] = {
    _R.PENDING: StatusStyle(_R.PENDING.label, "hourglass", Tone.IDLE),
    _R.RUNNING: StatusStyle(_R.RUNNING.label, "loader-circle", Tone.INFO, is_spinning=True),
    _R.SUCCEEDED: StatusStyle(_R.SUCCEEDED.label, "circle-check", Tone.OK),
    _R.FAILED: StatusStyle(_R.FAILED.label, "octagon-x", Tone.DANGER),
    _R.UNKNOWN: StatusStyle(_R.UNKNOWN.label, "circle-question-mark", Tone.WARN),
    _R.SKIPPED: StatusStyle(_R.SKIPPED.label, "ban", Tone.IDLE),
}


class WebhookState(models.TextChoices):
    """Whether messages are sent; a paused webhook still collects them."""

    ACTIVE = "active", pgettext_lazy("webhook", "Active")
    PAUSED = "paused", pgettext_lazy("webhook", "Paused")


WEBHOOK_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    WebhookState.ACTIVE: frozenset({WebhookState.PAUSED}),
    WebhookState.PAUSED: frozenset({WebhookState.ACTIVE}),
}
WEBHOOK_STYLES: Final[dict[str, StatusStyle]] = {
    WebhookState.ACTIVE: StatusStyle(WebhookState.ACTIVE.label, "circle-check", Tone.OK),
    WebhookState.PAUSED: StatusStyle(WebhookState.PAUSED.label, "circle-pause", Tone.WARN),
}


class DeliveryStatus(models.TextChoices):
    """Where a message stands: on its way, taken, given up, or no longer wanted."""

    PENDING = "pending", _("On its way")
    DELIVERED = "delivered", _("Delivered")
    DEAD = "dead", _("Given up")
    CANCELED = "canceled", _("Canceled")


_D = DeliveryStatus
DELIVERY_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    _D.PENDING: frozenset({_D.DELIVERED, _D.DEAD, _D.CANCELED}),
    _D.DELIVERED: frozenset(),
    _D.DEAD: frozenset({_D.CANCELED}),
    _D.CANCELED: frozenset(),
}
DELIVERY_STYLES: Final[dict[str, StatusStyle]] = {
    _D.PENDING: StatusStyle(_D.PENDING.label, "hourglass", Tone.INFO),
    _D.DELIVERED: StatusStyle(_D.DELIVERED.label, "circle-check", Tone.OK),
    _D.DEAD: StatusStyle(_D.DEAD.label, "octagon-x", Tone.DANGER),
    _D.CANCELED: StatusStyle(_D.CANCELED.label, "ban", Tone.IDLE),
}
