"""What a sweep writes to our own rows. It never moves a row that changed while it looked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.db import transaction

from audit.services import trail
from integrations.proxmox.interface import PowerState
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.tenancy import tenant_scope
from provisioning.events import DeploymentChanged
from provisioning.models import Deployment
from provisioning.states import (
    DEPLOYMENT_TRANSITIONS,
    DeploymentStatus,
    DesiredPower,
    FindingKind,
    Health,
)
from provisioning.tags import Tag

_FOLLOWING: Final = frozenset({DeploymentStatus.RUNNING, DeploymentStatus.STOPPED})
ALARMS: Final = {FindingKind.MISSING: "guest_missing", FindingKind.FOREIGN: "identity_mismatch"}


def power_follow(seen: Deployment, power: PowerState) -> bool:
    """Takes over that a machine proven ours was started or stopped on the cluster."""
    if seen.status not in _FOLLOWING or str(power) not in _FOLLOWING or str(power) == seen.status:
        return False
    with tenant_scope(seen.tenant_id), transaction.atomic():
        row = _unchanged(seen)
        if row is None:
            return False
        before = row.status
        # Somebody started it on purpose; one that is off may have been stopped, or have failed.
        is_started = power is PowerState.RUNNING
        wish = {"desired_power": DesiredPower.RUNNING} if is_started else {}
        transition(row, table=DEPLOYMENT_TRANSITIONS, to=DeploymentStatus(str(power)), **wish)
        _observed(row, before={"status": before}, after={"status": row.status})
        events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status))
    return True


def node_follow(seen: Deployment, node: str) -> bool:
    """Takes over that a machine proven ours lives on another node."""
    with tenant_scope(seen.tenant_id), transaction.atomic():
        row = _unchanged(seen)
        if row is None:
            return False
        before = row.node
        _update(row, node=node)
        _observed(row, before={"node": before}, after={"node": node})
    return True


def facts_remember(seen: Deployment, facts: dict[str, Any]) -> None:
    """Stores what a machine looks like that nobody had looked at yet."""
    with tenant_scope(seen.tenant_id), transaction.atomic():
        Deployment.objects.filter(pk=seen.pk, guest_facts__isnull=True).update(guest_facts=facts)


def alarm_raise(seen: Deployment, kind: FindingKind, message: str, command: str) -> None:
    """Lets the deployment's page say that its machine is missing, or somebody else's."""
    attention = {"code": ALARMS[kind], "message": message, "command": command}
    if seen.attention == attention and seen.health == Health.FAILED:
        return
    with tenant_scope(seen.tenant_id), transaction.atomic():
        row = _unchanged(seen)
        if row is not None:
            _update(row, attention=attention, health=Health.FAILED)
            events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status))


def alarm_lift(seen: Deployment, kinds: Collection[FindingKind]) -> None:
    """Takes back what `alarm_raise` said, once the machine is there and ours again."""
    codes = {ALARMS[kind] for kind in kinds}
    if (seen.attention or {}).get("code") not in codes:
        return
    with tenant_scope(seen.tenant_id), transaction.atomic():
        row = _unchanged(seen)
        if row is not None:
            _update(row, attention=None, health=Health.OK)
            events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status))


def _unchanged(seen: Deployment) -> Deployment | None:
    """The row, locked, if nobody has touched it since the sweep read it."""
    row = Deployment.objects.select_for_update(of=("self",)).filter(pk=seen.pk).first()
    return row if row is not None and row.updated_at == seen.updated_at else None


def _update(row: Deployment, **values: Any) -> None:
    Deployment.objects.filter(pk=row.pk).update(updated_at=clock.now(), **values)


def _observed(row: Deployment, *, before: dict[str, Any], after: dict[str, Any]) -> None:
    actor = Actor.system("observation", tenant_id=row.tenant_id)
    trail.record(tag=Tag.OBSERVED, target=row, actor=actor, before=before, after=after)
