from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import TenantTable


class Migration(migrations.Migration):
    """Filters of lists under a name, of one person or shared."""

    dependencies = [
        ("billing", "0002_quota"),
        ("portal", "0008_operations_of_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedFilter",
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
                ("table", models.CharField(max_length=40, verbose_name="list")),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("query", models.CharField(blank=True, max_length=1000, verbose_name="filter")),
                ("is_shared", models.BooleanField(default=False, verbose_name="shared")),
                ("is_default", models.BooleanField(default=False, verbose_name="default")),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
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
                "verbose_name": "saved filter",
                "verbose_name_plural": "saved filters",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "owner", "table", "name"),
                        name="saved_filter_name_once_per_list",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("tenant", "owner", "table"),
                        name="saved_filter_one_default_per_list",
                    ),
                ],
            },
        ),
        TenantTable("portal_savedfilter", is_referenced=False),
    ]
