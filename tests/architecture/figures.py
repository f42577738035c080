"""Rows of figures and thresholds that addresses name."""

from __future__ import annotations

from uuid import UUID

from portal.kernel import clock
from portal.kernel.models import uuid7
from provisioning.models import Alert, AlertRule, MonitoredHost
from tests.conftest import World


def host_of(world: World) -> UUID:
    """A host."""
    row = MonitoredHost(tenant_id=world.north.pk, name=str(uuid7()), token_digest=uuid7().hex)
    row.save(using="platform")
    return row.pk


def rule_of(world: World) -> UUID:
    """A threshold."""
    row = AlertRule(
        tenant_id=world.north.pk,
        name=str(uuid7()),
        subject_kind="host",
        metric="cpu",
        threshold=90,
        for_s=60,
        severity="warning",
    )
    row.save(using="platform")
    return row.pk


def alert_of(world: World) -> UUID:
    """An alert that nobody looks after yet."""
    now = clock.now()
    row = Alert(
        tenant_id=world.north.pk,
        rule_id=rule_of(world),
        subject_id=uuid7(),
        subject_kind="host",
        subject_name="db-1",
        severity="warning",
        status="firing",
        told="firing",
        value=95,
        peak=95,
        since=now,
        seen_at=now,
        fired_at=now,
    )
    row.save(using="platform")
    return row.pk
