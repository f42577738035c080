from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import TenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("billing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Quota",
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
                ("deployments", models.PositiveIntegerField(blank=True, null=True)),
                ("cpu_cores", models.PositiveIntegerField(blank=True, null=True)),
                ("memory_mb", models.PositiveIntegerField(blank=True, null=True)),
                ("disk_gb", models.PositiveIntegerField(blank=True, null=True)),
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
                "constraints": [
                    models.UniqueConstraint(fields=("tenant",), name="quota_once_per_tenant")
                ],
            },
        ),
        migrations.CreateModel(
            name="QuotaReservation",
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
                ("subject_id", models.UUIDField()),
                ("deployments", models.PositiveIntegerField(default=1)),
                ("cpu_cores", models.PositiveIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("disk_gb", models.PositiveIntegerField()),
                ("released_at", models.DateTimeField(blank=True, null=True)),
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("released_at__isnull", True)),
                        fields=["tenant"],
                        name="quota_reservation_held",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "subject_id"), name="quota_reservation_once_per_subject"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="QuotaUsage",
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
                ("deployments", models.IntegerField(default=0)),
                ("cpu_cores", models.IntegerField(default=0)),
                ("memory_mb", models.IntegerField(default=0)),
                ("disk_gb", models.IntegerField(default=0)),
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
                "constraints": [
                    models.UniqueConstraint(fields=("tenant",), name="quota_usage_once_per_tenant"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cpu_cores__gte", 0),
                            ("deployments__gte", 0),
                            ("disk_gb__gte", 0),
                            ("memory_mb__gte", 0),
                        ),
                        name="quota_usage_never_negative",
                    ),
                ],
            },
        ),
        TenantTable("billing_quota", runtime="SELECT"),
        TenantTable("billing_quotausage", runtime="SELECT, INSERT, UPDATE"),
        TenantTable("billing_quotareservation", runtime="SELECT, INSERT, UPDATE"),
    ]
