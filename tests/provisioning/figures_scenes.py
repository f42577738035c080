"""Figures that were measured, for tests that read them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from provisioning.logic.measures import SubjectKind, floor
from provisioning.models import Deployment, MonitoredHost, Node
from provisioning.services.readings import Reading, readings_store
from provisioning.services.rollups import rollups_make

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


def _kind(subject: Deployment | Node | MonitoredHost) -> tuple[SubjectKind, UUID]:
    if isinstance(subject, Deployment):
        return SubjectKind.DEPLOYMENT, subject.tenant_id
    if isinstance(subject, MonitoredHost):
        return SubjectKind.HOST, subject.tenant_id
    return SubjectKind.NODE, PLATFORM_TENANT_ID
