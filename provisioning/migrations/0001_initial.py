from __future__ import annotations

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import PlatformTable, TenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("billing", "0002_quota"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Cluster",
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
                ("code", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("hosts", models.JSONField(default=list, help_text="API hosts, tried in order.")),
                ("port", models.PositiveIntegerField(default=8006)),
                ("token_id", models.CharField(help_text="user@realm!token", max_length=200)),
                ("token_ref", models.CharField(help_text="vault:<path>#<key>", max_length=300)),
                ("ca_pem", models.TextField(blank=True, default="")),
                (
                    "fingerprints",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="One SHA-256 fingerprint per host, instead of a CA.",
                    ),
                ),
                ("pool", models.CharField(blank=True, default="", max_length=60)),
                (
                    "vmid_first",
                    models.PositiveIntegerField(
                        default=20000,
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(999999999),
                        ],
                    ),
                ),
                (
                    "vmid_last",
                    models.PositiveIntegerField(
                        default=29999,
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(999999999),
                        ],
                    ),
                ),
                (
                    "vmid_next",
                    models.PositiveIntegerField(
                        default=20000,
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(999999999),
                        ],
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("last_seen_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "last_error",
                    models.CharField(blank=True, default="", editable=False, max_length=500),
                ),
            ],
            options={
                "ordering": ("code",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("vmid_first__lte", models.F("vmid_last"))),
                        name="cluster_vmid_range",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Template",
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
                ("code", models.SlugField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "type",
                    models.CharField(
                        choices=[("os", "Operating system"), ("app", "Application")],
                        default="os",
                        max_length=3,
                    ),
                ),
                ("description", models.TextField(blank=True, default="")),
                ("icon", models.CharField(default="server", max_length=40)),
                (
                    "proxmox_template_vmid",
                    models.PositiveIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(999999999),
                        ]
                    ),
                ),
                ("default_node", models.CharField(max_length=63)),
                ("storage_pool", models.CharField(max_length=60)),
                ("network_bridge", models.CharField(default="vmbr0", max_length=60)),
                ("system_disk", models.CharField(default="scsi0", max_length=10)),
                ("is_full_clone", models.BooleanField(default=True)),
                ("has_cloud_init", models.BooleanField(default=True)),
                ("app_stack", models.CharField(blank=True, default="", max_length=40)),
                ("install_options", models.JSONField(blank=True, default=list)),
                ("minimum_plan_code", models.CharField(blank=True, default="", max_length=60)),
                ("tags", models.JSONField(blank=True, default=list)),
                (
                    "cpu_cores_default",
                    models.PositiveIntegerField(
                        default=2, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "cpu_cores_min",
                    models.PositiveIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "cpu_cores_max",
                    models.PositiveIntegerField(
                        default=8, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "memory_mb_default",
                    models.PositiveIntegerField(
                        default=2048, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "memory_mb_min",
                    models.PositiveIntegerField(
                        default=512, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "memory_mb_max",
                    models.PositiveIntegerField(
                        default=16384, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "disk_gb_default",
                    models.PositiveIntegerField(
                        default=20, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "disk_gb_min",
                    models.PositiveIntegerField(
                        default=10, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "disk_gb_max",
                    models.PositiveIntegerField(
                        default=200, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "rate_base_hour",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal(0),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "rate_cpu_core_hour",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal(0),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "rate_memory_gb_hour",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal(0),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "rate_disk_gb_hour",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal(0),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("is_active", models.BooleanField(default=True)),
                ("position", models.PositiveSmallIntegerField(default=100)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="templates",
                        to="provisioning.cluster",
                    ),
                ),
            ],
            options={
                "ordering": ("position", "code"),
            },
        ),
        migrations.CreateModel(
            name="GuestObservation",
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
                ("vmid", models.PositiveIntegerField()),
                ("node", models.CharField(max_length=63)),
                ("name", models.CharField(blank=True, default="", max_length=255)),
                ("power", models.CharField(max_length=10)),
                ("lock", models.CharField(blank=True, default="", max_length=30)),
                ("observed_at", models.DateTimeField()),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="observations",
                        to="provisioning.cluster",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cluster", "vmid"), name="observation_once_per_guest"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Deployment",
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
                ("hostname", models.CharField(max_length=253)),
                ("template_version", models.PositiveIntegerField(default=1)),
                ("node", models.CharField(max_length=63)),
                ("vmid", models.PositiveIntegerField()),
                ("marker", models.CharField(max_length=120)),
                ("guest_uuid", models.CharField(blank=True, default="", max_length=36)),
                ("clone_requested_at", models.DateTimeField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("provisioning", "Provisioning"),
                            ("running", "Running"),
                            ("stopped", "Stopped"),
                            ("starting", "Starting"),
                            ("stopping", "Stopping"),
                            ("deleting", "Deleting"),
                            ("deleted", "Deleted"),
                            ("error", "Failed"),
                        ],
                        default="provisioning",
                        max_length=12,
                    ),
                ),
                (
                    "health",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("ok", "Healthy"),
                            ("degraded", "Degraded"),
                            ("failed", "Unhealthy"),
                        ],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                ("attention", models.JSONField(null=True)),
                ("cpu_cores", models.PositiveIntegerField()),
                ("memory_mb", models.PositiveIntegerField()),
                ("disk_gb", models.PositiveIntegerField()),
                ("price_hour", models.DecimalField(decimal_places=6, max_digits=12)),
                ("ip_addresses", models.JSONField(default=list)),
                ("parameters", models.JSONField(default=dict)),
                ("tags", models.JSONField(default=list)),
                ("hold", models.BooleanField(default=False)),
                ("ttl_hours", models.PositiveIntegerField()),
                ("expires_at", models.DateTimeField()),
                ("expired_at", models.DateTimeField(null=True)),
                ("delete_after", models.DateTimeField(null=True)),
                ("ready_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="provisioning.cluster",
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
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="provisioning.template",
                    ),
                ),
            ],
            options={
                "verbose_name": "deployment",
                "indexes": [
                    models.Index(fields=["tenant", "-created_at", "-id"], name="deployment_newest"),
                    models.Index(
                        condition=models.Q(("status", "deleted"), _negated=True),
                        fields=["expires_at"],
                        name="deployment_expiring",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "deleted"), _negated=True),
                        fields=("tenant", "name"),
                        name="deployment_name_once_while_live",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "deleted"), _negated=True),
                        fields=("cluster", "vmid"),
                        name="deployment_vmid_once_while_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "provisioning",
                                    "running",
                                    "stopped",
                                    "starting",
                                    "stopping",
                                    "deleting",
                                    "deleted",
                                    "error",
                                ],
                            )
                        ),
                        name="deployment_status_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VmidAllocation",
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
                ("vmid", models.PositiveIntegerField()),
                ("deployment_id", models.UUIDField(null=True)),
                ("is_blocked", models.BooleanField(default=False)),
                ("quarantined_until", models.DateTimeField(null=True)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="provisioning.cluster",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cluster", "vmid"), name="vmid_once_per_cluster"
                    )
                ],
            },
        ),
        PlatformTable("provisioning_cluster", runtime="SELECT, UPDATE (vmid_next)"),
        PlatformTable("provisioning_template"),
        PlatformTable("provisioning_vmidallocation", runtime="SELECT, INSERT, UPDATE, DELETE"),
        PlatformTable("provisioning_guestobservation"),
        TenantTable("provisioning_deployment", runtime="SELECT, INSERT, UPDATE"),
    ]
