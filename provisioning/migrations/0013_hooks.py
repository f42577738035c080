"""Hooks and their runs, webhooks and their messages."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import TenantReference, TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0012_measures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Hook",
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
                ("name", models.CharField(max_length=100)),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("pod.pre_create", "Before a deployment is made"),
                            ("pod.post_create", "When a deployment is ready"),
                            ("pod.pre_destroy", "Before a deployment is removed"),
                            ("pod.post_destroy", "When a deployment is gone"),
                            ("pod.post_backup", "When a backup is done"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[("http", "Web address"), ("script", "Script")], max_length=6
                    ),
                ),
                ("target", models.CharField(max_length=2048)),
                ("is_active", models.BooleanField(default=True)),
                ("config", models.JSONField(default=dict)),
                ("secret_ref", models.CharField(blank=True, default="", max_length=200)),
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
                "verbose_name": "hook",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="HookRun",
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
                ("hook_name", models.CharField(max_length=100)),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("pod.pre_create", "Before a deployment is made"),
                            ("pod.post_create", "When a deployment is ready"),
                            ("pod.pre_destroy", "Before a deployment is removed"),
                            ("pod.post_destroy", "When a deployment is gone"),
                            ("pod.post_backup", "When a backup is done"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[("http", "Web address"), ("script", "Script")], max_length=6
                    ),
                ),
                ("cause", models.CharField(max_length=80)),
                ("operation_id", models.UUIDField(null=True)),
                ("is_blocking", models.BooleanField(default=False)),
                (
                    "on_failure",
                    models.CharField(
                        choices=[("open", "Go on"), ("closed", "Stop")],
                        default="open",
                        max_length=6,
                    ),
                ),
                ("deadline_at", models.DateTimeField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("unknown", "End unknown"),
                            ("skipped", "Skipped"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("payload", models.JSONField(default=dict)),
                ("code", models.IntegerField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("output", models.TextField(blank=True, default="")),
                ("duration_ms", models.PositiveIntegerField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(blank=True, default="", max_length=160)),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hook_runs",
                        to="provisioning.deployment",
                    ),
                ),
                (
                    "hook",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="provisioning.hook",
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
                "verbose_name": "hook run",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Webhook",
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
                ("name", models.CharField(max_length=100)),
                ("url", models.CharField(max_length=2048)),
                ("events", models.JSONField(default=list)),
                ("headers", models.JSONField(default=list)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "Active"), ("paused", "Paused")],
                        default="active",
                        max_length=6,
                    ),
                ),
                ("pause_reason", models.CharField(blank=True, default="", max_length=300)),
                ("paused_at", models.DateTimeField(null=True)),
                ("secret_ref", models.CharField(max_length=200)),
                ("previous_secret_until", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("last_delivered_at", models.DateTimeField(null=True)),
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
                "verbose_name": "webhook",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
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
                ("message_id", models.CharField(max_length=40)),
                ("event", models.CharField(max_length=40)),
                ("subject_type", models.CharField(blank=True, default="", max_length=40)),
                ("subject_id", models.UUIDField(null=True)),
                ("payload", models.JSONField(default=dict)),
                ("occurred_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "On its way"),
                            ("delivered", "Delivered"),
                            ("dead", "Given up"),
                            ("canceled", "Canceled"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("last_try_at", models.DateTimeField(null=True)),
                ("response_status", models.PositiveIntegerField(null=True)),
                ("response_excerpt", models.TextField(blank=True, default="")),
                ("latency_ms", models.PositiveIntegerField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "replay_of",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replays",
                        to="provisioning.webhookdelivery",
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
                    "webhook",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="provisioning.webhook",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.AddIndex(
            model_name="hook",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="hook_newest"),
        ),
        migrations.AddIndex(
            model_name="hook",
            index=models.Index(
                condition=models.Q(("is_active", True)),
                fields=["tenant", "event"],
                name="hook_wanted",
            ),
        ),
        migrations.AddConstraint(
            model_name="hook",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="hook_name_once"),
        ),
        migrations.AddConstraint(
            model_name="hook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "event__in",
                        [
                            "pod.pre_create",
                            "pod.post_create",
                            "pod.pre_destroy",
                            "pod.post_destroy",
                            "pod.post_backup",
                        ],
                    )
                ),
                name="hook_event_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="hook",
            constraint=models.CheckConstraint(
                condition=models.Q(("type__in", ["http", "script"])), name="hook_type_known"
            ),
        ),
        migrations.AddIndex(
            model_name="hookrun",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="hookrun_newest"),
        ),
        migrations.AddIndex(
            model_name="hookrun",
            index=models.Index(
                fields=["tenant", "deployment", "-created_at"], name="hookrun_of_pod"
            ),
        ),
        migrations.AddConstraint(
            model_name="hookrun",
            constraint=models.UniqueConstraint(
                fields=("tenant", "hook", "cause"), name="hookrun_once_per_cause"
            ),
        ),
        migrations.AddConstraint(
            model_name="hookrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["pending", "running", "succeeded", "failed", "unknown", "skipped"],
                    )
                ),
                name="hookrun_status_known",
            ),
        ),
        migrations.AddIndex(
            model_name="webhook",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="webhook_newest"),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="webhook_name_once"),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "paused"])), name="webhook_state_known"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                fields=["tenant", "webhook", "-created_at", "-id"], name="webhookdelivery_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["webhook", "next_try_at", "id"],
                name="webhookdelivery_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "delivered", "dead", "canceled"])),
                name="webhookdelivery_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")),
                fields=("tenant", "replay_of"),
                name="webhookdelivery_one_replay_under_way",
            ),
        ),
        TenantTable("provisioning_hook"),
        TenantTable(
            "provisioning_hookrun",
            runtime="SELECT, INSERT, UPDATE",
            dispatch="SELECT, DELETE",
            is_referenced=False,
        ),
        TenantReference("provisioning_hookrun", column="hook_id", to="provisioning_hook"),
        TenantReference(
            "provisioning_hookrun", column="deployment_id", to="provisioning_deployment"
        ),
        TenantTable("provisioning_webhook"),
        TenantTable("provisioning_webhookdelivery", dispatch="SELECT, DELETE"),
        TenantReference(
            "provisioning_webhookdelivery", column="webhook_id", to="provisioning_webhook"
        ),
        TenantReference(
            "provisioning_webhookdelivery",
            column="replay_of_id",
            to="provisioning_webhookdelivery",
        ),
    ]
