"""The operation kinds and sweeps of snapshots and backups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.kernel.queue import (
    Failure,
    OperationKind,
    Schedule,
    Step,
    StepContext,
    register_operation,
    register_schedule,
)
from provisioning.permissions import Permission
from provisioning.services.copies import (
    backup_steps,
    restore_steps,
    retries,
    schedules,
    snapshot_steps,
    snapshots,
    stores,
)
from provisioning.services.operations import OperationType as Type
from provisioning.services.saga import create, repair

_TRIES = 4


def copies_register() -> None:
    """Makes kinds and sweeps known to the engine."""
    for kind in _KINDS:
        register_operation(kind)
    every_s = int(settings.PROVISIONING["copies_every_s"])
    for name, label, sweep in (
        ("snapshots.expire", _("Delete old snapshots"), snapshots.snapshots_sweep),
        ("backups.schedules", _("Begin due backups"), schedules.schedules_sweep),
        ("backups.observe", _("Look at the storages of backups"), stores.stores_schedule),
    ):
        register_schedule(Schedule(name, label, every_s, sweep))


def _kind(
    type_: Type,
    label: str | Promise,
    *steps: Step,
    on_failure: Callable[[StepContext, Failure], None] | None = None,
    **more: Any,
) -> OperationKind:
    rules: dict[str, Any] = {
        "retry_permission": Permission.BACKUPS_MANAGE,
        "cure_permissions": (Permission.VIEW, Permission.OPERATE, Permission.MANAGE),
        "max_attempts": _TRIES,
    } | more
    if on_failure is not None:
        rules["on_failure"] = on_failure
    return OperationKind(type=type_, label=label, queue="backups", steps=steps, **rules)


_KINDS = (
    _kind(
        Type.SNAPSHOT_CREATE,
        _("Take a snapshot"),
        Step("take", _("Take"), snapshot_steps.take),
        on_failure=snapshot_steps.take_failed,
        on_retry=retries.snapshot_take_again,
    ),
    _kind(
        Type.SNAPSHOT_ROLLBACK,
        _("Roll back to a snapshot"),
        Step("rollback", _("Roll back"), snapshot_steps.roll_back),
        Step("configure", _("Configure"), repair.reapply),
        Step("resize", _("Resize disk"), create.grow),
        Step("check", _("Check"), snapshot_steps.rolled_back),
        on_failure=snapshot_steps.roll_back_failed,
        on_retry=retries.snapshot_roll_back_again,
    ),
    _kind(
        Type.SNAPSHOT_DELETE,
        _("Delete a snapshot"),
        Step("delete", _("Delete"), snapshot_steps.delete),
        on_failure=snapshot_steps.delete_failed,
        on_retry=retries.snapshot_delete_again,
    ),
    _kind(
        Type.BACKUP_CREATE,
        _("Back up"),
        Step("save", _("Write the archive"), backup_steps.save),
        Step("check", _("Check"), backup_steps.saved),
        on_failure=backup_steps.save_failed,
        on_retry=retries.backup_again,
        is_cancelable=True,
    ),
    _kind(
        Type.BACKUP_RESTORE,
        _("Restore"),
        Step("restore", _("Write the disks"), restore_steps.restore),
        Step("configure", _("Configure"), restore_steps.configure),
        Step("resize", _("Resize disk"), create.grow),
        Step("start", _("Start"), restore_steps.start),
        Step("ready", _("Ready"), restore_steps.ready),
        on_failure=restore_steps.restore_failed,
        on_retry=retries.restore_again,
    ),
    _kind(
        Type.BACKUP_DELETE,
        _("Delete a backup"),
        Step("delete", _("Delete"), backup_steps.remove),
        on_failure=backup_steps.remove_failed,
        on_retry=retries.backup_delete_again,
    ),
    _kind(
        Type.BACKUP_PRUNE,
        _("Thin out backups"),
        Step("choose", _("Choose"), backup_steps.prune),
        on_retry=retries.prune_again,
        is_critical=False,
    ),
    _kind(
        Type.BACKUP_OBSERVE,
        _("Look at the storages of backups"),
        Step("list", _("List archives"), stores.observe),
        is_critical=False,
        max_attempts=1,
    ),
)
