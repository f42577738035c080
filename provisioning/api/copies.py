"""`/api/deployments/{id}/snapshots` and `/backups`, `/api/backups`, `/api/backup-schedules`."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.kernel.api.views import PortalViewSet
from portal.kernel.errors import Fault, NotFound, Refused
from portal.models import Operation
from portal.selectors.operations import operation_brief
from provisioning.api import copy_shapes as shapes
from provisioning.api.belongings import BehindMachine
from provisioning.api.serializers import EmptySerializer
from provisioning.errors import DeploymentInvalid
from provisioning.models import Backup, BackupSchedule, Snapshot
from provisioning.permissions import Permission
from provisioning.selectors.copies import (
    backup_get,
    backup_home,
    backup_list,
    backups_of,
    schedule_get,
    schedule_list,
    snapshots_of,
)
from provisioning.selectors.deployments import deployment_get
from provisioning.services.copies import backups, restores, schedules, snapshots

_READ = Permission.BACKUPS_VIEW
_WRITE = Permission.BACKUPS_MANAGE


class SnapshotViewSet(BehindMachine):
    """Snapshots of one machine."""

    permissions: ClassVar[dict[str, str]] = {
        "*": _READ,
        "create": _WRITE,
        "destroy": _WRITE,
        "rollback": _WRITE,
    }
    serializer_class = shapes.SnapshotSerializer
    queryset = Snapshot.objects.none()
    filterset_class = shapes.SnapshotFilter
    ordering_fields = ("created_at", "name", "status", "expires_at")
    http_method_names = ["get", "post", "delete", "head", "options"]

    def list(self, request: Request, deployment_id: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        rows = snapshots_of(actor=self.actor, deployment=deployment)
        response: Response = self.page(rows, shapes.SnapshotSerializer)
        return response

    @extend_schema(
        request=shapes.SnapshotCreateSerializer, responses={202: shapes.SnapshotAcceptedSerializer}
    )
    def create(self, request: Request, deployment_id: str) -> Response:
        wanted = self.parsed(shapes.SnapshotCreateSerializer)
        return _snapshot(
            snapshots.snapshot_create(actor=self.actor, deployment_id=deployment_id, **wanted)
        )

    def retrieve(self, request: Request, deployment_id: str, pk: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        rows = snapshots_of(actor=self.actor, deployment=deployment)
        found = next((row for row in rows if str(row.pk) == pk), None)
        if found is None:
            raise NotFound(gettext("There is no such snapshot."))
        return Response(shapes.SnapshotSerializer(found).data)

    @extend_schema(responses={202: shapes.SnapshotAcceptedSerializer})
    def destroy(self, request: Request, deployment_id: str, pk: str) -> Response:
        return _snapshot(snapshots.snapshot_delete(**self._key(deployment_id, pk)))

    @extend_schema(request=EmptySerializer, responses={202: shapes.SnapshotAcceptedSerializer})
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, deployment_id: str, pk: str) -> Response:
        """Go back to it: what was written since is lost."""
        self.parsed(EmptySerializer)
        return _snapshot(snapshots.snapshot_rollback(**self._key(deployment_id, pk)))

    def _key(self, deployment_id: str, pk: str) -> dict[str, Any]:
        return {"actor": self.actor, "deployment_id": deployment_id, "snapshot_id": pk}


class DeploymentBackupViewSet(PortalViewSet):
    """Backups of one machine; one by one they are at `/api/backups`."""

    permissions: ClassVar[dict[str, str]] = {"*": _READ, "create": _WRITE}
    serializer_class = shapes.BackupSerializer
    queryset = Backup.objects.none()
    filterset_class = shapes.BackupFilter
    ordering_fields = ("created_at", "status", "size_bytes")
    http_method_names = ["get", "post", "head", "options"]

    def list(self, request: Request, deployment_id: str) -> Response:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        rows = backups_of(actor=self.actor, deployment=deployment)
        response: Response = self.page(rows, shapes.BackupSerializer)
        return response

    @extend_schema(
        request=shapes.BackupCreateSerializer, responses={202: shapes.BackupAcceptedSerializer}
    )
    def create(self, request: Request, deployment_id: str) -> Response:
        wanted = self.parsed(shapes.BackupCreateSerializer)
        return _backup(
            *backups.backup_create(actor=self.actor, deployment_id=deployment_id, **wanted)
        )


class BackupViewSet(BehindMachine):
    """All backups of the active tenant."""

    permissions: ClassVar[dict[str, str]] = {
        "*": _READ,
        "partial_update": _WRITE,
        "destroy": _WRITE,
        "restore": _WRITE,
    }
    serializer_class = shapes.BackupSerializer
    queryset = Backup.objects.none()
    filterset_class = shapes.BackupFilter
    ordering_fields = ("created_at", "deployment_name", "status", "size_bytes")
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def home(self) -> UUID | str | None:
        return backup_home(self.kwargs["pk"])

    def list(self, request: Request) -> Response:
        response: Response = self.page(backup_list(actor=self.actor), shapes.BackupSerializer)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self._shown(backup_get(actor=self.actor, backup_id=pk)))

    @extend_schema(request=shapes.BackupChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        changes = self.parsed(shapes.BackupChangeSerializer)
        return Response(
            self._shown(backups.backup_change(actor=self.actor, backup_id=pk, **changes))
        )

    @extend_schema(responses={202: shapes.BackupAcceptedSerializer})
    def destroy(self, request: Request, pk: str) -> Response:
        return _backup(*backups.backup_delete(actor=self.actor, backup_id=pk))

    @extend_schema(request=shapes.RestoreSerializer, responses={202: shapes.RestoredSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Over the machine itself, or as a new deployment."""
        wanted = self.parsed(shapes.RestoreSerializer)
        deployment, operation = self._restored(pk, **wanted)
        told = operation_brief(operation)
        shown = shapes.RestoredSerializer(deployment).data
        return Response({**shown, "operation": told}, status=status.HTTP_202_ACCEPTED)

    def _restored(self, pk: str, *, mode: str, **wanted: Any) -> restores.Outcome:
        if mode == "in_place":
            first = bool(wanted.get("is_backed_up_first"))
            return restores.restore_in_place(
                actor=self.actor, backup_id=pk, is_backed_up_first=first
            )
        if not wanted.get("name"):
            message = gettext("A new deployment needs a name.")
            raise DeploymentInvalid(faults=(Fault("name", "required", message),))
        if self.actor.user_id is None:
            raise Refused(gettext("A deployment needs a person as its owner."))
        return restores.restore_as_new(
            actor=self.actor,
            tenant_id=self.tenant_id(),
            owner_id=self.actor.user_id,
            backup_id=pk,
            name=wanted["name"],
            ttl_hours=wanted.get("ttl_hours"),
        )

    def _shown(self, backup: Backup) -> dict[str, Any]:
        return dict(shapes.BackupSerializer(backup).data)


