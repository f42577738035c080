"""Name servers, zones and records of machines."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import PlatformTable, TenantReference, TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0008_health"),
    ]

    operations = [
        migrations.CreateModel(
            name="DnsServer",
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
                (
                    "provider",
                    models.CharField(
                        verbose_name="provider",
                        choices=[("powerdns", "PowerDNS")],
                        db_default="powerdns",
                        default="powerdns",
                        max_length=20,
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        verbose_name="address",
                        help_text="https://dns.example.org:8081",
                        max_length=300,
                    ),
                ),
                (
                    "server_id",
                    models.CharField(db_default="localhost", default="localhost", max_length=60),
                ),
                ("api_key_ref", models.CharField(help_text="vault:<path>#<key>", max_length=300)),
                ("ca_pem", models.TextField(blank=True, db_default="", default="")),
                (
                    "resolver",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="192.0.2.53:53",
                        max_length=60,
                    ),
                ),
                (
                    "nameservers",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Names written into zones that uHub makes.",
                    ),
                ),
                ("is_active", models.BooleanField(db_default=True, default=True)),
                ("last_seen_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "last_error",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=500
                    ),
                ),
            ],
            options={
                "ordering": ("code",),
            },
        ),
        migrations.CreateModel(
            name="DnsZone",
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
                ("name", models.CharField(max_length=253, unique=True)),
                (
                    "kind",
                    models.CharField(
                        verbose_name="kind",
                        choices=[("forward", "Names"), ("reverse", "Addresses")],
                        default="forward",
                        max_length=8,
                    ),
                ),
                (
                    "ttl",
                    models.PositiveIntegerField(
                        verbose_name="time to live (s)",
                        db_default=300,
                        default=300,
                        validators=[
                            django.core.validators.MinValueValidator(30),
                            django.core.validators.MaxValueValidator(604800),
                        ],
                    ),
                ),
                ("is_default", models.BooleanField(db_default=False, default=False)),
                ("is_active", models.BooleanField(db_default=True, default=True)),
                ("checked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attention", models.JSONField(blank=True, editable=False, null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        verbose_name="organisation",
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.tenant",
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        verbose_name="name server",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="zones",
                        to="provisioning.dnsserver",
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="DnsRecord",
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
                ("zone_name", models.CharField(max_length=253)),
                ("hostname", models.CharField(max_length=253)),
                ("ip_address", models.GenericIPAddressField(null=True)),
                (
                    "type",
                    models.CharField(
                        choices=[("A", "A"), ("AAAA", "AAAA"), ("PTR", "PTR")],
                        default="A",
                        max_length=4,
                    ),
                ),
                ("ttl", models.PositiveIntegerField(default=300)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("active", "Active"),
                            ("error", "Error"),
                            ("removing", "Being removed"),
                            ("removed", "Removed"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("attention", models.JSONField(null=True)),
                ("found", models.JSONField(null=True)),
                ("claims_name", models.BooleanField(default=False)),
                ("is_extra", models.BooleanField(default=False)),
                ("last_checked_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dns_records",
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
                    "zone",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="records",
                        to="provisioning.dnszone",
                    ),
                ),
            ],
            options={
                "verbose_name": "DNS record",
            },
        ),
        migrations.AddConstraint(
            model_name="dnszone",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("organisation",),
                name="dnszone_default_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="dnszone",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind", "forward"), ("is_default", False), _connector="OR"),
                name="dnszone_default_is_forward",
            ),
        ),
        migrations.AddIndex(
            model_name="dnsrecord",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="dnsrecord_newest"),
        ),
        migrations.AddIndex(
            model_name="dnsrecord",
            index=models.Index(fields=["tenant", "deployment"], name="dnsrecord_of_deployment"),
        ),
        migrations.AddConstraint(
            model_name="dnsrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("claims_name", True), models.Q(("status", "removed"), _negated=True)
                ),
                fields=("zone", "hostname"),
                name="dnsrecord_name_once_while_live",
            ),
        ),
        migrations.AddConstraint(
            model_name="dnsrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("type", "PTR"), _negated=True),
                    models.Q(("status", "removed"), _negated=True),
                ),
                fields=("zone", "hostname", "type"),
                name="dnsrecord_type_once_while_live",
            ),
        ),
        migrations.AddConstraint(
            model_name="dnsrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("type", "PTR"), models.Q(("status", "removed"), _negated=True)),
                fields=("zone", "ip_address"),
                name="dnsrecord_pointer_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="dnsrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "active", "error", "removing", "removed"])
                ),
                name="dnsrecord_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="dnsrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("type__in", ["A", "AAAA", "PTR"])), name="dnsrecord_type_known"
            ),
        ),
        PlatformTable("provisioning_dnsserver"),
        PlatformTable("provisioning_dnszone"),
        TenantTable(
            "provisioning_dnsrecord", runtime="SELECT, INSERT, UPDATE", is_referenced=False
        ),
        TenantReference(
            "provisioning_dnsrecord", column="deployment_id", to="provisioning_deployment"
        ),
    ]
