"""Snapshots and backups: the tab of a machine, the page of all backups and schedules, one backup, actions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel import live, ui
from portal.kernel.authz import Actor
from portal.kernel.commands import (
    Asking,
    Row,
    SearchProvider,
    Words,
    register_command,
    register_search,
)
from portal.kernel.dates import date_and_time
from portal.kernel.errors import NotFound
from portal.kernel.narrowing import Narrowing
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.ui import TargetLink
from portal.kernel.web.table_views import TableView
from portal.kernel.web.tables import register_table
from portal.kernel.web.views import ActionView, PortalView
from portal.selectors.operations import operations_about
from portal.states import OPEN_STATUSES
from portal.web.operations import operation_cards
from provisioning.logic.copy_states import SNAPSHOT_BUSY
from provisioning.models import Backup, BackupSchedule, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.copies import (
    backup_get,
    backup_list,
    backup_stores,
    backup_sums,
    backups_of,
    backups_of_a_day,
    is_backup_in_hands_of,
    schedule_list,
    schedules_for,
    snapshots_of,
)
from provisioning.selectors.deployments import deployment_list, is_in_hands_of
from provisioning.services.copies import backups, restores, schedules, snapshots
from provisioning.states import DeploymentStatus
from provisioning.web.backup_forms import (
    BackupForm,
    RestoreNewForm,
    RestoreOverForm,
    ScheduleForm,
    SnapshotForm,
)
from provisioning.web.backup_table import BACKUPS, size_text
from provisioning.web.copy_commands import COPY_COMMANDS, copy_obstacle
from provisioning.web.forms import values_of
from provisioning.web.search import keys
from provisioning.web.timelines import history

_SHOWN = 25
_MACHINES_OFFERED = 200
_QUEUE = "backups"
_SEARCHED = Narrowing(("deployment_name", "notes"))


def copies_tab(actor: Actor, deployment: Deployment) -> dict[str, Any]:
    """Values of `provisioning/deployment/_tab_copies.html` and of its dialogs."""
    is_gone = deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}
    may = actor.may(Permission.BACKUPS_MANAGE) and is_in_hands_of(actor, deployment)
    running = operations_about(actor=actor, target_id=deployment.pk).filter(
        queue=_QUEUE, status__in=OPEN_STATUSES
    )
    rows = list(backups_of(actor=actor, deployment=deployment)[: _SHOWN + 1])
    return {
        "snapshots": list(snapshots_of(actor=actor, deployment=deployment)),
        "busy_snapshots": SNAPSHOT_BUSY,
        "backups": [{"row": row, "size": size_text(row)} for row in rows[:_SHOWN]],
        "has_more_backups": len(rows) > _SHOWN,
        "schedules": [] if is_gone else schedules_for(actor=actor, deployment=deployment),
        "operations": operation_cards(running[:4]),
        "may_copy": may and not is_gone,
        "copy_obstacle": copy_obstacle(deployment),
        "snapshot_form": SnapshotForm(auto_id="snapshot_%s"),
        "backup_form": BackupForm(auto_id="backup_%s"),
    }


class BackupList(TableView):
    """`/backups`."""

    permission = Permission.BACKUPS_VIEW
    table = BACKUPS
    template_name = "provisioning/backup/list.html"
    empty_name = "provisioning/backup/_empty.html"
    live_topics = "deployment"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Backup]:
        rows = backup_list(actor=self.actor)
        if text := wanted.get("search"):
            rows = rows.filter(Q(deployment_name__icontains=text) | Q(notes__icontains=text))
        for name in ("status", "kind"):
            if wanted.get(name):
                rows = rows.filter(**{name: wanted[name]})
        return rows

    def values(self) -> dict[str, Any]:
        sees_stores = self.actor.may(Permission.INFRASTRUCTURE_VIEW)
        may = self.actor.may(Permission.BACKUPS_MANAGE)
        return {
            "sums": backup_sums(actor=self.actor),
            "day": backups_of_a_day(),
            "schedules": [self._schedule(row) for row in schedule_list(actor=self.actor)],
            "stores": backup_stores() if sees_stores else [],
            "may_schedule": may,
            "schedule_form": self._form() if may else None,
        }

    def _schedule(self, row: BackupSchedule) -> dict[str, Any]:
        may = self.actor.may(Permission.BACKUPS_MANAGE)
        if row.deployment is None:
            may = may and self.actor.may(Permission.MANAGE)
        else:
            may = may and is_in_hands_of(self.actor, row.deployment)
        return {"row": row, "keeps": _keeps(row), "may_change": may}

    def _form(self) -> ScheduleForm:
        return _schedule_form(self.actor, None)


class BackupDetail(PortalView):
    """`/backups/{id}`."""

    permission = Permission.BACKUPS_VIEW
    template_name = "provisioning/backup/detail.html"

    def get(self, request: HttpRequest, backup_id: str) -> HttpResponse:
        backup = backup_get(actor=self.actor, backup_id=backup_id)
        deployment = backup.deployment
        is_there = deployment is not None and deployment.status != DeploymentStatus.DELETED
        may = self.actor.may(Permission.BACKUPS_MANAGE)
        values = {
            "backup": backup,
            "size": size_text(backup),
            "is_there": is_there,
            "may_manage": may and is_backup_in_hands_of(self.actor, backup),
            "may_create": self.actor.may(Permission.CREATE),
            "obstacle": _over_obstacle(backup) if is_there else "",
            "over_form": RestoreOverForm(auto_id="over_%s"),
            "new_form": RestoreNewForm(
                auto_id="new_%s", initial={"name": f"{backup.deployment_name}-restored"[:63]}
            ),
            "history": history(backup.pk),
        }
        return self.page(values)


def _over_obstacle(backup: Backup) -> str:
    """Why the machine cannot be written over at this moment."""
    deployment = backup.deployment
    assert deployment is not None
    if deployment.guest_uuid != backup.guest_uuid:
        return _("The backup is of another machine.")
    if deployment.hold:
        return _("The deployment is on hold.")
    is_failed = deployment.status == DeploymentStatus.ERROR and deployment.ready_at is not None
    if deployment.status != DeploymentStatus.STOPPED and not is_failed:
        return _("Stop the deployment first.")
    return ""


class CopyAsk(ActionView):
    """`/deployments/{id}/copies/{kind}`: a snapshot or a backup to make."""

    permission = Permission.BACKUPS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return tab_address(kwargs["deployment_id"])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {"actor": self.actor, "deployment_id": kwargs["deployment_id"]}
        match kwargs["kind"]:
            case "snapshot":
                snapshots.snapshot_create(**key, **values_of(SnapshotForm(request.POST)))
                return _("The snapshot is being taken.")
            case "backup":
                backups.backup_create(**key, **values_of(BackupForm(request.POST)))
                return _("The backup is being made.")
            case _:
                raise NotFound


class SnapshotAction(ActionView):
    """`/deployments/{id}/snapshots/{snapshot}/{action}`."""

    permission = Permission.BACKUPS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return tab_address(kwargs["deployment_id"])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {name: kwargs[name] for name in ("deployment_id", "snapshot_id")}
        match kwargs["action"]:
            case "rollback":
                snapshots.snapshot_rollback(actor=self.actor, **key)
                return _("The machine goes back to its snapshot.")
            case "delete":
                snapshots.snapshot_delete(actor=self.actor, **key)
                return _("The snapshot is being deleted.")
            case _:
                raise NotFound


class BackupAction(ActionView):
    """`/backups/{id}/{action}`."""

    permission = Permission.BACKUPS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return str(kwargs.get("to") or reverse("provisioning:backup_list"))

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {"actor": self.actor, "backup_id": kwargs["backup_id"]}
        match kwargs["action"]:
            case "protect" | "unprotect":
                is_protected = kwargs["action"] == "protect"
                backups.backup_change(**key, is_protected=is_protected)
                if is_protected:
                    return _("It is protected from every deletion.")
                return _("It is no longer protected.")
            case "delete":
                backups.backup_delete(**key)
                return _("The backup is being deleted.")
            case "restore-over":
                wanted = values_of(RestoreOverForm(request.POST))
                restores.restore_in_place(**key, **wanted)
                return _("The machine is being restored; it stays stopped.")
            case "restore-new":
                return self._anew(request, key)
            case _:
                raise NotFound

    def _anew(self, request: HttpRequest, key: dict[str, Any]) -> str:
        tenant_id, owner_id = current_tenant_id(), self.actor.user_id
        if tenant_id is None or owner_id is None:
            raise NotFound
        wanted = values_of(RestoreNewForm(request.POST))
        deployment, _operation = restores.restore_as_new(
            **key, tenant_id=tenant_id, owner_id=owner_id, **wanted
        )
        return _("%(name)s is being made from the backup.") % {"name": deployment.name}


class ScheduleAdd(ActionView):
    """`/backups/schedules`."""

    permission = Permission.BACKUPS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:backup_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        tenant_id, owner_id = current_tenant_id(), self.actor.user_id
        if tenant_id is None or owner_id is None:
            raise NotFound
        wanted = values_of(_schedule_form(self.actor, request))
        values = {name: value for name, value in wanted.items() if value not in (None, "")}
        schedules.schedule_create(
            actor=self.actor, tenant_id=tenant_id, owner_id=owner_id, **values
        )
        return _("The schedule is set.")


class ScheduleAction(ActionView):
    """`/backups/schedules/{id}/{action}`."""

    permission = Permission.BACKUPS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:backup_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {"actor": self.actor, "schedule_id": kwargs["schedule_id"]}
        match kwargs["action"]:
            case "pause" | "resume":
                is_active = kwargs["action"] == "resume"
                schedules.schedule_change(**key, is_active=is_active)
                return _("It runs again.") if is_active else _("It is paused.")
            case "delete":
                schedules.schedule_delete(**key)
                return _("The schedule is deleted; its backups stay.")
            case _:
                raise NotFound


def _schedule_form(actor: Actor, request: HttpRequest | None) -> ScheduleForm:
    mine = list(deployment_list(actor=actor)[:_MACHINES_OFFERED])
    machines = [(str(one.pk), one.name) for one in mine if is_in_hands_of(actor, one)]
    if request is not None:
        return ScheduleForm(request.POST, machines=machines)
    return ScheduleForm(
        auto_id="schedule_%s",
        machines=machines,
        initial={"time_zone": schedules.default_zone(), "keep_last": schedules.default_count()},
    )


def _keeps(row: BackupSchedule) -> str:
    parts = (
        (row.keep_last, _("the last %(count)s")),
        (row.keep_daily, _("%(count)s days")),
        (row.keep_weekly, _("%(count)s weeks")),
        (row.keep_monthly, _("%(count)s months")),
    )
    return ", ".join(text % {"count": count} for count, text in parts if count)


def tab_address(deployment_id: UUID | str) -> str:
    """The machine's tab of copies."""
    return reverse("provisioning:deployment_detail", args=[deployment_id]) + "?tab=copies"


