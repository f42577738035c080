"""Findings of reconciliation, and what it remembers of the machines it looked at."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import TenantReference, TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0002_leases"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="guest_facts",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="guestobservation",
            name="checked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="Finding",
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
                ("node", models.CharField(blank=True, default="", max_length=63)),
                (
                    "kind",
                    models.CharField(
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
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("suspected", "Suspected"),
                            ("open", "Open"),
                            ("closed", "Closed"),
                            ("resolved", "Resolved"),
                        ],
                        default="suspected",
                        max_length=10,
                    ),
                ),
                ("expected", models.JSONField(default=dict)),
                ("found", models.JSONField(default=dict)),
                ("count", models.PositiveIntegerField(default=1)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("gone", "No longer so"),
                            ("followed", "Taken over"),
                            ("forgotten", "Forgotten"),
                            ("adopted", "Adopted"),
                            ("accepted", "Accepted"),
                            ("dismissed", "Closed by a person"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("decided_by", models.CharField(blank=True, default="", max_length=160)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="provisioning.cluster",
                    ),
                ),
                (
                    "deployment",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="provisioning.deployment",
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
                "verbose_name": "finding",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["tenant", "-created_at", "-id"], name="finding_newest")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["suspected", "open", "closed"])),
                        fields=("cluster", "vmid", "kind"),
                        name="finding_once_while_it_stands",
                    ),
                    models.CheckConstraint(
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
                                ],
                            )
                        ),
                        name="finding_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["suspected", "open", "closed", "resolved"])
                        ),
                        name="finding_status_known",
                    ),
                ],
            },
        ),
        TenantTable("provisioning_finding", runtime="SELECT, INSERT, UPDATE", is_referenced=False),
        TenantReference(
            "provisioning_finding", column="deployment_id", to="provisioning_deployment"
        ),
    ]
