from __future__ import annotations

from django.db import migrations, models

import portal.kernel.clock
import portal.kernel.models
from portal.kernel.rls import PlatformTable


class Migration(migrations.Migration):
    """What processes report; the engine's role writes and forgets, administrators read."""

    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SystemEvent",
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
                ("service", models.CharField(max_length=40)),
                (
                    "level",
                    models.CharField(
                        choices=[("info", "Info"), ("warn", "Warning"), ("error", "Error")],
                        max_length=5,
                    ),
                ),
                ("message", models.CharField(max_length=500)),
                ("context", models.JSONField(default=dict)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("operation_id", models.UUIDField(null=True)),
                ("process", models.CharField(blank=True, max_length=120)),
                ("created_at", models.DateTimeField(default=portal.kernel.clock.now)),
            ],
            options={
                "verbose_name": "system event",
                "verbose_name_plural": "system events",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="systemevent_newest"),
                    models.Index(
                        condition=models.Q(("level", "info"), _negated=True),
                        fields=["level", "-created_at", "-id"],
                        name="systemevent_serious",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["info", "warn", "error"])),
                        name="systemevent_level_is_known",
                    )
                ],
            },
        ),
        PlatformTable(
            "audit_systemevent", runtime="", platform="SELECT", dispatch="SELECT, INSERT, DELETE"
        ),
    ]
