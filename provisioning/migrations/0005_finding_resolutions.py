from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0004_infrastructure"),
    ]

    operations = [
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
                ],
                default="",
                max_length=10,
            ),
        ),
    ]
