"""The operation kinds and the periodic work of hooks and webhooks."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.kernel.queue import (
    OperationKind,
    Schedule,
    Step,
    register_operation,
    register_schedule,
)
from provisioning.permissions import Permission
from provisioning.services.hook_retries import deliver_again, hook_again
from provisioning.services.hook_runs import HOOK_EXECUTE, hook_execute, hook_failed, runs_register
from provisioning.services.webhook_delivery import webhook_deliver
from provisioning.services.webhook_outbox import WEBHOOK_DELIVER, outbox_register
from provisioning.services.webhook_pauses import pauses_register
from provisioning.services.webhook_sweeps import hooks_purge, webhooks_sweep

_KINDS = (
    OperationKind(
        type=WEBHOOK_DELIVER,
        label=_("Send messages"),
        queue="webhooks",
        steps=(Step("send", _("Send messages"), webhook_deliver),),
        is_critical=False,
        retry_permission=Permission.WEBHOOKS_MANAGE,
        on_retry=deliver_again,
    ),
    OperationKind(
        type=HOOK_EXECUTE,
        label=_("Run a hook"),
        queue="webhooks",
        steps=(Step("run", _("Run a hook"), hook_execute),),
        max_attempts=3,
        backoff_base_s=2.0,
        is_critical=False,
        retry_permission=Permission.HOOKS_MANAGE,
        on_failure=hook_failed,
        on_retry=hook_again,
    ),
)


def _schedules() -> tuple[Schedule, ...]:
    intervals = settings.PROVISIONING
    return (
        Schedule(
            "webhooks.sweep",
            _("Send what was left, give up what waited too long"),
            int(intervals["webhooks_every_s"]),
            webhooks_sweep,
        ),
        Schedule(
            "hooks.purge",
            _("Forget old messages and runs of hooks"),
            int(intervals["hooks_purge_every_s"]),
            hooks_purge,
        ),
    )


def hooks_register() -> None:
    """Makes kinds and schedules known, and subscribes to what hooks and webhooks wait for."""
    for kind in _KINDS:
        register_operation(kind)
    for schedule in _schedules():
        register_schedule(schedule)
    outbox_register()
    runs_register()
    pauses_register()
