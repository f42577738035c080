"""Health, healing and consoles."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
import provisioning.logic.probes
from portal.kernel.rls import TenantReference, TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0007_apihost_latency_ms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="cluster",
            name="heal_paused_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="cluster",
            name="heal_paused_reason",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=300
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="auto_heal",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="deployment",
            name="desired_power",
            field=models.CharField(
                blank=True,
                choices=[("running", "Running"), ("stopped", "Stopped")],
                db_default="",
                default="",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="health_probe",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="template",
            name="health_probe",
            field=models.JSONField(
                blank=True,
                help_text='How machines of this template are asked whether they work: {"kind": "http", "port": 80, "path": "/", "expected_status": 200, "timeout_s": 5}',
                null=True,
                validators=[provisioning.logic.probes.probe_validate],
            ),
        ),
        migrations.CreateModel(
            name="ConsoleSession",
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
                ("ticket_hash", models.CharField(max_length=64, unique=True)),
                ("session_hash", models.CharField(max_length=64)),
                ("vmid", models.PositiveIntegerField()),
                ("marker", models.CharField(max_length=120)),
                ("guest_uuid", models.CharField(max_length=36)),
                ("expires_at", models.DateTimeField()),
                ("opened_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("left", "Closed by the viewer"),
                            ("gone", "The machine closed its screen"),
                            ("stopped", "The machine is not running any more"),
                            ("deleted", "The deployment is being deleted"),
                            ("expired", "The lease has ended"),
                            ("revoked", "The right to look was taken away"),
                            ("signed_out", "The session has ended"),
                            ("foreign", "Another machine is behind the number"),
                            ("idle", "Nobody has touched it for long"),
                            ("longest", "It was open for as long as one may be"),
                            ("unreachable", "The hypervisor does not answer"),
                            ("broken", "The hypervisor said something that is no screen"),
                            ("restart", "uHub is being restarted"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.deployment",
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
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(
                        fields=["tenant", "deployment", "-created_at", "-id"],
                        name="consolesession_newest",
                    ),
                    models.Index(fields=["expires_at"], name="consolesession_expires"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("end", ""),
                            (
                                "end__in",
                                [
                                    "left",
                                    "gone",
                                    "stopped",
                                    "deleted",
                                    "expired",
                                    "revoked",
                                    "signed_out",
                                    "foreign",
                                    "idle",
                                    "longest",
                                    "unreachable",
                                    "broken",
                                    "restart",
                                ],
                            ),
                            _connector="OR",
                        ),
                        name="consolesession_end_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HealAttempt",
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
                ("operation_id", models.UUIDField(null=True)),
                (
                    "action",
                    models.CharField(
                        choices=[("start", "Start"), ("restart", "Hard restart")], max_length=8
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Under way"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("dropped", "Broken off"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("detail", models.CharField(blank=True, default="", max_length=300)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.deployment",
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
                "indexes": [
                    models.Index(
                        fields=["tenant", "deployment", "-created_at", "-id"],
                        name="healattempt_newest",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")),
                        fields=("tenant", "deployment"),
                        name="healattempt_one_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("action__in", ["start", "restart"])),
                        name="healattempt_action_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["running", "done", "failed", "dropped"])
                        ),
                        name="healattempt_status_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HealthObservation",
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
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("ok", "Healthy"),
                            ("degraded", "Degraded"),
                            ("bad", "Unhealthy"),
                            ("unknown", "Unknown"),
                            ("idle", "Switched off"),
                        ],
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("count", models.PositiveIntegerField(default=1)),
                ("seen_at", models.DateTimeField()),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.deployment",
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
                "indexes": [
                    models.Index(
                        fields=["tenant", "deployment", "-created_at", "-id"],
                        name="healthobservation_newest",
                    ),
                    models.Index(fields=["seen_at"], name="healthobservation_seen"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("verdict__in", ["ok", "degraded", "bad", "unknown", "idle"])
                        ),
                        name="healthobservation_verdict_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HealthState",
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
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("checked_at", models.DateTimeField(null=True)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("ok", "Healthy"),
                            ("degraded", "Degraded"),
                            ("bad", "Unhealthy"),
                            ("unknown", "Unknown"),
                            ("idle", "Switched off"),
                        ],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("bad_count", models.PositiveIntegerField(default=0)),
                ("checks", models.JSONField(default=list)),
                ("agent_seen_at", models.DateTimeField(null=True)),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.deployment",
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
                "indexes": [models.Index(fields=["due_at"], name="healthstate_due")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "deployment"), name="healthstate_once_per_deployment"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("verdict__in", ["ok", "degraded", "bad", "unknown", "idle"])
                        ),
                        name="healthstate_verdict_known",
                    ),
                ],
            },
        ),
        TenantTable(
            "provisioning_consolesession",
            runtime="SELECT, INSERT, UPDATE",
            dispatch="SELECT, DELETE",
            is_referenced=False,
        ),
        TenantReference(
            "provisioning_consolesession", column="deployment_id", to="provisioning_deployment"
        ),
        TenantTable(
            "provisioning_healattempt",
            runtime="SELECT, INSERT, UPDATE",
            dispatch="SELECT, DELETE",
            is_referenced=False,
        ),
        TenantReference(
            "provisioning_healattempt", column="deployment_id", to="provisioning_deployment"
        ),
        TenantTable(
            "provisioning_healthobservation",
            runtime="SELECT",
            dispatch="SELECT, DELETE",
            is_referenced=False,
        ),
        TenantReference(
            "provisioning_healthobservation", column="deployment_id", to="provisioning_deployment"
        ),
        TenantTable(
            "provisioning_healthstate",
            runtime="SELECT, INSERT, UPDATE",
            is_referenced=False,
        ),
        TenantReference(
            "provisioning_healthstate", column="deployment_id", to="provisioning_deployment"
        ),
    ]
