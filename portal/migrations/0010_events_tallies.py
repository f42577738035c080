from __future__ import annotations

from django.db import migrations, models

from portal.kernel.rls import PlatformTable


class Migration(migrations.Migration):
    """Totals and minutes that processes count and add up."""

    dependencies = [
        ("portal", "0009_saved_filters"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueueMinute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("queue", models.CharField(max_length=32)),
                ("minute", models.DateTimeField()),
                ("completed", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("retried", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("minute", "queue"), name="queueminute_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("labels", models.CharField(max_length=400)),
                ("value", models.FloatField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("name", "labels"), name="tally_once_per_labels")
                ],
            },
        ),
        PlatformTable(
            "portal_tally", runtime="", platform="SELECT", dispatch="SELECT, INSERT, UPDATE, DELETE"
        ),
        PlatformTable(
            "portal_queueminute",
            runtime="",
            platform="SELECT",
            dispatch="SELECT, INSERT, UPDATE, DELETE",
        ),
    ]
