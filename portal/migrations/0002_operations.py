from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import PlatformTable, TenantReference, TenantTable, role
from portal.kernel.tenancy import DISPATCH

LEDGER = "SELECT, INSERT, UPDATE, DELETE"

# What retry and cancel need; everything else about a row is the engine's to write.
CANCEL_COLUMNS = "status, cancel_requested, scheduled_at, completed_at, updated_at"
ASKING = f"SELECT, INSERT, UPDATE ({CANCEL_COLUMNS})"

FENCE = f"""
CREATE SEQUENCE portal_operation_fence;
GRANT USAGE ON SEQUENCE portal_operation_fence TO {role(DISPATCH)};
"""

ENDED = """
CREATE FUNCTION portal_operation_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'operation % has ended and does not change any more', OLD.id
    USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER operation_ended BEFORE UPDATE ON portal_operation FOR EACH ROW
  WHEN (OLD.status IN ('completed', 'failed', 'dead', 'canceled'))
  EXECUTE FUNCTION portal_operation_ended();
"""

UNENDED = """
DROP TRIGGER operation_ended ON portal_operation;
DROP FUNCTION portal_operation_ended();
"""

# A hot table: most updates change no indexed column, and its pages are cleaned early.
HOT = """
ALTER TABLE portal_operation SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
"""

UNHOT = """
ALTER TABLE portal_operation RESET (fillfactor, autovacuum_vacuum_scale_factor);
"""


class Migration(migrations.Migration):
    """The engine's ledger: operations, their tries, workers, schedules."""

    dependencies = [("billing", "0001_initial"), ("portal", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Schedule",
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
                ("name", models.CharField(max_length=80, unique=True)),
                ("every_s", models.PositiveIntegerField()),
                ("is_enabled", models.BooleanField(default=True)),
                ("last_due_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Operation",
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
                ("queue", models.CharField(max_length=32)),
                ("type", models.CharField(max_length=80)),
                ("payload", models.JSONField(default=dict)),
                ("payload_schema", models.PositiveSmallIntegerField(default=1)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("dead", "Dead"),
                            ("canceled", "Canceled"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("priority", models.SmallIntegerField(default=0)),
                (
                    "fair_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("max_attempts", models.PositiveIntegerField(default=5)),
                (
                    "scheduled_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(null=True)),
                ("attention", models.JSONField(null=True)),
                ("step", models.CharField(blank=True, default="", max_length=80)),
                ("steps", models.JSONField(default=list)),
                ("state", models.JSONField(default=dict)),
                ("log", models.JSONField(default=list)),
                ("result", models.JSONField(null=True)),
                ("fence", models.BigIntegerField(default=0)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("worker", models.CharField(blank=True, default="", max_length=120)),
                ("try_started_at", models.DateTimeField(null=True)),
                ("is_continued", models.BooleanField(default=False)),
                ("ending", models.JSONField(null=True)),
                ("concurrency_key", models.CharField(blank=True, default="", max_length=120)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("target_type", models.CharField(blank=True, default="", max_length=64)),
                ("target_id", models.UUIDField(null=True)),
                ("actor_id", models.UUIDField(null=True)),
                ("actor_label", models.CharField(blank=True, default="", max_length=160)),
                ("request_id", models.CharField(blank=True, default="", max_length=64)),
                (
                    "retry_of",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="retries",
                        to="portal.operation",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OperationAttempt",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("attempt", models.PositiveIntegerField()),
                ("fence", models.BigIntegerField()),
                ("worker", models.CharField(max_length=120)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("completed", "Completed"),
                            ("retried", "To be retried"),
                            ("crashed", "Worker lost"),
                            ("failed", "Failed"),
                            ("canceled", "Canceled"),
                        ],
                        max_length=16,
                    ),
                ),
                ("error", models.TextField(null=True)),
                (
                    "operation",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="portal.operation",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("attempt",),
            },
        ),
        migrations.CreateModel(
            name="ScheduleFire",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
                ("worker", models.CharField(max_length=120)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("error", models.TextField(null=True)),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fires",
                        to="portal.schedule",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Worker",
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
                ("name", models.CharField(max_length=120, unique=True)),
                ("queue", models.CharField(max_length=200)),
                ("last_heartbeat_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("online", "Online"),
                            ("draining", "Draining"),
                            ("offline", "Offline"),
                        ],
                        default="online",
                        max_length=16,
                    ),
                ),
                ("host", models.CharField(max_length=120)),
                ("pid", models.PositiveIntegerField()),
                ("version", models.CharField(blank=True, default="", max_length=40)),
                ("running", models.PositiveIntegerField(default=0)),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["online", "draining", "offline"])),
                        name="worker_status_known",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                models.F("queue"),
                models.OrderBy(models.F("priority"), descending=True),
                models.F("fair_at"),
                models.F("id"),
                condition=models.Q(("status", "pending")),
                name="operation_ready",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["queue", "scheduled_at"],
                name="operation_due",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["tenant", "queue", "fair_at"],
                name="operation_fair",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("status", "running")),
                fields=["lease_expires_at"],
                name="operation_lease",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ("pending", "running")),
                    models.Q(("concurrency_key", ""), _negated=True),
                ),
                fields=["concurrency_key", "id"],
                name="operation_key",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="operation_recent"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["tenant", "target_type", "target_id", "-created_at"],
                name="operation_target",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retry_of__isnull", False)),
                fields=("tenant", "retry_of"),
                name="operation_retried_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["pending", "running", "completed", "failed", "dead", "canceled"],
                    )
                ),
                name="operation_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("status__in", ("pending", "running")),
                    models.Q(("concurrency_key", ""), _negated=True),
                    ("started_at__isnull", False),
                ),
                fields=("concurrency_key",),
                name="operation_one_begun_per_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="operationattempt",
            constraint=models.UniqueConstraint(
                fields=("tenant", "operation", "attempt"), name="operationattempt_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="schedulefire",
            constraint=models.UniqueConstraint(
                fields=("schedule", "due_at"), name="schedulefire_once"
            ),
        ),
        migrations.RunSQL(FENCE, "DROP SEQUENCE portal_operation_fence;"),
        migrations.RunSQL(ENDED, UNENDED),
        migrations.RunSQL(HOT, UNHOT),
        TenantTable("portal_operation", runtime=ASKING, platform=ASKING, dispatch=LEDGER),
        TenantTable(
            "portal_operationattempt",
            runtime="SELECT",
            platform="SELECT",
            dispatch="SELECT, INSERT, DELETE",
        ),
        TenantReference("portal_operationattempt", column="operation_id", to="portal_operation"),
        TenantReference("portal_operation", column="retry_of_id", to="portal_operation"),
        PlatformTable("portal_worker", dispatch=LEDGER),
        PlatformTable("portal_schedule", dispatch=LEDGER),
        PlatformTable("portal_schedulefire", dispatch=LEDGER),
    ]