def backups_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Backups by their machine and notes."""
    return [_row(one) for one in _SEARCHED(backup_list(actor=asking.actor), words, limit)]


def backups_get(asking: Asking, ids: Collection[str]) -> list[Row]:
    """Backups by id."""
    return [_row(one) for one in backup_list(actor=asking.actor).filter(pk__in=keys(ids))]


def _row(one: Backup) -> Row:
    made = date_and_time(one.archived_at or one.created_at)
    return Row(
        title=f"{one.deployment_name} · {made}",
        url=reverse("provisioning:backup_detail", args=[one.pk]),
        sub=" · ".join(part for part in (one.notes, one.storage, size_text(one)) if part),
        icon="archive",
        id=str(one.pk),
        keywords=(one.deployment_name,),
        status=("backup", one.status),
    )


PROVIDER = SearchProvider(
    kind="backup",
    label=gettext_lazy("Backups"),
    icon="archive",
    permission=Permission.BACKUPS_VIEW,
    find=backups_find,
    get=backups_get,
    place="/backups/",
    target_type="backup",
    order=36,
)


def backup_links(ids: Collection[UUID]) -> Mapping[UUID, TargetLink]:
    """Backups by the machine they are of, for the pages of operations."""
    rows = Backup.objects.filter(pk__in=ids).values_list("pk", "deployment_name")
    return {
        pk: TargetLink(name, reverse("provisioning:backup_detail", args=[pk])) for pk, name in rows
    }


def backups_register() -> None:
    """Makes backups known to lists, pages of operations, live pages and the search."""
    register_table(BACKUPS)
    ui.register_target("backup", backup_links)
    live.register_topic(live.Topic("backup", Permission.BACKUPS_VIEW, backup_links))
    register_search(PROVIDER)
    register_command(*COPY_COMMANDS)
