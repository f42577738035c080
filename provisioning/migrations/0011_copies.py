from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import PlatformTable, TenantReference, TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0010_fleet"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Backup",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("deployment_name", models.CharField(max_length=63)),
                ("hostname", models.CharField(blank=True, default="", max_length=253)),
                ("schedule_id", models.UUIDField(null=True)),
                ("storage", models.CharField(max_length=60)),
                ("node", models.CharField(max_length=63)),
                ("vmid", models.PositiveIntegerField()),
                ("volume_id", models.CharField(blank=True, default="", max_length=255)),
                ("marker", models.CharField(max_length=140, unique=True)),
                ("source_marker", models.CharField(max_length=140)),
                ("guest_uuid", models.CharField(max_length=36)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("snapshot", "While it runs"),
                            ("suspend", "Paused for a moment"),
                            ("stop", "Stopped meanwhile"),
                        ],
                        default="snapshot",
                        max_length=8,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("manual", "By hand"),
                            ("scheduled", "Scheduled"),
                            ("final", "Before the deletion"),
                        ],
                        default="manual",
                        max_length=9,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting"),
                            ("running", "Running"),
                            ("complete", "Complete"),
                            ("failed", "Failed"),
                            ("deleting", "Being deleted"),
                            ("deleted", "Deleted"),
                            ("missing", "Missing"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                (
                    "verification",
                    models.CharField(
                        choices=[
                            ("unknown", "Not checked"),
                            ("ok", "Checked"),
                            ("failed", "Not readable"),
                        ],
                        default="unknown",
                        max_length=7,
                    ),
                ),
                ("is_protected", models.BooleanField(default=False)),
                ("notes", models.CharField(blank=True, default="", max_length=200)),
                ("failure", models.CharField(blank=True, default="", max_length=500)),
                ("cpu_cores", models.PositiveIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("disk_gb", models.PositiveIntegerField()),
                ("disk_storage", models.CharField(max_length=60)),
                ("size_bytes", models.BigIntegerField(null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("archived_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("absent_since", models.DateTimeField(null=True)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="provisioning.cluster",
                    ),
                ),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="backups",
                        to="provisioning.deployment",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="provisioning.template",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="BackupSchedule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("name", models.CharField(max_length=63)),
                ("tag", models.CharField(blank=True, default="", max_length=40)),
                ("cron", models.CharField(max_length=100)),
                ("time_zone", models.CharField(max_length=64)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("snapshot", "While it runs"),
                            ("suspend", "Paused for a moment"),
                            ("stop", "Stopped meanwhile"),
                        ],
                        default="snapshot",
                        max_length=8,
                    ),
                ),
                ("storage", models.CharField(blank=True, default="", max_length=60)),
                ("keep_last", models.PositiveSmallIntegerField(default=0)),
                ("keep_daily", models.PositiveSmallIntegerField(default=0)),
                ("keep_weekly", models.PositiveSmallIntegerField(default=0)),
                ("keep_monthly", models.PositiveSmallIntegerField(default=0)),
                ("is_active", models.BooleanField(default=True)),
                ("next_at", models.DateTimeField(null=True)),
                ("last_at", models.DateTimeField(null=True)),
                ("last_note", models.CharField(blank=True, default="", max_length=500)),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="backup_schedules",
                        to="provisioning.deployment",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "backup schedule",
                "ordering": ("name", "id"),
            },
        ),
        migrations.CreateModel(
            name="BackupStore",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("name", models.CharField(max_length=60)),
                ("node", models.CharField(blank=True, default="", max_length=63)),
                ("listed_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                ("error_since", models.DateTimeField(null=True)),
                ("ours", models.PositiveIntegerField(default=0)),
                ("strangers", models.PositiveIntegerField(default=0)),
                ("used_bytes", models.BigIntegerField(default=0)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="backup_stores",
                        to="provisioning.cluster",
                    ),
                ),
            ],
            options={
                "ordering": ("cluster", "name", "node"),
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.models.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("name", models.CharField(max_length=40)),
                ("description", models.CharField(blank=True, default="", max_length=200)),
                ("with_memory", models.BooleanField(default=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("creating", "Being taken"),
                            ("ready", "Ready"),
                            ("rolling_back", "Rolling back"),
                            ("deleting", "Being deleted"),
                            ("error", "Failed"),
                            ("deleted", "Deleted"),
                        ],
                        default="creating",
                        max_length=12,
                    ),
                ),
                ("failure", models.CharField(blank=True, default="", max_length=500)),
                ("asked_at", models.DateTimeField(null=True)),
                ("taken_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="snapshots",
                        to="provisioning.deployment",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.RemoveConstraint(
            model_name="slot",
            name="slot_kind_known",
        ),
        migrations.AddField(
            model_name="deployment",
            name="restored_from_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AlterField(
            model_name="slot",
            name="kind",
            field=models.CharField(
                choices=[("clone", "Clone"), ("disk", "Disk"), ("copy", "Backup")], max_length=5
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["clone", "disk", "copy"])),
                name="slot_kind_known",
            ),
        ),
        migrations.AddIndex(
            model_name="backup",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="backup_newest"),
        ),
        migrations.AddIndex(
            model_name="backup",
            index=models.Index(
                fields=["tenant", "deployment", "-created_at", "-id"], name="backup_of_deployment"
            ),
        ),
        migrations.AddIndex(
            model_name="backup",
            index=models.Index(
                fields=["tenant", "ended_at"], include=("status",), name="backup_ended"
            ),
        ),
        migrations.AddIndex(
            model_name="backup",
            index=models.Index(
                condition=models.Q(("status", "deleted"), _negated=True),
                fields=["cluster", "storage", "status"],
                name="backup_on_storage",
            ),
        ),
        migrations.AddConstraint(
            model_name="backup",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("volume_id", ""), _negated=True),
                    models.Q(("status", "deleted"), _negated=True),
                ),
                fields=("cluster", "volume_id"),
                name="backup_once_per_archive",
            ),
        ),
        migrations.AddConstraint(
            model_name="backup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "pending",
                            "running",
                            "complete",
                            "failed",
                            "deleting",
                            "deleted",
                            "missing",
                        ],
                    )
                ),
                name="backup_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="backup",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["manual", "scheduled", "final"])),
                name="backup_kind_known",
            ),
        ),
        migrations.AddIndex(
            model_name="backupschedule",
            index=models.Index(
                condition=models.Q(("is_active", True)),
                fields=["next_at"],
                name="backupschedule_due",
            ),
        ),
        migrations.AddIndex(
            model_name="backupschedule",
            index=models.Index(fields=["tenant", "deployment"], name="backupschedule_deployment"),
        ),
        migrations.AddConstraint(
            model_name="backupschedule",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="backupschedule_name_once_per_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="backupschedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["snapshot", "suspend", "stop"])),
                name="backupschedule_mode_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="backupschedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("deployment__isnull", True), ("tag", ""), _connector="OR"),
                name="backupschedule_one_target",
            ),
        ),
        migrations.AddConstraint(
            model_name="backupstore",
            constraint=models.UniqueConstraint(
                fields=("cluster", "name", "node"), name="backupstore_once_per_place"
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                fields=["tenant", "deployment", "-created_at", "-id"], name="snapshot_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False), ("status", "ready")),
                fields=["expires_at"],
                name="snapshot_expiring",
            ),
        ),
        migrations.AddConstraint(
            model_name="snapshot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "deleted"), _negated=True),
                fields=("tenant", "deployment", "name"),
                name="snapshot_name_once_while_live",
            ),
        ),
        migrations.AddConstraint(
            model_name="snapshot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["creating", "ready", "rolling_back", "deleting", "error", "deleted"],
                    )
                ),
                name="snapshot_status_known",
            ),
        ),
        TenantTable("provisioning_snapshot", is_referenced=False),
        TenantTable("provisioning_backupschedule", is_referenced=False),
        TenantTable("provisioning_backup", runtime="SELECT, INSERT, UPDATE", is_referenced=False),
        PlatformTable("provisioning_backupstore"),
        TenantReference(
            "provisioning_snapshot", column="deployment_id", to="provisioning_deployment"
        ),
        TenantReference(
            "provisioning_backupschedule", column="deployment_id", to="provisioning_deployment"
        ),
        TenantReference(
            "provisioning_backup", column="deployment_id", to="provisioning_deployment"
        ),
    ]
