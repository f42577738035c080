"""What people were last told of an alert."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0014_volumes"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="told",
            field=models.CharField(blank=True, db_default="", default="", max_length=8),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["firing", "resolved"]),
                    models.Q(("told", models.F("status")), _negated=True),
                ),
                fields=["updated_at"],
                name="alert_untold",
            ),
        ),
    ]
