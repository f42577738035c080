"""Additional disks, the machines that own them on the clusters, and a finding about them."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import PlatformTable, TenantReference, TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0013_hooks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Volume",
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
                ("size_gb", models.PositiveIntegerField()),
                ("wanted_gb", models.PositiveIntegerField(null=True)),
                ("price_gb_hour", models.DecimalField(decimal_places=6, max_digits=12)),
                ("storage_pool", models.CharField(max_length=60)),
                ("node", models.CharField(max_length=63)),
                ("owner_vmid", models.PositiveIntegerField(null=True)),
                ("proxmox_volume_id", models.CharField(max_length=200, null=True)),
                ("slot", models.CharField(blank=True, db_default="", default="", max_length=8)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("creating", "Creating"),
                            ("attached", "Attached"),
                            ("detached", "Detached"),
                            ("error", "Failed"),
                            ("deleting", "Deleting"),
                            ("deleted", "Deleted"),
                        ],
                        default="creating",
                        max_length=8,
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("attach", "Attaching"),
                            ("detach", "Detaching"),
                            ("resize", "Growing"),
                        ],
                        db_default="",
                        default="",
                        max_length=6,
                    ),
                ),
                ("attention", models.JSONField(null=True)),
                ("stored_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "volume",
            },
        ),
        migrations.CreateModel(
            name="VolumeShelf",
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
                ("marker", models.CharField(max_length=120)),
                ("node", models.CharField(max_length=63)),
                ("is_made", models.BooleanField(db_default=False, default=False)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("shelf", "Keeps the number of disks"),
                            ("bench", "Lets detached disks grow"),
                        ],
                        db_default="shelf",
                        default="shelf",
                        max_length=5,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.RemoveConstraint(
            model_name="finding",
            name="finding_kind_known",
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
                    ("volume_missing", "Volume not where it belongs"),
                ],
                max_length=20,
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
                            "volume_missing",
                        ],
                    )
                ),
                name="finding_kind_known",
            ),
        ),
        migrations.AddField(
            model_name="volume",
            name="cluster",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="provisioning.cluster",
            ),
        ),
        migrations.AddField(
            model_name="volume",
            name="deployment",
            field=portal.kernel.models.TenantForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="volumes",
                to="provisioning.deployment",
            ),
        ),
        migrations.AddField(
            model_name="volume",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="volume",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.tenant"
            ),
        ),
        migrations.AddField(
            model_name="volumeshelf",
            name="cluster",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shelves",
                to="provisioning.cluster",
            ),
        ),
        migrations.AddConstraint(
            model_name="volumeshelf",
            constraint=models.UniqueConstraint(
                condition=models.Q(("purpose", "shelf")),
                fields=("cluster",),
                name="shelf_once_per_cluster",
            ),
        ),
        migrations.AddConstraint(
            model_name="volumeshelf",
            constraint=models.UniqueConstraint(
                condition=models.Q(("purpose", "bench")),
                fields=("cluster", "node"),
                name="bench_once_per_node",
            ),
        ),
        migrations.AddConstraint(
            model_name="volumeshelf",
            constraint=models.CheckConstraint(
                condition=models.Q(("purpose__in", ["shelf", "bench"])), name="shelf_purpose_known"
            ),
        ),
        migrations.AddIndex(
            model_name="volume",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="volume_newest"),
        ),
        migrations.AddIndex(
            model_name="volume",
            index=models.Index(
                condition=models.Q(("status", "deleted"), _negated=True),
                fields=["cluster", "storage_pool"],
                include=("node", "size_gb", "wanted_gb"),
                name="volume_on_storage",
            ),
        ),
        migrations.AddConstraint(
            model_name="volume",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "deleted"), _negated=True),
                fields=("tenant", "name"),
                name="volume_name_once_while_live",
            ),
        ),
        migrations.AddConstraint(
            model_name="volume",
            constraint=models.UniqueConstraint(
                condition=models.Q(("slot", ""), _negated=True),
                fields=("deployment", "slot"),
                name="volume_slot_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="volume",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["creating", "attached", "detached", "error", "deleting", "deleted"],
                    )
                ),
                name="volume_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="volume",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["", "attach", "detach", "resize"])),
                name="volume_action_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="volume",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "attached"), _negated=True),
                    models.Q(("slot", ""), _negated=True),
                    _connector="OR",
                ),
                name="volume_attached_somewhere",
            ),
        ),
        PlatformTable("provisioning_volumeshelf", runtime="SELECT, INSERT, UPDATE"),
        TenantTable("provisioning_volume", runtime="SELECT, INSERT, UPDATE", is_referenced=False),
        TenantReference(
            "provisioning_volume", column="deployment_id", to="provisioning_deployment"
        ),
    ]
