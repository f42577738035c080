from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import TenantReference, TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ExtensionRequest",
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
                ("hours", models.PositiveIntegerField()),
                ("reason", models.CharField(max_length=500)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for a decision"),
                            ("approved", "Approved"),
                            ("denied", "Denied"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, default="", max_length=500)),
            ],
            options={
                "verbose_name": "extension request",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="LeaseWarning",
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
                ("lease_version", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("stop", "Stop"), ("delete", "Deletion")], max_length=6
                    ),
                ),
                ("offset_hours", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField()),
                ("recipients", models.JSONField(default=list)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("failure", models.CharField(blank=True, default="", max_length=300)),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.AddField(
            model_name="deployment",
            name="held_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="deployment",
            name="hold_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="deployment",
            name="is_protected",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="deployment",
            name="lease_set_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="deployment",
            name="lease_version",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                condition=models.Q(
                    ("delete_after__isnull", False), models.Q(("status", "deleted"), _negated=True)
                ),
                fields=["delete_after"],
                name="deployment_delete_after",
            ),
        ),
        migrations.AddField(
            model_name="extensionrequest",
            name="decided_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="extensionrequest",
            name="deployment",
            field=portal.kernel.models.TenantForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="extension_requests",
                to="provisioning.deployment",
            ),
        ),
        migrations.AddField(
            model_name="extensionrequest",
            name="requester",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="extensionrequest",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.tenant"
            ),
        ),
        migrations.AddField(
            model_name="leasewarning",
            name="deployment",
            field=portal.kernel.models.TenantForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="warnings",
                to="provisioning.deployment",
            ),
        ),
        migrations.AddField(
            model_name="leasewarning",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.tenant"
            ),
        ),
        migrations.AddIndex(
            model_name="extensionrequest",
            index=models.Index(
                fields=["tenant", "-created_at", "-id"], name="extensionrequest_newest"
            ),
        ),
        migrations.AddConstraint(
            model_name="extensionrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")),
                fields=("tenant", "deployment"),
                name="extensionrequest_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="extensionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "approved", "denied", "withdrawn", "expired"])
                ),
                name="extensionrequest_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="leasewarning",
            constraint=models.UniqueConstraint(
                fields=("tenant", "deployment", "lease_version", "kind", "offset_hours"),
                name="leasewarning_once_per_offset",
            ),
        ),
        migrations.AddConstraint(
            model_name="leasewarning",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["stop", "delete"])), name="leasewarning_kind_known"
            ),
        ),
        TenantTable("provisioning_leasewarning"),
        TenantTable("provisioning_extensionrequest"),
        TenantReference(
            "provisioning_leasewarning", column="deployment_id", to="provisioning_deployment"
        ),
        TenantReference(
            "provisioning_extensionrequest", column="deployment_id", to="provisioning_deployment"
        ),
    ]
