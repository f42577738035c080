from __future__ import annotations

from django.db import migrations, models

import portal.kernel.models
from portal.kernel.rls import TenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SecretVersion",
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
                ("tenant_id", models.UUIDField()),
                ("path", models.CharField(max_length=300)),
                ("version", models.PositiveIntegerField()),
                ("key_id", models.CharField(max_length=16)),
                ("nonce", models.BinaryField(max_length=12)),
                ("ciphertext", models.BinaryField()),
                ("destroyed_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "path", "version"), name="secret_version_once"
                    )
                ],
            },
        ),
        TenantTable("integrations_secretversion"),
    ]
