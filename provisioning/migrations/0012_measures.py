"""Figures over time in partitions, hosts outside the clusters, thresholds and alerts."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import portal.kernel.models
import provisioning.models.metric
from portal.kernel.rls import PlatformTable, TenantReference, TenantTable, role
from portal.kernel.tenancy import PLATFORM

_MEANS = (
    "cpu real, memory real, disk real, disk_read real, disk_write real, net_in real, net_out real"
)
# In one line, as whatever judges statements line by line expects.
_EDGES = (
    "samples integer NOT NULL CHECK (samples > 0), cpu_min real, cpu_max real, memory_min real, "
    "memory_max real, disk_min real, disk_max real, disk_read_min real, disk_read_max real, "
    "disk_write_min real, disk_write_max real, net_in_min real, net_in_max real, "
    "net_out_min real, net_out_max real"
)


def _create(table: str, columns: str, covered: str = "") -> str:
    return (
        f"CREATE TABLE {table} (subject_id uuid NOT NULL, at timestamptz NOT NULL, "
        f"tenant_id uuid NOT NULL, {columns}, PRIMARY KEY (subject_id, at){covered}) "
        f"PARTITION BY RANGE (at); CREATE INDEX {table}_at ON {table} USING brin (at)"
    )


def _drop(table: str) -> str:
    return f"DROP TABLE {table}"


_CREATE_METRICSAMPLE = _create("provisioning_metricsample", _MEANS)
_CREATE_METRIC5M = _create("provisioning_metric5m", f"{_MEANS}, {_EDGES}")
_CREATE_METRIC1H = _create(
    "provisioning_metric1h",
    f"{_MEANS}, {_EDGES}",
    " INCLUDE (tenant_id, cpu, memory, disk, disk_read, disk_write, net_in, net_out)",
)

# Runs as the owner, who alone may make and drop tables, for the platform role, who may not. A partition
# gets no grant and no policy: it is reached through its parent or not at all. Raw readings whose rollup is
# still due stay for another week at most.
_TURN = """
CREATE FUNCTION metric_partitions_turn(moment timestamptz, OUT made integer, OUT dropped integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  kept record; part record; step interval; low timestamp; high timestamp; child text;
BEGIN
  made := 0; dropped := 0;
  PERFORM pg_advisory_xact_lock(hashtext('metric_partitions_turn'));
  PERFORM set_config('lock_timeout', '5s', true);
  FOR kept IN SELECT * FROM (VALUES
      ('provisioning_metricsample', 'day', 'YYYYMMDD', interval '24 hours', 3),
      ('provisioning_metric5m', 'day', 'YYYYMMDD', interval '14 days', 3),
      ('provisioning_metric1h', 'month', 'YYYYMM', interval '400 days', 2)
    ) AS list (parent, span, form, age, ahead)
  LOOP
    step := ('1 ' || kept.span)::interval;
    FOR n IN -1 .. kept.ahead LOOP
      low := date_trunc(kept.span, moment AT TIME ZONE 'UTC') + n * step;
      high := low + step;
      child := kept.parent || '_' || to_char(low, kept.form);
      CONTINUE WHEN high AT TIME ZONE 'UTC' <= moment - kept.age
        OR to_regclass(format('public.%I', child)) IS NOT NULL;
      EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING CONSTRAINTS '
        'INCLUDING INDEXES)', child, kept.parent);
      EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, '
        'FORCE ROW LEVEL SECURITY', child);
      EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        kept.parent, child, low AT TIME ZONE 'UTC', high AT TIME ZONE 'UTC');
      made := made + 1;
    END LOOP;
    FOR part IN SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = format('public.%I', kept.parent)::regclass ORDER BY 1
    LOOP
      low := to_timestamp(substr(part.name, length(kept.parent) + 2), kept.form)::timestamp;
      high := low + step;
      CONTINUE WHEN high AT TIME ZONE 'UTC' > moment - kept.age;
      CONTINUE WHEN kept.parent = 'provisioning_metricsample'
        AND high AT TIME ZONE 'UTC' > moment - kept.age - interval '7 days'
        AND EXISTS (SELECT 1 FROM public.provisioning_metricdue d
          WHERE d.at < high AT TIME ZONE 'UTC'
          AND d.at + make_interval(secs => d.width_s) > low AT TIME ZONE 'UTC');
      EXECUTE format('DROP TABLE public.%I', part.name);
      dropped := dropped + 1;
    END LOOP;
  END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_quota"),
        ("provisioning", "0011_copies"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Metric1h",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "subject_id",
                                "at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("subject_id", models.UUIDField()),
                        ("at", models.DateTimeField()),
                        ("tenant_id", models.UUIDField()),
                        ("cpu", provisioning.models.metric.RealField(null=True)),
                        ("memory", provisioning.models.metric.RealField(null=True)),
                        ("disk", provisioning.models.metric.RealField(null=True)),
                        ("disk_read", provisioning.models.metric.RealField(null=True)),
                        ("disk_write", provisioning.models.metric.RealField(null=True)),
                        ("net_in", provisioning.models.metric.RealField(null=True)),
                        ("net_out", provisioning.models.metric.RealField(null=True)),
                        ("samples", models.PositiveIntegerField()),
                        ("cpu_min", provisioning.models.metric.RealField(null=True)),
                        ("cpu_max", provisioning.models.metric.RealField(null=True)),
                        ("memory_min", provisioning.models.metric.RealField(null=True)),
                        ("memory_max", provisioning.models.metric.RealField(null=True)),
                        ("disk_min", provisioning.models.metric.RealField(null=True)),
                        ("disk_max", provisioning.models.metric.RealField(null=True)),
                        ("disk_read_min", provisioning.models.metric.RealField(null=True)),
                        ("disk_read_max", provisioning.models.metric.RealField(null=True)),
                        ("disk_write_min", provisioning.models.metric.RealField(null=True)),
                        ("disk_write_max", provisioning.models.metric.RealField(null=True)),
                        ("net_in_min", provisioning.models.metric.RealField(null=True)),
                        ("net_in_max", provisioning.models.metric.RealField(null=True)),
                        ("net_out_min", provisioning.models.metric.RealField(null=True)),
                        ("net_out_max", provisioning.models.metric.RealField(null=True)),
                    ],
                    options={
                        "abstract": False,
                    },
                ),
            ],
            database_operations=[
                migrations.RunSQL(_CREATE_METRIC1H, _drop("provisioning_metric1h"))
            ],
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Metric5m",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "subject_id",
                                "at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("subject_id", models.UUIDField()),
                        ("at", models.DateTimeField()),
                        ("tenant_id", models.UUIDField()),
                        ("cpu", provisioning.models.metric.RealField(null=True)),
                        ("memory", provisioning.models.metric.RealField(null=True)),
                        ("disk", provisioning.models.metric.RealField(null=True)),
                        ("disk_read", provisioning.models.metric.RealField(null=True)),
                        ("disk_write", provisioning.models.metric.RealField(null=True)),
                        ("net_in", provisioning.models.metric.RealField(null=True)),
                        ("net_out", provisioning.models.metric.RealField(null=True)),
                        ("samples", models.PositiveIntegerField()),
                        ("cpu_min", provisioning.models.metric.RealField(null=True)),
                        ("cpu_max", provisioning.models.metric.RealField(null=True)),
                        ("memory_min", provisioning.models.metric.RealField(null=True)),
                        ("memory_max", provisioning.models.metric.RealField(null=True)),
                        ("disk_min", provisioning.models.metric.RealField(null=True)),
                        ("disk_max", provisioning.models.metric.RealField(null=True)),
                        ("disk_read_min", provisioning.models.metric.RealField(null=True)),
                        ("disk_read_max", provisioning.models.metric.RealField(null=True)),
                        ("disk_write_min", provisioning.models.metric.RealField(null=True)),
                        ("disk_write_max", provisioning.models.metric.RealField(null=True)),
                        ("net_in_min", provisioning.models.metric.RealField(null=True)),
                        ("net_in_max", provisioning.models.metric.RealField(null=True)),
                        ("net_out_min", provisioning.models.metric.RealField(null=True)),
                        ("net_out_max", provisioning.models.metric.RealField(null=True)),
                    ],
                    options={
                        "abstract": False,
                    },
                ),
            ],
            database_operations=[
                migrations.RunSQL(_CREATE_METRIC5M, _drop("provisioning_metric5m"))
            ],
        ),
        migrations.CreateModel(
            name="MetricDue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "width_s",
                        "at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("width_s", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="MetricSample",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "subject_id",
                                "at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("subject_id", models.UUIDField()),
                        ("at", models.DateTimeField()),
                        ("tenant_id", models.UUIDField()),
                        ("cpu", provisioning.models.metric.RealField(null=True)),
                        ("memory", provisioning.models.metric.RealField(null=True)),
                        ("disk", provisioning.models.metric.RealField(null=True)),
                        ("disk_read", provisioning.models.metric.RealField(null=True)),
                        ("disk_write", provisioning.models.metric.RealField(null=True)),
                        ("net_in", provisioning.models.metric.RealField(null=True)),
                        ("net_out", provisioning.models.metric.RealField(null=True)),
                    ],
                    options={
                        "abstract": False,
                    },
                ),
            ],
            database_operations=[
                migrations.RunSQL(_CREATE_METRICSAMPLE, _drop("provisioning_metricsample"))
            ],
        ),
        migrations.AddField(
            model_name="cluster",
            name="measured_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name="AlertRule",
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
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("code", models.CharField(blank=True, default="", max_length=40)),
                ("name", models.CharField(max_length=120)),
                (
                    "subject_kind",
                    models.CharField(
                        choices=[("deployment", "Machine"), ("node", "Node"), ("host", "Host")],
                        max_length=10,
                    ),
                ),
                (
                    "metric",
                    models.CharField(
                        choices=[
                            ("cpu", "CPU"),
                            ("memory", "Memory"),
                            ("disk", "Disk"),
                            ("disk_read", "Disk reads"),
                            ("disk_write", "Disk writes"),
                            ("net_in", "Network in"),
                            ("net_out", "Network out"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "operator",
                    models.CharField(
                        choices=[("above", "above"), ("below", "below")],
                        default="above",
                        max_length=5,
                    ),
                ),
                ("threshold", models.FloatField()),
                ("hysteresis", models.FloatField(default=0)),
                ("for_s", models.PositiveIntegerField()),
                (
                    "severity",
                    models.CharField(
                        choices=[("warning", "Warning"), ("critical", "Critical")],
                        default="warning",
                        max_length=8,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
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
            options={
                "verbose_name": "alert rule",
                "ordering": ("name", "id"),
            },
        ),
        migrations.CreateModel(
            name="Alert",
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
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("subject_id", models.UUIDField()),
                (
                    "subject_kind",
                    models.CharField(
                        choices=[("deployment", "Machine"), ("node", "Node"), ("host", "Host")],
                        max_length=10,
                    ),
                ),
                ("subject_name", models.CharField(max_length=255)),
                (
                    "severity",
                    models.CharField(
                        choices=[("warning", "Warning"), ("critical", "Critical")], max_length=8
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Not long enough yet"),
                            ("firing", "Firing"),
                            ("resolved", "Over"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("value", models.FloatField()),
                ("peak", models.FloatField()),
                ("since", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("calm_since", models.DateTimeField(null=True)),
                ("fired_at", models.DateTimeField(null=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.CharField(blank=True, default="", max_length=160)),
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
                (
                    "rule",
                    portal.kernel.models.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alerts",
                        to="provisioning.alertrule",
                    ),
                ),
            ],
            options={
                "verbose_name": "alert",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="MetricSubject",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("deployment", "Machine"), ("node", "Node"), ("host", "Host")],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("at", models.DateTimeField()),
                ("interval_s", models.PositiveIntegerField()),
                ("uptime_s", models.BigIntegerField(null=True)),
                ("disk_read_total", models.BigIntegerField(null=True)),
                ("disk_write_total", models.BigIntegerField(null=True)),
                ("net_in_total", models.BigIntegerField(null=True)),
                ("net_out_total", models.BigIntegerField(null=True)),
                ("cpu_cores", models.PositiveIntegerField(null=True)),
                ("memory_used", models.BigIntegerField(null=True)),
                ("memory_size", models.BigIntegerField(null=True)),
                ("disk_used", models.BigIntegerField(null=True)),
                ("disk_size", models.BigIntegerField(null=True)),
                ("cpu", provisioning.models.metric.RealField(null=True)),
                ("memory", provisioning.models.metric.RealField(null=True)),
                ("disk", provisioning.models.metric.RealField(null=True)),
                ("disk_read", provisioning.models.metric.RealField(null=True)),
                ("disk_write", provisioning.models.metric.RealField(null=True)),
                ("net_in", provisioning.models.metric.RealField(null=True)),
                ("net_out", provisioning.models.metric.RealField(null=True)),
                (
                    "cluster",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.cluster",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MonitoredHost",
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
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[("probe", "Probe"), ("portal", "uHub itself")],
                        default="probe",
                        max_length=6,
                    ),
                ),
                ("note", models.CharField(blank=True, default="", max_length=200)),
                ("system", models.CharField(blank=True, default="", max_length=120)),
                ("interval_s", models.PositiveIntegerField(default=60)),
                ("token_digest", models.CharField(max_length=64, null=True, unique=True)),
                ("token_hint", models.CharField(blank=True, default="", max_length=8)),
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
            options={
                "verbose_name": "host",
                "ordering": ("name", "id"),
            },
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="alert_rule_once_per_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject_kind__in", ["deployment", "node", "host"])),
                name="alert_rule_subject_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "metric__in",
                        ["cpu", "memory", "disk", "disk_read", "disk_write", "net_in", "net_out"],
                    )
                ),
                name="alert_rule_metric_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("operator__in", ["above", "below"])),
                name="alert_rule_operator_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["warning", "critical"])),
                name="alert_rule_severity_known",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="alert_newest"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["pending", "firing"])),
                fields=("rule", "subject_id"),
                name="alert_once_while_it_stands",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "firing", "resolved"])),
                name="alert_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject_kind__in", ["deployment", "node", "host"])),
                name="alert_subject_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["warning", "critical"])),
                name="alert_severity_known",
            ),
        ),
        migrations.AddIndex(
            model_name="metricsubject",
            index=models.Index(fields=["tenant_id", "kind"], name="metric_subject_of_tenant"),
        ),
        migrations.AddConstraint(
            model_name="metricsubject",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["deployment", "node", "host"])),
                name="metric_subject_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoredhost",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name"), name="host_once_per_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="monitoredhost",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["probe", "portal"])), name="host_kind_known"
            ),
        ),
        migrations.RunSQL(_TURN, "DROP FUNCTION metric_partitions_turn(timestamptz)"),
        *(
            TenantTable(table, runtime="SELECT", is_referenced=False)
            for table in (
                "provisioning_metricsample",
                "provisioning_metric5m",
                "provisioning_metric1h",
                "provisioning_metricsubject",
            )
        ),
        PlatformTable("provisioning_metricdue", runtime=""),
        TenantTable("provisioning_monitoredhost", is_referenced=False),
        TenantTable("provisioning_alertrule"),
        TenantTable("provisioning_alert", runtime="SELECT, UPDATE, DELETE", is_referenced=False),
        TenantReference("provisioning_alert", column="rule_id", to="provisioning_alertrule"),
        migrations.RunSQL(
            [
                "REVOKE ALL ON FUNCTION metric_partitions_turn(timestamptz) FROM PUBLIC",
                f"GRANT EXECUTE ON FUNCTION metric_partitions_turn(timestamptz) TO {role(PLATFORM)}",
                "SELECT metric_partitions_turn(now())",
            ],
            migrations.RunSQL.noop,
        ),
    ]
