from __future__ import annotations

from django.db import migrations, models

OVER = models.Q(status__in=("deleted", "error"))


class Migration(migrations.Migration):
    """The first page counts machines that are unwell from an index alone."""

    dependencies = [("provisioning", "0015_measures_told")]

    operations = [
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                fields=["tenant", "-updated_at"],
                name="deployment_unwell",
                condition=models.Q(health="failed", attention__isnull=True) & ~OVER,
            ),
        ),
    ]
