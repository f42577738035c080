"""Snapshots and backups of machines, when backups are made, and what their storages told last."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel, TimestampedModel
from provisioning.logic.copy_states import (
    BACKUP_OPEN,
    BackupKind,
    BackupMode,
    BackupStatus,
    SnapshotStatus,
    Verification,
)
from provisioning.models.cluster import Cluster
from provisioning.models.deployment import Deployment
from provisioning.models.template import Template


class Snapshot(TenantModel):
    """A state of a machine that is kept with its disks, and ends with them."""

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="snapshots")
    name = models.CharField(max_length=40)
    description = models.CharField(max_length=200, blank=True, default="")
    with_memory = models.BooleanField(default=False)
    status = models.CharField(
        max_length=12, choices=SnapshotStatus, default=SnapshotStatus.CREATING
    )
    failure = models.CharField(max_length=500, blank=True, default="")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    asked_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "deployment", "name"],
                name="snapshot_name_once_while_live",
                condition=~models.Q(status="deleted"),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=SnapshotStatus.values), name="snapshot_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "deployment", "-created_at", "-id"], name="snapshot_newest"
            ),
            models.Index(
                fields=["expires_at"],
                name="snapshot_expiring",
                condition=models.Q(status="ready", expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BackupSchedule(TenantModel):
    """When backups are made, of one machine or of all with a tag, and which of them are kept.

    `cron` is read in `time_zone`; `next_at` is the next moment it is due. `last_note` says what the last
    moment came to.
    """

    name = models.CharField(max_length=63)
    deployment = TenantForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="backup_schedules", null=True
    )
    tag = models.CharField(max_length=40, blank=True, default="")
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64)
    mode = models.CharField(max_length=8, choices=BackupMode, default=BackupMode.SNAPSHOT)
    storage = models.CharField(max_length=60, blank=True, default="")
    keep_last = models.PositiveSmallIntegerField(default=0)
    keep_daily = models.PositiveSmallIntegerField(default=0)
    keep_weekly = models.PositiveSmallIntegerField(default=0)
    keep_monthly = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    next_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    last_note = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = "backup schedule"
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="backupschedule_name_once_per_tenant"
            ),
            models.CheckConstraint(
                condition=models.Q(mode__in=BackupMode.values), name="backupschedule_mode_known"
            ),
            models.CheckConstraint(
                condition=models.Q(deployment__isnull=True) | models.Q(tag=""),
                name="backupschedule_one_target",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="backupschedule_due",
                condition=models.Q(is_active=True),
            ),
            models.Index(fields=["tenant", "deployment"], name="backupschedule_deployment"),
        ]

    def __str__(self) -> str:
        return self.name


class Backup(TenantModel):
    """One archive of a machine, as its storage shows it; it outlives the machine.

    `marker` is the first line of the archive's notes and ties it to this row. `source_marker` and
    `guest_uuid` are those of the machine it was made of. The figures are what a restore needs. It moves with
    its machine to another organisation; its schedule does not, so that is no reference.
    """

    deployment = TenantForeignKey(
        Deployment, on_delete=models.SET_NULL, related_name="backups", null=True
    )
    deployment_name = models.CharField(max_length=63)
    hostname = models.CharField(max_length=253, blank=True, default="")
    schedule_id = models.UUIDField(null=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    storage = models.CharField(max_length=60)
    node = models.CharField(max_length=63)
    vmid = models.PositiveIntegerField()
    volume_id = models.CharField(max_length=255, blank=True, default="")
    marker = models.CharField(max_length=140, unique=True)
    source_marker = models.CharField(max_length=140)
    guest_uuid = models.CharField(max_length=36)
    mode = models.CharField(max_length=8, choices=BackupMode, default=BackupMode.SNAPSHOT)
    kind = models.CharField(max_length=9, choices=BackupKind, default=BackupKind.MANUAL)
    status = models.CharField(max_length=8, choices=BackupStatus, default=BackupStatus.PENDING)
    verification = models.CharField(
        max_length=7, choices=Verification, default=Verification.UNKNOWN
    )
    is_protected = models.BooleanField(default=False)
    notes = models.CharField(max_length=200, blank=True, default="")
    failure = models.CharField(max_length=500, blank=True, default="")
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+")
    cpu_cores = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    disk_gb = models.PositiveIntegerField()
    disk_storage = models.CharField(max_length=60)
    size_bytes = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    absent_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "volume_id"],
                name="backup_once_per_archive",
                condition=~models.Q(volume_id="") & ~models.Q(status="deleted"),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=BackupStatus.values), name="backup_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=BackupKind.values), name="backup_kind_known"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="backup_newest"),
            models.Index(
                fields=["tenant", "deployment", "-created_at", "-id"], name="backup_of_deployment"
            ),
            models.Index(fields=["tenant", "ended_at"], include=["status"], name="backup_ended"),
            models.Index(
                fields=["cluster", "storage", "status"],
                name="backup_on_storage",
                condition=~models.Q(status="deleted"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_name} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        """Whether it is waited for or being made."""
        return self.status in BACKUP_OPEN


class BackupStore(TimestampedModel):
    """What a storage told of the backups on it when it was listed last; `node` is empty for a shared one."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="backup_stores")
    name = models.CharField(max_length=60)
    node = models.CharField(max_length=63, blank=True, default="")
    listed_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    error_since = models.DateTimeField(null=True)
    ours = models.PositiveIntegerField(default=0)
    strangers = models.PositiveIntegerField(default=0)
    used_bytes = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("cluster", "name", "node")
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "name", "node"], name="backupstore_once_per_place"
            )
        ]

    def __str__(self) -> str:
        return self.name
