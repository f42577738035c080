"""Benches of volumes, the watch over what was forgotten, strange marks in zones."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0016_health_unwell"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="watched_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="dnszone",
            name="strange",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="volume",
            name="bench",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="provisioning.volumeshelf",
            ),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                condition=models.Q(("watched_until__isnull", False)),
                fields=["cluster", "watched_until"],
                name="deployment_watched",
            ),
        ),
    ]