class BackupScheduleViewSet(PortalViewSet):
    """When backups are made."""

    permissions: ClassVar[dict[str, str]] = {
        "*": _READ,
        "create": _WRITE,
        "partial_update": _WRITE,
        "destroy": _WRITE,
    }
    serializer_class = shapes.ScheduleSerializer
    queryset = BackupSchedule.objects.none()
    filterset_class = shapes.ScheduleFilter
    ordering_fields = ("created_at", "name", "next_at")
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def list(self, request: Request) -> Response:
        response: Response = self.page(schedule_list(actor=self.actor), shapes.ScheduleSerializer)
        return response

    @extend_schema(
        request=shapes.ScheduleCreateSerializer, responses={201: shapes.ScheduleSerializer}
    )
    def create(self, request: Request) -> Response:
        wanted = self.parsed(shapes.ScheduleCreateSerializer)
        if self.actor.user_id is None:
            raise Refused(gettext("A schedule needs a person as its owner."))
        made = schedules.schedule_create(
            actor=self.actor, tenant_id=self.tenant_id(), owner_id=self.actor.user_id, **wanted
        )
        return Response(self._shown(made), status=status.HTTP_201_CREATED)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self._shown(schedule_get(actor=self.actor, schedule_id=pk)))

    @extend_schema(request=shapes.ScheduleChangeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        changes = self.parsed(shapes.ScheduleChangeSerializer)
        changed = schedules.schedule_change(actor=self.actor, schedule_id=pk, **changes)
        return Response(self._shown(changed))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        schedules.schedule_delete(actor=self.actor, schedule_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, schedule: BackupSchedule) -> dict[str, Any]:
        return dict(shapes.ScheduleSerializer(schedule).data)


def _snapshot(outcome: tuple[Snapshot, Operation]) -> Response:
    snapshot, operation = outcome
    body = {
        **shapes.SnapshotSerializer(snapshot).data,
        "operation": operation_brief(operation),
    }
    return Response(body, status=status.HTTP_202_ACCEPTED)


def _backup(backup: Backup, operation: Operation | None) -> Response:
    told = operation_brief(operation) if operation is not None else None
    body = {**shapes.BackupSerializer(backup).data, "operation": told}
    return Response(body, status=status.HTTP_202_ACCEPTED)
