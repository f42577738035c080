from __future__ import annotations

from django.db import migrations, models

import portal.kernel.clock
import portal.kernel.models
from portal.kernel.rls import TenantTable, role
from portal.kernel.tenancy import DEFAULT, PLATFORM

# Each value is prefixed with its length, so that no two rows can read the same when strung together.
FIELD = """
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN value IS NULL THEN '-' ELSE octet_length(value) || ':' || value END
$$
"""

HASH = """
CREATE FUNCTION audit_entry_complete() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
BEGIN
  NEW.seq := nextval('public.audit_entry_number');
  NEW.xid := pg_current_xact_id()::text::bigint;
  NEW.row_hash := encode(sha256(convert_to(concat(
    audit_field(NEW.id::text), audit_field(NEW.tenant_id::text), audit_field(NEW.seq::text),
    audit_field(NEW.xid::text), audit_field(NEW.category), audit_field(NEW.tag),
    audit_field(NEW.outcome), audit_field(NEW.actor_kind), audit_field(NEW.actor_id::text),
    audit_field(NEW.actor_label), audit_field(NEW.target_type), audit_field(NEW.target_id),
    audit_field(NEW.target_label), audit_field(NEW.before::text), audit_field(NEW.after::text),
    audit_field(NEW.detail::text), audit_field(NEW.request_id),
    audit_field(NEW.operation_id::text), audit_field(NEW.address), audit_field(NEW.channel),
    audit_field(to_char(NEW.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
  ), 'UTF8')), 'hex');
  RETURN NEW;
END $$
"""

# Tests empty their tables between themselves; only a connection of the owner that says so may.
GUARD = """
CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' AND current_setting('app.truncate_allowed', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit is append-only: % on % is not possible', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$
"""


def guarded(table: str) -> list[str]:
    """Triggers that fire even for a replication role."""
    return [
        (
            f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_keep()"
        ),
        (
            f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_keep()"
        ),
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all",
    ]


class Migration(migrations.Migration):
    """Entries that hash themselves and seals over them; neither can be changed or removed."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
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
                ("tenant_id", models.UUIDField()),
                ("seq", models.BigIntegerField(default=0, unique=True)),
                ("xid", models.BigIntegerField(db_index=True, default=0)),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("lifecycle", "lifecycle"),
                            ("health", "health"),
                            ("backup", "backup"),
                            ("quota", "quota"),
                            ("security", "security"),
                            ("billing", "billing"),
                            ("project", "project"),
                            ("settings", "settings"),
                        ],
                        max_length=16,
                    ),
                ),
                ("tag", models.CharField(max_length=80)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("success", "Success"),
                            ("refused", "Refused"),
                            ("failed", "Failed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("actor_kind", models.CharField(max_length=16)),
                ("actor_id", models.UUIDField(null=True)),
                ("actor_label", models.CharField(max_length=200)),
                ("target_type", models.CharField(blank=True, max_length=80)),
                ("target_id", models.CharField(blank=True, max_length=80)),
                ("target_label", models.CharField(blank=True, max_length=200)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("detail", models.JSONField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("operation_id", models.UUIDField(null=True)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("channel", models.CharField(max_length=16)),
                ("created_at", models.DateTimeField(default=portal.kernel.clock.now)),
                ("row_hash", models.CharField(default="", max_length=64)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(
                        fields=["tenant_id", "-created_at", "-id"], name="audit_entry_newest"
                    ),
                    models.Index(
                        fields=["tenant_id", "target_type", "target_id"], name="audit_entry_target"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["success", "refused", "failed"])),
                        name="audit_entry_outcome_is_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Seal",
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
                ("tenant_id", models.UUIDField()),
                ("number", models.BigIntegerField()),
                ("from_xid", models.BigIntegerField()),
                ("to_xid", models.BigIntegerField(db_index=True)),
                ("entry_count", models.IntegerField()),
                ("members", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("previous_hash", models.CharField(blank=True, max_length=64)),
                ("seal_hash", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField(default=portal.kernel.clock.now)),
            ],
            options={
                "ordering": ("tenant_id", "number"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "number"), name="audit_seal_number_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(
            sql=[
                "CREATE SEQUENCE audit_entry_number OWNED BY audit_entry.seq",
                f"GRANT USAGE ON SEQUENCE audit_entry_number TO {role(DEFAULT)}, {role(PLATFORM)}",
                FIELD,
                HASH,
                (
                    "CREATE TRIGGER audit_entry_complete BEFORE INSERT ON audit_entry "
                    "FOR EACH ROW EXECUTE FUNCTION audit_entry_complete()"
                ),
                "ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_complete",
                GUARD,
                *guarded("audit_entry"),
                *guarded("audit_seal"),
            ],
            reverse_sql=[
                "DROP FUNCTION audit_entry_complete() CASCADE",
                "DROP FUNCTION audit_keep() CASCADE",
                "DROP FUNCTION audit_field(text)",
                "DROP SEQUENCE audit_entry_number",
            ],
        ),
        TenantTable(
            "audit_entry",
            runtime="SELECT, INSERT",
            platform="SELECT, INSERT",
            is_open_to_platform_inserts=True,
        ),
        TenantTable("audit_seal", runtime="SELECT", platform="SELECT, INSERT"),
    ]
