"""When backups are made: schedules of one machine or of a tag, and the sweep that does what is due."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, NotFound, Refused
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import tenant_scope
from portal.services.settings import setting_get
from provisioning.errors import DeploymentInvalid
from provisioning.logic.copy_states import BACKUP_OPEN, BackupKind, BackupMode
from provisioning.logic.cron import cron_fault, next_moment
from provisioning.logic.requests import tags_fault
from provisioning.models import Backup, BackupSchedule, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.copies import schedule_get, schedule_targets
from provisioning.selectors.deployments import deployment_lock, is_in_hands_of
from provisioning.services.copies.backups import backup_begin
from provisioning.tags import Tag

_KEEP: Final = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly")
_KEEP_MOST: Final = 1000
_FIELDS: Final = ("name", "cron", "time_zone", "mode", "storage", "is_active", *_KEEP)
_SWEEP_MOST: Final = 100


@transaction.atomic
def schedule_create(
    *, actor: Actor, tenant_id: UUID, owner_id: UUID, **values: Any
) -> BackupSchedule:
    """Writes a schedule: for `deployment_id`, or for all machines with `tag`.

    Raises:
        NotFound, Refused, DeploymentInvalid.
    """
    authorize(actor, Permission.BACKUPS_MANAGE)
    schedule = BackupSchedule(tenant_id=tenant_id, owner_id=owner_id)
    schedule.time_zone = default_zone()
    if not any(values.get(name) for name in _KEEP):
        values["keep_last"] = default_count()
    _aim(schedule, actor, values.pop("deployment_id", None), str(values.pop("tag", "") or ""))
    return _saved(schedule, actor, values, is_new=True)


@transaction.atomic
def schedule_change(*, actor: Actor, schedule_id: UUID | str, **changes: Any) -> BackupSchedule:
    """Changes a schedule; what it is for stays. Raises NotFound, Refused, DeploymentInvalid."""
    schedule = _locked(actor, schedule_id)
    return _saved(schedule, actor, changes, is_new=False)


@transaction.atomic
def schedule_delete(*, actor: Actor, schedule_id: UUID | str) -> None:
    """Ends a schedule; its backups stay, and nobody thins them out any more. Raises NotFound, Refused."""
    schedule = _locked(actor, schedule_id)
    trail.record(
        tag=Tag.BACKUP_SCHEDULE_DELETED,
        target=schedule,
        actor=actor,
        before={"name": schedule.name, "cron": schedule.cron},
    )
    schedule.delete()


def default_zone() -> str:
    """The time zone a new schedule is read in."""
    return str(setting_get("platform.timezone") or settings.TIME_ZONE)


def default_count() -> int:
    """How many backups a new schedule keeps where nobody says."""
    return int(setting_get("cloudpods.backup.default_retention_count"))


def schedules_sweep() -> None:
    """Starts the backups that are due. After an outage each schedule runs once, however much it missed."""
    due = BackupSchedule.across_tenants.filter(is_active=True, next_at__lte=clock.now())
    found = due.order_by("next_at").values_list("tenant_id", "pk")[:_SWEEP_MOST]
    for tenant_id, schedule_id in list(found):
        with tenant_scope(tenant_id):
            schedule_run(schedule_id, tenant_id=tenant_id)


@transaction.atomic
def schedule_run(schedule_id: UUID, *, tenant_id: UUID) -> None:
    """Backs up what the schedule is for, and says what it came to; two schedulers do it once."""
    now = clock.now()
    schedule = (
        BackupSchedule.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk=schedule_id, is_active=True, next_at__lte=now)
        .first()
    )
    if schedule is None:
        return
    actor = Actor.system("backup schedule", tenant_id=tenant_id)
    targets = schedule_targets(schedule).select_for_update(of=("self",)).select_related("template")
    running = set(
        Backup.objects.filter(schedule_id=schedule.pk, status__in=BACKUP_OPEN).values_list(
            "deployment_id", flat=True
        )
    )
    asked = skipped = 0
    for deployment in targets.order_by("pk"):
        if deployment.pk in running:
            skipped += 1
            continue
        backup_begin(
            deployment,
            actor=actor,
            kind=BackupKind.SCHEDULED,
            schedule=schedule,
            mode=schedule.mode,
            storage=schedule.storage,
        )
        asked += 1
    schedule.last_at, schedule.next_at = now, _next(schedule, now)
    schedule.last_note = _note(asked, skipped)
    schedule.save(update_fields=["last_at", "next_at", "last_note", "updated_at"])


def _note(asked: int, skipped: int) -> str:
    if skipped:
        return stored_text(
            "%(asked)s begun, %(skipped)s left out: their last backup is still under way",
            asked=asked,
            skipped=skipped,
        )
    if not asked:
        return stored_text("no machine to back up")
    return stored_text("%(asked)s begun", asked=asked)


def _next(schedule: BackupSchedule, now: datetime) -> datetime | None:
    return next_moment(schedule.cron, schedule.time_zone, after=now)


def _aim(
    schedule: BackupSchedule, actor: Actor, deployment_id: UUID | str | None, tag: str
) -> None:
    if bool(deployment_id) == bool(tag):
        message = _("Name either a deployment or a tag.")
        raise DeploymentInvalid(faults=(Fault("deployment_id", "invalid", message),))
    if deployment_id:
        schedule.deployment = deployment_lock(
            actor=actor, deployment_id=deployment_id, permission=Permission.BACKUPS_MANAGE
        )
        return
    authorize(actor, Permission.MANAGE)
    if tags_fault([tag]):
        raise DeploymentInvalid(faults=(Fault("tag", "invalid", _("This is no tag.")),))
    schedule.tag = tag


def _locked(actor: Actor, schedule_id: UUID | str) -> BackupSchedule:
    """The row for an actor who may change it: the machine's owner, for a tag whoever manages all."""
    schedule = schedule_get(actor=actor, schedule_id=schedule_id)
    authorize(actor, Permission.BACKUPS_MANAGE)
    row = BackupSchedule.objects.select_for_update(of=("self",)).filter(pk=schedule.pk).first()
    if row is None:
        raise NotFound(_("There is no such schedule."))
    deployment: Deployment | None = schedule.deployment
    if deployment is None:
        authorize(actor, Permission.MANAGE)
    elif not is_in_hands_of(actor, deployment):
        message = _("This schedule belongs to another person's deployment.")
        raise Refused(message, permission=str(Permission.MANAGE))
    return row


