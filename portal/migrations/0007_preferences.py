from __future__ import annotations

from django.db import migrations, models

from portal.kernel.rls import ColumnGrant


class Migration(migrations.Migration):
    """People may leave language and time zone to browser and platform, and switch single keys off."""

    dependencies = [("portal", "0006_lean_ledger")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="has_shortcuts",
            field=models.BooleanField(
                default=True, db_default=models.Value(True), verbose_name="single-key shortcuts"
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="language",
            field=models.CharField(
                choices=[("browser", "As the browser"), ("en", "English"), ("fr", "Français")],
                default="browser",
                max_length=8,
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="timezone",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Empty: the platform's.",
                max_length=64,
                verbose_name="time zone",
            ),
        ),
        ColumnGrant("portal_user", columns="has_shortcuts"),
    ]
