"""Shapes of snapshots, backups and their schedules."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from rest_framework import serializers

from portal.kernel.api.fields import Choice, Flag, Text, Whole
from provisioning.api.serializers import (
    DeploymentSerializer,
    OperationBriefSerializer,
    PersonSerializer,
)
from provisioning.logic.copy_states import (
    BackupKind,
    BackupMode,
    BackupStatus,
    SnapshotStatus,
    Verification,
)
from provisioning.models import Backup, BackupSchedule, Snapshot

RESTORE_MODES = ("in_place", "new")
_Modes = BackupMode.choices


class SnapshotFilter(filters.FilterSet):
    """Field filters of the list."""

    status = filters.MultipleChoiceFilter(choices=SnapshotStatus.choices)

    class Meta:
        model = Snapshot
        fields: ClassVar[list[str]] = []


class BackupFilter(filters.FilterSet):
    """Field filters of the list."""

    status = filters.MultipleChoiceFilter(choices=BackupStatus.choices)
    kind = filters.MultipleChoiceFilter(choices=BackupKind.choices)
    verification = filters.MultipleChoiceFilter(choices=Verification.choices)
    storage = filters.CharFilter(max_length=60)
    is_protected = filters.BooleanFilter()
    deployment_id = filters.UUIDFilter()
    schedule_id = filters.UUIDFilter()
    search = filters.CharFilter(
        field_name="deployment_name", lookup_expr="icontains", max_length=63
    )

    class Meta:
        model = Backup
        fields: ClassVar[list[str]] = []


class ScheduleFilter(filters.FilterSet):
    """Field filters of the list."""

    is_active = filters.BooleanFilter()
    deployment_id = filters.UUIDFilter()
    tag = filters.CharFilter(max_length=40)

    class Meta:
        model = BackupSchedule
        fields: ClassVar[list[str]] = []


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    """A snapshot; what it takes on the storage is not known."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True)
    status = Choice(choices=SnapshotStatus.choices, read_only=True)
    requester = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Snapshot
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "deployment_id",
            "name",
            "description",
            "with_memory",
            "status",
            "failure",
            "requester",
            "taken_at",
            "expires_at",
            "created_at",
            "updated_at",
        )


class SnapshotAcceptedSerializer(SnapshotSerializer):
    """A snapshot and the work that was started."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(SnapshotSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*SnapshotSerializer.Meta.fields, "operation")


class SnapshotCreateSerializer(serializers.Serializer[Any]):
    """A snapshot to take."""

    name = Text(max_length=40)
    description = Text(max_length=200, required=False, allow_blank=True)
    with_memory = Flag(required=False)


class BackupSerializer(serializers.ModelSerializer[Backup]):
    """A backup, as its storage shows it; `deployment_id` may be of a machine that is gone."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True, allow_null=True)
    schedule_id = serializers.UUIDField(read_only=True, allow_null=True)
    cluster = serializers.CharField(source="cluster.code", read_only=True)
    template = serializers.CharField(source="template.code", read_only=True)
    status = Choice(choices=BackupStatus.choices, read_only=True)
    kind = Choice(choices=BackupKind.choices, read_only=True)
    mode = Choice(choices=_Modes, read_only=True)
    verification = Choice(choices=Verification.choices, read_only=True)
    owner = PersonSerializer(read_only=True)
    requester = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Backup
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "deployment_id",
            "deployment_name",
            "schedule_id",
            "cluster",
            "storage",
            "volume_id",
            "template",
            "cpu_cores",
            "memory_mb",
            "disk_gb",
            "mode",
            "kind",
            "status",
            "verification",
            "is_protected",
            "notes",
            "failure",
            "size_bytes",
            "owner",
            "requester",
            "archived_at",
            "ended_at",
            "seen_at",
            "created_at",
            "updated_at",
        )


class BackupAcceptedSerializer(BackupSerializer):
    """A backup and the work that was started; none where there was nothing to do."""

    operation = OperationBriefSerializer(read_only=True, allow_null=True)

    class Meta(BackupSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*BackupSerializer.Meta.fields, "operation")


class BackupCreateSerializer(serializers.Serializer[Any]):
    """A backup to make."""

    mode = Choice(choices=_Modes, required=False)
    storage = Text(max_length=60, required=False, allow_blank=True)
    notes = Text(max_length=200, required=False, allow_blank=True)
    is_protected = Flag(required=False)


class BackupChangeSerializer(serializers.Serializer[Any]):
    """What can be changed of a backup."""

    is_protected = Flag(required=False)
    notes = Text(max_length=200, required=False, allow_blank=True)


class RestoreSerializer(serializers.Serializer[Any]):
    """Over the machine itself (`in_place`, stopped), or as a `new` deployment with a `name`."""

    mode = Choice(choices=RESTORE_MODES)
    name = Text(max_length=63, required=False)
    ttl_hours = Whole(min_value=1, required=False)
    is_backed_up_first = Flag(required=False)


class RestoredSerializer(DeploymentSerializer):
    """The deployment that is restored, and the work that was started."""

    operation = OperationBriefSerializer(read_only=True)

    class Meta(DeploymentSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*DeploymentSerializer.Meta.fields, "operation")


class ScheduleSerializer(serializers.ModelSerializer[BackupSchedule]):
    """When backups are made, of what, and which are kept."""

    tenant_id = serializers.UUIDField(read_only=True)
    deployment_id = serializers.UUIDField(read_only=True, allow_null=True)
    mode = Choice(choices=_Modes, read_only=True)
    owner = PersonSerializer(read_only=True)

    class Meta:
        model = BackupSchedule
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "tenant_id",
            "name",
            "deployment_id",
            "tag",
            "cron",
            "time_zone",
            "mode",
            "storage",
            "keep_last",
            "keep_daily",
            "keep_weekly",
            "keep_monthly",
            "is_active",
            "next_at",
            "last_at",
            "last_note",
            "owner",
            "created_at",
            "updated_at",
        )
        read_only_fields: ClassVar[tuple[str, ...]] = fields


class ScheduleChangeSerializer(serializers.Serializer[Any]):
    """What can be changed of a schedule."""

    name = Text(max_length=63, required=False)
    cron = Text(max_length=100, required=False)
    time_zone = Text(max_length=64, required=False)
    mode = Choice(choices=_Modes, required=False)
    storage = Text(max_length=60, required=False, allow_blank=True)
    keep_last = Whole(min_value=0, max_value=1000, required=False)
    keep_daily = Whole(min_value=0, max_value=1000, required=False)
    keep_weekly = Whole(min_value=0, max_value=1000, required=False)
    keep_monthly = Whole(min_value=0, max_value=1000, required=False)
    is_active = Flag(required=False)


class ScheduleCreateSerializer(ScheduleChangeSerializer):
    """A new schedule, for one deployment or for all with a tag."""

    name = Text(max_length=63)
    cron = Text(max_length=100)
    deployment_id = serializers.UUIDField(required=False)
    tag = Text(max_length=40, required=False)
