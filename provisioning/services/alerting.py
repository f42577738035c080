"""Thresholds against fresh figures, in one statement for all rules and subjects; telling people afterwards.

What nobody measured is not judged: it neither fires, nor resolves, nor counts as having been so all along.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F

from audit.services import trail
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, tenant_scope
from provisioning.events import AlertChanged
from provisioning.logic.alerting import AlertStatus
from provisioning.logic.measures import METRICS, SubjectKind
from provisioning.models import Alert, Deployment
from provisioning.tags import Tag

_AT_ONCE: Final = 200

_KEY: Final = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(
    int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"""

_JUDGE: Final = f"""
  WITH judged AS MATERIALIZED (
    SELECT r.id AS rule_id, r.tenant_id, r.severity, m.id AS subject_id, m.kind, m.name, v.value,
      make_interval(secs => r.for_s) AS patience,
      make_interval(secs => 3 * m.interval_s + 15) AS gap,
      (v.value - r.threshold) * s.sign > 0 AS is_broken,
      (v.value - r.threshold) * s.sign <= -r.hysteresis AS is_calm
    FROM provisioning_metricsubject m
    JOIN provisioning_alertrule r ON r.is_active AND r.subject_kind = m.kind
      AND (r.tenant_id = m.tenant_id OR (r.tenant_id = %(platform)s AND m.kind = 'deployment'))
    CROSS JOIN LATERAL (SELECT CASE r.operator WHEN 'above' THEN 1 ELSE -1 END AS sign) s
    CROSS JOIN LATERAL (SELECT CASE r.metric
      {" ".join(f"WHEN '{name}' THEN m.{name}" for name in METRICS)} END AS value) v
    WHERE m.id = ANY(%(ids)s::uuid[]) AND v.value IS NOT NULL
  ), forgotten AS (
    DELETE FROM provisioning_alert a USING judged j
    WHERE a.rule_id = j.rule_id AND a.subject_id = j.subject_id
      AND a.status = 'pending' AND NOT j.is_broken
  ), eased AS (
    UPDATE provisioning_alert a SET value = j.value, seen_at = %(at)s, updated_at = now(),
      calm_since = c.since,
      status = CASE WHEN %(at)s - c.since >= j.patience THEN 'resolved' ELSE a.status END,
      resolved_at = CASE WHEN %(at)s - c.since >= j.patience THEN %(at)s END
    FROM judged j JOIN provisioning_alert b ON b.rule_id = j.rule_id
      AND b.subject_id = j.subject_id AND b.status = 'firing'
    CROSS JOIN LATERAL (SELECT CASE WHEN j.is_calm THEN
      CASE WHEN %(at)s - b.seen_at <= j.gap THEN coalesce(b.calm_since, %(at)s) ELSE %(at)s END
      END AS since) c
    WHERE a.id = b.id AND NOT j.is_broken
  )
  INSERT INTO provisioning_alert AS a (id, created_at, updated_at, tenant_id, rule_id, subject_id,
    subject_kind, subject_name, severity, status, value, peak, since, seen_at, fired_at,
    acknowledged_by, told)
  SELECT {_KEY}, now(), now(), tenant_id, rule_id, subject_id, kind, name, severity,
    CASE WHEN patience = interval '0' THEN 'firing' ELSE 'pending' END, value, value,
    %(at)s, %(at)s, CASE WHEN patience = interval '0' THEN %(at)s::timestamptz END, '', ''
  FROM judged WHERE is_broken
  ON CONFLICT (rule_id, subject_id) WHERE status IN ('pending', 'firing') DO UPDATE SET
    value = excluded.value, seen_at = excluded.seen_at, updated_at = now(), calm_since = NULL,
    severity = excluded.severity, subject_name = excluded.subject_name,
    peak = (SELECT CASE r.operator WHEN 'above' THEN greatest(a.peak, excluded.value)
      ELSE least(a.peak, excluded.value) END FROM provisioning_alertrule r WHERE r.id = a.rule_id),
    since = CASE WHEN a.status = 'pending' AND excluded.seen_at - a.seen_at > (SELECT j.gap
      FROM judged j WHERE j.rule_id = a.rule_id AND j.subject_id = a.subject_id)
      THEN excluded.seen_at ELSE a.since END"""  # noqa: S608 - names of our own list

