"""Figures that were measured, for tests that read them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM_TENANT_ID, tenant_scope
from provisioning.logic.alerting import Severity
from provisioning.logic.measures import Metric, SubjectKind, floor
from provisioning.models import AlertRule, Deployment, MonitoredHost, Node
from provisioning.services.alert_rules import rule_create
from provisioning.services.alerting import alerts_tell
from provisioning.services.hosts import host_add
from provisioning.services.readings import Reading, readings_store
from provisioning.services.rollups import rollups_make
from tests.conftest import Cloud

GIB = 2**30


def reading(subject: Deployment | Node | MonitoredHost, at: datetime, **figures: Any) -> None:
    """One reading of a subject at a moment."""
    kind, tenant_id = _kind(subject)
    one = Reading(subject.pk, tenant_id, kind, subject.name, **figures)
    readings_store([one], at=at, interval_s=60)


def measured(subject: Deployment | Node | MonitoredHost, *, minutes: int = 90) -> datetime:
    """A reading a minute up to now, in waves, with a gap of ten minutes; answers the newest moment."""
    now = floor(clock.now(), 60)
    for back in range(minutes, -1, -1):
        if 30 <= back < 40:
            continue
        wave = 1 + math.sin((minutes - back) / 9)
        age_s = (10_000 - back) * 60
        reading(
            subject,
            now - timedelta(minutes=back),
            uptime_s=age_s,
            cpu=10 + 30 * wave,
            cpu_cores=8,
            memory_used=int((10 + 8 * wave) * GIB),
            memory_size=32 * GIB,
            disk_used=120 * GIB,
            disk_size=250 * GIB,
            disk_read_total=age_s * 400_000,
            disk_write_total=age_s * 250_000,
            net_in_total=age_s * 90_000 + int(1e6 * wave),
            net_out_total=age_s * 60_000,
        )
    rollups_make(now=now)
    return now


def watched(cloud: Cloud, machine: Deployment) -> tuple[MonitoredHost, AlertRule]:
    """A machine, the nodes and a host with figures, and a threshold that the machine has crossed."""
    world = cloud.world
    with tenant_scope(world.north.pk), transaction.atomic():
        host, _token = host_add(
            actor=world.actor("ops"),
            tenant_id=world.north.pk,
            name="db-legacy-1",
            note="Paris, rack 4",
        )
        rule = rule_create(
            actor=world.actor("ops"),
            values={
                "name": "CPU too busy",
                "subject_kind": SubjectKind.DEPLOYMENT,
                "metric": Metric.CPU,
                "threshold": 1,
                "hysteresis": 1,
                "for_s": 300,
                "severity": Severity.CRITICAL,
            },
        )
    for subject in (machine, host, *Node.objects.using("platform").filter(cluster=cloud.cluster)):
        measured(subject)
    alerts_tell()
    return host, rule


def _kind(subject: Deployment | Node | MonitoredHost) -> tuple[SubjectKind, UUID]:
    if isinstance(subject, Deployment):
        return SubjectKind.DEPLOYMENT, subject.tenant_id
    if isinstance(subject, MonitoredHost):
        return SubjectKind.HOST, subject.tenant_id
    return SubjectKind.NODE, PLATFORM_TENANT_ID
