from __future__ import annotations

import django.core.validators
from django.db import migrations, models

import portal.kernel.models


class Migration(migrations.Migration):
    """Tenant alone: every table with a tenant depends on this one, and it depends on nothing."""

    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Tenant",
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
                    "slug",
                    models.CharField(
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
                                "Lower-case letters, digits and hyphens.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("timezone", models.CharField(default="Europe/Paris", max_length=64)),
                ("currency", models.CharField(default="EUR", max_length=3)),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={"ordering": ("name",)},
        ),
    ]
