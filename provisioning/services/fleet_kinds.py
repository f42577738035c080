"""Operation kinds, schedules and subscriptions of applications, planned maintenance and changes of hands."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.kernel import events
from portal.kernel.queue import OperationKind, Schedule, Step, register_operation, register_schedule
from provisioning.events import DeploymentChanged
from provisioning.permissions import Permission
from provisioning.services import (
    deployment_retries,
    finding_retries,
    leftover_secrets,
    retired_disks,
    template_watch,
    transfers,
    watch,
    windows,
)
from provisioning.services.finding_sources import register_finding_source
from provisioning.services.operations import OperationType as Type
from provisioning.services.saga import bootstrap, destroy
from provisioning.services.transfer_notices import transfer_notices_register

_PATIENCE: Final = 12


def fleet_register() -> None:
    """Makes them known to the engine."""
    register_operation(
        OperationKind(
            type=Type.BOOTSTRAP,
            label=_("Install the application"),
            queue="cloudpods",
            steps=(
                Step("prepare", _("Passwords"), bootstrap.prepare),
                Step("install", _("Install"), bootstrap.install),
            ),
            on_failure=bootstrap.bootstrap_failed,
            on_retry=deployment_retries.bootstrap_again,
            cure_permissions=(Permission.VIEW, Permission.MANAGE),
            max_attempts=_PATIENCE,
            retry_permission=Permission.OPERATE,
            is_critical=False,
            is_cancelable=True,
        )
    )
    register_operation(
        OperationKind(
            type=Type.SECRETS_FORGET,
            label=_("Remove passwords of a machine that is gone"),
            queue="cloudpods",
            steps=(Step("forget", _("Remove"), leftover_secrets.secrets_forget),),
            on_retry=deployment_retries.secrets_forget_again,
            max_attempts=_PATIENCE,
            retry_permission=Permission.OPERATE,
            is_critical=False,
        )
    )
    events.subscribe(DeploymentChanged, leftover_secrets.secrets_leave)
    _endings_register()
    _watches_register()
    transfer_notices_register()


def _watches_register() -> None:
    """What looks at the fleet time and again."""
    register_finding_source("templates", template_watch.look)
    register_finding_source("retired_disks", retired_disks.look)
    register_finding_source("watch", watch.look)
    every = settings.PROVISIONING
    register_schedule(
        Schedule(
            "maintenance.windows",
            _("Begin and end planned maintenance"),
            int(every["windows_every_s"]),
            windows.windows_tick,
        )
    )
    register_schedule(
        Schedule(
            "secrets.sweep",
            _("Remove passwords of machines that are gone"),
            int(every["transfers_every_s"]),
            leftover_secrets.secrets_sweep,
        )
    )
    register_schedule(
        Schedule(
            "transfers.expire",
            _("End offers that nobody took"),
            int(every["transfers_every_s"]),
            transfers.transfers_expire,
        )
    )


def _endings_register() -> None:
    """What ends a forgotten machine that is back, and disks of nobody."""
    register_operation(
        OperationKind(
            type=Type.DISKS_FREE,
            label=_("Delete disks of nobody"),
            queue="cloudpods",
            steps=(
                Step("prove", _("Prove that nobody has them"), retired_disks.prove),
                Step("free", _("Delete"), retired_disks.free),
            ),
            on_retry=finding_retries.disks_free_again,
            cure_permissions=(Permission.FINDINGS_VIEW,),
            max_attempts=_PATIENCE,
            retry_permission=Permission.CLUSTERS_MANAGE,
        )
    )
    register_operation(
        OperationKind(
            type=Type.DESTROY_FORGOTTEN,
            label=_("Destroy a forgotten machine"),
            queue="cloudpods",
            steps=(
                Step("halt", _("Stop"), destroy.halt),
                Step("leave", _("Take volumes out"), destroy.leave_disks),
                Step("destroy", _("Destroy"), destroy.destroy),
                Step("end", _("Prove that it is gone"), watch.end),
            ),
            on_retry=finding_retries.destroy_forgotten_again,
            cure_permissions=(Permission.FINDINGS_VIEW,),
            max_attempts=_PATIENCE,
            retry_permission=Permission.CLUSTERS_MANAGE,
        )
    )
