from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
from django.db import migrations, models

from portal.kernel.rls import TenantTable

HOT = """
ALTER TABLE portal_liveevent SET (autovacuum_vacuum_scale_factor = 0.05);
"""

UNHOT = """
ALTER TABLE portal_liveevent RESET (autovacuum_vacuum_scale_factor);
"""


def number_of(function: str, *arguments: models.Func) -> models.Func:
    return django.db.models.functions.comparison.Cast(
        django.db.models.functions.comparison.Cast(
            models.Func(*arguments, function=function), models.TextField()
        ),
        models.BigIntegerField(),
    )


class Migration(migrations.Migration):
    """What pages hear of changes, and workers that are asked to drain."""

    dependencies = [("portal", "0004_sessions_teams_keys"), ("billing", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="drain_requested",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name="LiveEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("topics", models.JSONField()),
                (
                    "xid",
                    models.BigIntegerField(
                        db_default=number_of("pg_current_xact_id"), db_index=True
                    ),
                ),
                (
                    "horizon",
                    models.BigIntegerField(
                        db_default=number_of(
                            "pg_snapshot_xmin", models.Func(function="pg_current_snapshot")
                        )
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.tenant",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(HOT, UNHOT),
        TenantTable(
            "portal_liveevent",
            runtime="SELECT, INSERT",
            platform="SELECT, INSERT",
            dispatch="SELECT, INSERT, DELETE",
            is_referenced=False,
        ),
    ]
