from __future__ import annotations

from django.db import migrations, models

NO_KEY = """
ALTER TABLE portal_operationattempt DROP CONSTRAINT IF EXISTS portal_operationattempt_tenant_key;
"""

KEY = """
ALTER TABLE portal_operationattempt
  ADD CONSTRAINT portal_operationattempt_tenant_key UNIQUE (tenant_id, id);
"""

# What is enqueued at once is due at the same moment. Packed into one entry of the index, the first could only
# be forgotten with the last, and every look for due work would read all of them.
APART = """
ALTER INDEX operation_due SET (deduplicate_items = off);
"""

PACKED = """
ALTER INDEX operation_due RESET (deduplicate_items);
"""


class Migration(migrations.Migration):
    """An index entry less for each operation without a target, and a key that nothing refers to."""

    dependencies = [("portal", "0005_live_events_and_drains")]

    operations = [
        migrations.RemoveIndex(model_name="operation", name="operation_target"),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("target_id__isnull", False)),
                fields=["tenant", "target_id", "-created_at"],
                name="operation_of_target",
            ),
        ),
        migrations.RunSQL(NO_KEY, KEY),
        migrations.RunSQL(APART, PACKED),
    ]
