from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """What failed lately, and what one person began, are found by key among all there ever was."""

    dependencies = [("portal", "0007_notifications")]

    operations = [
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("status__in", ("failed", "dead"))),
                fields=["tenant", "-completed_at"],
                name="operation_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("actor_id__isnull", False)),
                fields=["tenant", "actor_id", "-created_at", "-id"],
                name="operation_of_actor",
            ),
        ),
    ]