_FIRE: Final = """
  UPDATE provisioning_alert a SET status = 'firing', fired_at = %(at)s, updated_at = now()
  FROM provisioning_alertrule r
  WHERE a.status = 'pending' AND a.subject_id = ANY(%(ids)s::uuid[]) AND a.seen_at = %(at)s
    AND r.id = a.rule_id AND %(at)s - a.since >= make_interval(secs => r.for_s)"""

_CLOSE_GONE: Final = """
  UPDATE provisioning_alert a SET status = 'resolved', resolved_at = %(at)s, updated_at = now()
  WHERE a.status = 'firing' AND (
    (a.subject_kind = 'deployment' AND NOT EXISTS (SELECT 1 FROM provisioning_deployment d
      WHERE d.id = a.subject_id AND d.status <> 'deleted'))
    OR (a.subject_kind = 'host' AND NOT EXISTS (SELECT 1 FROM provisioning_monitoredhost h
      WHERE h.id = a.subject_id))
    OR (a.subject_kind = 'node' AND NOT EXISTS (SELECT 1 FROM provisioning_node n
      WHERE n.id = a.subject_id))
    OR NOT EXISTS (SELECT 1 FROM provisioning_alertrule r WHERE r.id = a.rule_id AND r.is_active))"""


def alerts_judge(*, subject_ids: Sequence[UUID], at: datetime) -> None:
    """Compares the newest figures of these subjects with all rules, in the open transaction."""
    if not subject_ids:
        return
    bound: dict[str, Any] = {"ids": list(subject_ids), "at": at, "platform": PLATFORM_TENANT_ID}
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(_JUDGE, bound)
        cursor.execute(_FIRE, bound)


def alerts_settle() -> None:
    """Ends alerts whose subject or rule is no more, then tells people; what the schedule runs."""
    with connections[PLATFORM].cursor() as cursor:
        cursor.execute(_CLOSE_GONE, {"at": clock.now()})
    alerts_tell()


def alerts_tell() -> int:
    """Tells once of each alert that began or ended; answers of how many.

    Judging happens across organisations, telling within each: a crash in between loses nothing, because an
    alert remembers what was told of it.
    """
    untold = (
        Alert.across_tenants.filter(status__in=(AlertStatus.FIRING, AlertStatus.RESOLVED))
        .exclude(told=F("status"))
        .order_by("updated_at")
        .values_list("pk", "tenant_id")[:_AT_ONCE]
    )
    return sum(_tell(pk, tenant_id) for pk, tenant_id in list(untold))


def _tell(alert_id: UUID, tenant_id: UUID) -> bool:
    with tenant_scope(tenant_id), transaction.atomic():
        rows = Alert.objects.select_for_update(of=("self",)).select_related("rule")
        alert = rows.exclude(told=F("status")).filter(pk=alert_id).first()
        if alert is None:
            return False
        is_firing = alert.status == AlertStatus.FIRING
        trail.record(
            tag=Tag.ALERT_FIRED if is_firing else Tag.ALERT_RESOLVED,
            target=alert,
            target_label=f"{alert.rule.name}: {alert.subject_name}",
            after={"value": round(alert.value, 1), "threshold": alert.rule.threshold},
            actor=Actor.system("alerts", tenant_id=tenant_id),
            tenant_id=tenant_id,
        )
        events.publish(
            AlertChanged(
                alert_id=alert.pk,
                tenant_id=tenant_id,
                status=alert.status,
                severity=alert.severity,
                rule=alert.rule.name,
                metric=alert.rule.metric,
                threshold=alert.rule.threshold,
                value=alert.value,
                subject_kind=alert.subject_kind,
                subject_id=alert.subject_id,
                subject=alert.subject_name,
                owner_id=_owner_of(alert),
            )
        )
        Alert.objects.filter(pk=alert.pk).update(told=alert.status)
    return True


def _owner_of(alert: Alert) -> UUID | None:
    if alert.subject_kind != SubjectKind.DEPLOYMENT:
        return None
    rows = Deployment.objects.filter(pk=alert.subject_id)
    return rows.values_list("owner_id", flat=True).first()
