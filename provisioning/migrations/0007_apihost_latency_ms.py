from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0006_dashboard_figures")]

    operations = [
        migrations.AddField(
            model_name="apihost",
            name="latency_ms",
            field=models.PositiveIntegerField(null=True),
        ),
    ]