def _saved(
    schedule: BackupSchedule, actor: Actor, values: dict[str, Any], *, is_new: bool
) -> BackupSchedule:
    before = {name: getattr(schedule, name) for name in _FIELDS}
    for name in _FIELDS:
        if name in values:
            setattr(schedule, name, values[name])
    now = clock.now()
    _demand(schedule, now)
    schedule.next_at = _next(schedule, now) if schedule.is_active else None
    try:
        with transaction.atomic():
            schedule.save()
    except IntegrityError as error:
        if "backupschedule_name_once_per_tenant" not in str(error):
            raise
        message = _("Your organisation already has a schedule of this name.")
        raise DeploymentInvalid(faults=(Fault("name", "unique", message),)) from error
    after = {name: getattr(schedule, name) for name in _FIELDS}
    if is_new or after != before:
        trail.record(
            tag=Tag.BACKUP_SCHEDULE_SAVED,
            target=schedule,
            actor=actor,
            before=None if is_new else before,
            after=after,
        )
    return schedule


def _demand(schedule: BackupSchedule, now: datetime) -> None:
    faults: list[Fault | None] = [cron_fault(schedule.cron, schedule.time_zone, now=now)]
    if not schedule.name.strip():
        faults.append(Fault("name", "required", _("A schedule needs a name.")))
    if schedule.mode not in BackupMode.values:
        message = _("mode must be snapshot, suspend or stop.")
        faults.append(Fault("mode", "invalid_choice", message))
    faults += [_keep_fault(name, getattr(schedule, name)) for name in _KEEP]
    if not any(getattr(schedule, name) for name in _KEEP):
        faults.append(Fault("keep_last", "required", _("Say how many backups are to be kept.")))
    found = tuple(fault for fault in faults if fault)
    if found:
        raise DeploymentInvalid(faults=found)


def _keep_fault(name: str, value: int) -> Fault | None:
    if 0 <= value <= _KEEP_MOST:
        return None
    return Fault(name, "invalid", _("A whole number from 0 to %(most)s.") % {"most": _KEEP_MOST})
