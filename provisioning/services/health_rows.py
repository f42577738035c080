"""What looks at machines write: where each stands, spans of the same, and the deployment's health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F

from audit.services import trail
from portal.kernel import events
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM, platform_alias, tenant_scope
from portal.services.live_events import live_publish
from portal.services.purges import purge_in_rounds
from portal.services.settings import setting_get
from provisioning.events import HealthChanged
from provisioning.logic import health_settings as keys
from provisioning.logic.health import AGENT, POWER, Look, count_after, health_after
from provisioning.models import Deployment, HealthObservation, HealthState
from provisioning.states import DesiredPower, Health, Verdict
from provisioning.tags import Tag

EXHAUSTED = "heal_exhausted"
_PURGE = """
  DELETE FROM provisioning_healthobservation WHERE id IN (
    SELECT id FROM provisioning_healthobservation
    WHERE seen_at < now() - make_interval(hours => %(hours)s) ORDER BY seen_at LIMIT %(most)s)"""
_MACHINES_LOCK = """
  SELECT d.id FROM provisioning_deployment d JOIN provisioning_healthstate s ON s.deployment_id = d.id
  WHERE s.id = ANY(%s) ORDER BY d.id FOR KEY SHARE OF d"""


def looks_store(looks: Mapping[UUID, Look], *, now: datetime) -> None:
    """Writes looks by the key of their state, in a few statements; healths that change come after.

    The states are read again under lock, so that a healing that ended meanwhile is not written over. Their
    machines stay first: who changes one of them goes on to its state.
    """
    threshold, pause_s = int(setting_get(keys.THRESHOLD)), int(setting_get(keys.INTERVAL_S))
    changed: list[tuple[HealthState, Health]] = []
    with platform_alias(), transaction.atomic(using=PLATFORM):
        with connections[PLATFORM].cursor() as cursor:
            cursor.execute(_MACHINES_LOCK, [list(looks)])
        rows = HealthState.across_tenants.select_related("deployment__template")
        states = list(
            rows.select_for_update(of=("self",)).filter(pk__in=list(looks)).order_by("pk")
        )
        for state in states:
            _state_fill(state, looks[state.pk], now, pause_s)
            health = health_after(Verdict(state.verdict), state.bad_count, threshold)
            if health != state.deployment.health or _is_to_lift(state, health):
                changed.append((state, health))
        HealthState.objects.using(PLATFORM).bulk_update(
            states,
            ["due_at", "checked_at", "verdict", "reason", "bad_count", "checks", "agent_seen_at"],
        )
        _spans_store(states, now)
        _wishes_store(states)
    for state, health in changed:
        _health_store(state, health)


def _state_fill(state: HealthState, look: Look, now: datetime, pause_s: int) -> None:
    probe = state.deployment.health_probe or state.deployment.template.health_probe or {}
    every_s = int(probe.get("interval_s") or pause_s)
    state.due_at = now + timedelta(seconds=every_s)
    state.checked_at = now
    state.verdict = look.verdict
    state.reason = look.reason[:300]
    state.bad_count = count_after(state.bad_count, look.verdict)
    if look.parts:
        stamped = (part if part.at else replace(part, at=now.isoformat()) for part in look.parts)
        state.checks = [part.as_dict() for part in stamped]
    if any(part.kind == AGENT and part.verdict is Verdict.OK for part in look.parts):
        state.agent_seen_at = now
    elif any(
        part.kind == POWER and part.verdict in {Verdict.BAD, Verdict.IDLE} for part in look.parts
    ):
        # A machine that was off starts with a new agent, or with none.
        state.agent_seen_at = None


def _spans_store(states: list[HealthState], now: datetime) -> None:
    """Prolongs the newest span of each machine that says the same, and begins one for the others."""
    newest = HealthObservation.across_tenants.filter(
        deployment__in=[state.deployment_id for state in states]
    )
    newest = newest.order_by("deployment_id", "-created_at", "-id").distinct("deployment_id")
    known = {row.deployment_id: row for row in newest}
    same, begun = [], []
    for state in states:
        row = known.get(state.deployment_id)
        if row is not None and (row.verdict, row.reason) == (state.verdict, state.reason):
            same.append(row.pk)
        else:
            begun.append(
                HealthObservation(
                    tenant_id=state.tenant_id,
                    deployment_id=state.deployment_id,
                    verdict=state.verdict,
                    reason=state.reason,
                    seen_at=now,
                )
            )
    HealthObservation.objects.using(PLATFORM).filter(pk__in=same).update(
        count=F("count") + 1, seen_at=now, updated_at=now
    )
    HealthObservation.objects.using(PLATFORM).bulk_create(begun)


def _wishes_store(states: list[HealthState]) -> None:
    """A machine that runs and of which nobody knows what was wanted is wanted to run."""
    found = [
        state.deployment_id
        for state in states
        if state.deployment.desired_power == "" and _runs(state)
    ]
    if found:
        Deployment.objects.using(PLATFORM).filter(pk__in=found, desired_power="").update(
            desired_power=DesiredPower.RUNNING
        )


def _runs(state: HealthState) -> bool:
    return state.verdict != Verdict.UNKNOWN and any(
        part["kind"] == POWER and part["verdict"] == Verdict.OK for part in state.checks
    )


def _is_to_lift(state: HealthState, health: Health) -> bool:
    """Whether the page still asks for an operator although the machine is well again."""
    is_asked = (state.deployment.attention or {}).get("code") == EXHAUSTED
    return is_asked and health is Health.OK


def _health_store(state: HealthState, health: Health) -> None:
    """Writes the health of a deployment that nobody has changed the state of meanwhile.

    `updated_at` stays: nothing was done to the machine, and reconciliation counts from it.
    """
    seen = state.deployment
    with tenant_scope(state.tenant_id), transaction.atomic():
        row = Deployment.objects.select_for_update(of=("self",)).filter(pk=seen.pk).first()
        if row is None or row.status != seen.status or row.attention != seen.attention:
            return
        values: dict[str, object] = {"health": health}
        if _is_to_lift(state, health):
            values["attention"] = None
        Deployment.objects.filter(pk=row.pk).update(**values)
        _record(row, health, state)
        live_publish(f"deployment:{row.pk}", tenant_id=row.tenant_id)
        events.publish(
            HealthChanged(
                deployment_id=row.pk,
                tenant_id=row.tenant_id,
                owner_id=row.owner_id,
                name=row.name,
                before=str(row.health),
                health=str(health),
                reason=state.reason,
                at=state.checked_at or state.updated_at,
            )
        )


def _record(row: Deployment, health: Health, state: HealthState) -> None:
    """The audit knows when a machine became unwell, and when it was well again after that."""
    tag = None
    if health is Health.FAILED:
        tag = Tag.HEALTH_FAILED
    elif row.health == Health.FAILED and health is Health.OK:
        tag = Tag.HEALTH_RECOVERED
    if tag is not None:
        trail.record(
            tag=tag,
            target=row,
            actor=Actor.system("health", tenant_id=row.tenant_id),
            before={"health": row.health},
            after={"health": str(health)},
            detail={"message": state.reason},
        )


def health_purge() -> int:
    """Forgets what was seen longer ago than looks are kept; answers how much."""
    return purge_in_rounds(_PURGE, {"hours": int(setting_get(keys.RETENTION_H))})
