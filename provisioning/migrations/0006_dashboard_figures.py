from __future__ import annotations

from django.db import migrations, models

LIVE = ~models.Q(status="deleted")
TROUBLED = models.Q(attention__isnull=False) | models.Q(status="error")


class Migration(migrations.Migration):
    """What the first page counts is read from indexes alone, whatever a tenant has had."""

    dependencies = [("provisioning", "0005_finding_resolutions")]

    operations = [
        migrations.RemoveIndex(model_name="deployment", name="deployment_newest"),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                fields=["tenant", "-created_at", "-id"],
                include=("status", "ready_at", "price_hour"),
                name="deployment_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                fields=["tenant", "expires_at"],
                include=("status", "price_hour", "hold"),
                name="deployment_live",
                condition=LIVE,
            ),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                fields=["tenant", "deleted_at"],
                include=("price_hour",),
                name="deployment_gone",
                condition=models.Q(deleted_at__isnull=False),
            ),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                fields=["tenant", "-updated_at"],
                name="deployment_troubled",
                condition=TROUBLED & LIVE,
            ),
        ),
    ]
