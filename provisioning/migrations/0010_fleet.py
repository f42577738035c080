from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import (
    PlatformTable,
    TenantReference,
    TenantTable,
)
from portal.kernel.rls_following import TenantReferencesFollow


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0009_dns"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bootstrap",
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
                ("document", models.TextField()),
                ("snippet", models.CharField(blank=True, default="", max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for the guest"),
                            ("running", "Installing"),
                            ("done", "Installed"),
                            ("failed", "Installation failed"),
                            ("unknown", "Result unknown"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("run", models.PositiveIntegerField(default=1)),
                ("pid", models.PositiveIntegerField(null=True)),
                ("exit_code", models.IntegerField(null=True)),
                ("message", models.CharField(blank=True, default="", max_length=500)),
                ("log_tail", models.TextField(blank=True, default="")),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("secret_names", models.JSONField(default=list)),
                ("secrets_path", models.CharField(blank=True, default="", max_length=200)),
                ("secrets_shown_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="MaintenanceWindow",
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
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("time_zone", models.CharField(default="UTC", max_length=60)),
                (
                    "recurrence",
                    models.CharField(
                        choices=[("none", "Once"), ("weekly", "Every week")],
                        default="none",
                        max_length=6,
                    ),
                ),
                ("repeats_until", models.DateTimeField(null=True)),
                ("reason", models.CharField(max_length=300)),
                ("canceled_at", models.DateTimeField(null=True)),
                ("begun_for", models.DateTimeField(null=True)),
                ("is_begun", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "maintenance window",
                "ordering": ("starts_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="OwnershipTransfer",
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
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for the receiver"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, default="", max_length=500)),
            ],
            options={
                "verbose_name": "ownership transfer",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.RemoveConstraint(
            model_name="finding",
            name="finding_kind_known",
        ),
        migrations.AddField(
            model_name="template",
            name="bootstrap",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="What is installed after the first start: a document as in docs/fleet.md.",
            ),
        ),
        migrations.AddField(
            model_name="template",
            name="snippet",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="A cloud-init document on the node instead: storage:snippets/name.yml",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="template",
            name="source_facts",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="templatecopy",
            name="snippet",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="templatecopy",
            name="source_facts",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="finding",
            name="kind",
            field=models.CharField(
                choices=[
                    ("missing", "Missing"),
                    ("unreachable", "Unreachable"),
                    ("foreign", "Stranger under our number"),
                    ("drift", "Changed outside"),
                    ("orphan", "Without an owner"),
                    ("half_clone", "Half a clone"),
                    ("moved", "Moved"),
                    ("reappeared", "Back again"),
                    ("stale_vmid", "Number without a machine"),
                    ("too_much_vanished", "Too much vanished"),
                    ("orphan_disk", "Disks of nobody"),
                    ("template_missing", "Template missing"),
                    ("template_changed", "Template changed"),
                    ("stale_record", "Name or address out of date"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="finding",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("gone", "No longer so"),
                    ("followed", "Taken over"),
                    ("forgotten", "Forgotten"),
                    ("adopted", "Adopted"),
                    ("accepted", "Accepted"),
                    ("reapplied", "Set again"),
                    ("dismissed", "Closed by a person"),
                    ("deleted", "Deleted by a person"),
                ],
                default="",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "missing",
                            "unreachable",
                            "foreign",
                            "drift",
                            "orphan",
                            "half_clone",
                            "moved",
                            "reappeared",
                            "stale_vmid",
                            "too_much_vanished",
                            "orphan_disk",
                            "template_missing",
                            "template_changed",
                            "stale_record",
                        ],
                    )
                ),
                name="finding_kind_known",
            ),
        ),
        migrations.AddField(
            model_name="bootstrap",
            name="deployment",
            field=portal.kernel.models.TenantForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="bootstraps",
                to="provisioning.deployment",
            ),
        ),
        migrations.AddField(
            model_name="bootstrap",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.tenant"
            ),
        ),
        migrations.AddField(
            model_name="maintenancewindow",
            name="cluster",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="windows",
                to="provisioning.cluster",
            ),
        ),
        migrations.AddField(
            model_name="maintenancewindow",
            name="created_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ownershiptransfer",
            name="deployment",
            field=portal.kernel.models.TenantForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="transfers",
                to="provisioning.deployment",
            ),
        ),
        migrations.AddField(
            model_name="ownershiptransfer",
            name="from_owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ownershiptransfer",
            name="requester",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ownershiptransfer",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.tenant"
            ),
        ),
        migrations.AddField(
            model_name="ownershiptransfer",
            name="to_owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="bootstrap",
            constraint=models.UniqueConstraint(
                fields=("tenant", "deployment"), name="bootstrap_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="bootstrap",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "running", "done", "failed", "unknown"])
                ),
                name="bootstrap_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="maintenancewindow",
            constraint=models.CheckConstraint(
                condition=models.Q(("starts_at__lt", models.F("ends_at"))), name="window_ends_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="maintenancewindow",
            constraint=models.CheckConstraint(
                condition=models.Q(("recurrence__in", ["none", "weekly"])),
                name="window_recurrence_known",
            ),
        ),
        migrations.AddIndex(
            model_name="ownershiptransfer",
            index=models.Index(
                fields=["tenant", "-created_at", "-id"], name="ownershiptransfer_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="ownershiptransfer",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["expires_at"],
                name="ownershiptransfer_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="ownershiptransfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")),
                fields=("tenant", "deployment"),
                name="ownershiptransfer_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="ownershiptransfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "accepted", "declined", "withdrawn", "expired"])
                ),
                name="ownershiptransfer_status_known",
            ),
        ),
        TenantTable("provisioning_bootstrap", is_referenced=False),
        TenantTable("provisioning_ownershiptransfer", is_referenced=False),
        PlatformTable("provisioning_maintenancewindow"),
        TenantReference(
            "provisioning_bootstrap", column="deployment_id", to="provisioning_deployment"
        ),
        TenantReference(
            "provisioning_ownershiptransfer", column="deployment_id", to="provisioning_deployment"
        ),
        TenantReferencesFollow("provisioning_deployment"),
    ]
