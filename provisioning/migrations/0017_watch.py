"""A machine for growing detached disks, the watch over what was forgotten, strange marks in zones."""

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
        migrations.AddField(
            model_name="volumeshelf",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("shelf", "Keeps the number of disks"),
                    ("bench", "Lets detached disks grow"),
                ],
                db_default="shelf",
                default="shelf",
                max_length=5,
            ),
        ),
        migrations.AlterField(
            model_name="volumeshelf",
            name="cluster",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shelves",
                to="provisioning.cluster",
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
    ]
