"""Looks at machines' health: set by set, one operation per cluster, fed by the cluster's own listing.

Thousands of machines make neither thousands of operations nor thousands of listings: whoever is due on a
cluster is looked at in sets by one operation, the longest waiting first, within a budget of time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from integrations.base.errors import ProviderError
from integrations.proxmox.interface import Hypervisor
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.queue import Advance, StepContext, StepResult
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, tenant_scope
from portal.models import Operation
from portal.services.operations import operation_enqueue
from portal.services.settings import setting_get
from portal.states import OPEN_STATUSES
from provisioning.logic import health_settings as keys
from provisioning.logic.health import AGENT, Look, Part, judged, power_part, unknown
from provisioning.logic.probes import Probe, probe_of
from provisioning.models import Cluster, Deployment, GuestObservation, HealthState
from provisioning.selectors.heal_rules import cluster_doubt
from provisioning.selectors.health import (
    clusters_due,
    due_states,
    observations,
    unwatched_yet,
)
from provisioning.selectors.reconciliation import busy_ids, nodes_out_of_service
from provisioning.services.clusters import cluster_connection
from provisioning.services.healing import cluster_heal
from provisioning.services.health_parts import Question, questions_ask
from provisioning.services.health_rows import looks_store
from provisioning.services.operations import OperationType
from provisioning.states import Verdict

log = structlog.get_logger(__name__)
AT_ONCE: Final = 100
_NEW_AT_ONCE: Final = 1000


def health_schedule() -> None:
    """Asks for one operation per cluster with machines that are due, unless one is under way there."""
    actor = Actor.system("health", tenant_id=PLATFORM_TENANT_ID)
    for cluster_id in clusters_due(clock.now()):
        with tenant_scope(PLATFORM_TENANT_ID), transaction.atomic():
            under_way = Operation.objects.filter(
                target_id=cluster_id, type=OperationType.HEALTH, status__in=OPEN_STATUSES
            )
            if under_way.exists():
                continue
            operation_enqueue(
                actor=actor,
                type=OperationType.HEALTH,
                tenant_id=PLATFORM_TENANT_ID,
                target_type="cluster",
                target_id=cluster_id,
                payload={"cluster_id": str(cluster_id)},
                concurrency_key=f"health:{cluster_id}",
            )


def check(ctx: StepContext) -> StepResult:
    """Looks at all that is due on a cluster, as far as the time goes, and then heals what has to be."""
    cluster = Cluster.objects.using(PLATFORM).get(pk=UUID(str(ctx.payload["cluster_id"])))
    states_make(cluster)
    ends_s = time.monotonic() + float(settings.PROVISIONING["health_budget_s"])
    looked = 0
    while time.monotonic() < ends_s:
        count = set_check(cluster)
        looked += count
        if count < AT_ONCE:
            break
    cluster_heal(cluster)
    return Advance(f"{looked} machines")


def states_make(cluster: Cluster) -> None:
    """Begins to watch machines that nobody watches yet."""
    found = unwatched_yet(cluster, most=_NEW_AT_ONCE)
    if found:
        rows = [HealthState(tenant_id=tenant, deployment_id=key) for tenant, key in found]
        HealthState.objects.using(PLATFORM).bulk_create(rows, ignore_conflicts=True)


def set_check(cluster: Cluster) -> int:
    """Looks at the next set of machines; answers how many there were."""
    now = clock.now()
    states = list(due_states(cluster, now)[:AT_ONCE])
    if not states:
        return 0
    subjects = _subjects(cluster, states, now)
    parts = questions_ask(_hypervisor(cluster), [one.question for one in subjects if one.question])
    looks_store({one.state.pk: one.look(parts) for one in subjects}, now=now)
    return len(states)


@dataclass(frozen=True, slots=True)
class Subject:
    """A machine that is looked at: what is known beforehand, and what is to be asked."""

    state: HealthState
    power: Part
    doubt: str
    question: Question | None
    kept: tuple[Part, ...]

    def look(self, parts: dict[int, list[Part]]) -> Look:
        """The whole, with what was answered."""
        if self.doubt:
            return unknown(self.doubt)
        answered = parts.get(self.question.vmid, []) if self.question else []
        return judged((self.power, *answered, *self.kept))


def _hypervisor(cluster: Cluster) -> Hypervisor | None:
    try:
        return hypervisor_for(cluster_connection(cluster))
    except ProviderError as error:
        log.warning("health.no_hypervisor", cluster=cluster.code, error=str(error))
        return None


def _subjects(cluster: Cluster, states: Iterable[HealthState], now: datetime) -> list[Subject]:
    rows = list(states)
    seen = observations(cluster, [row.deployment.vmid for row in rows])
    busy = busy_ids([row.deployment_id for row in rows])
    nodes = nodes_out_of_service(cluster)
    doubt = cluster_doubt(cluster)
    asks_agents = bool(setting_get(keys.AGENT_PINGED))
    found = []
    for state in rows:
        deployment = state.deployment
        why = doubt
        if cluster.is_in_maintenance or deployment.node in nodes:
            why = stored_text("Its node or cluster is in maintenance.")
        elif not why and deployment.pk in busy:
            why = stored_text("Something is under way on it.")
        power = _power(deployment, seen.get(deployment.vmid), now)
        question: Question | None = None
        kept: tuple[Part, ...] = ()
        if not why and power.verdict is Verdict.OK:
            question, kept = _question(state, now, asks_agents=asks_agents)
        found.append(Subject(state, power, why, question, kept))
    return found


def _power(deployment: Deployment, seen: GuestObservation | None, now: datetime) -> Part:
    """What the listing says, if it is younger than what we last did to the machine and not too old."""
    settle = timedelta(seconds=float(settings.PROVISIONING["observe_settle_s"]))
    age = timedelta(seconds=float(settings.PROVISIONING["listing_age_s"]))
    is_told = (
        seen is not None
        and seen.observed_at >= now - age
        and seen.observed_at >= deployment.updated_at + settle
    )
    power = seen.power if seen is not None and is_told else "unknown"
    return power_part(power, deployment.desired_power)


def _question(
    state: HealthState, now: datetime, *, asks_agents: bool
) -> tuple[Question, tuple[Part, ...]]:
    """What to ask a running machine, and the part about its agent that is kept where it is not asked.

    Where no agent was ever heard of, it is asked again only after a while.
    """
    deployment = state.deployment
    pause = timedelta(seconds=float(settings.PROVISIONING["agent_retry_s"]))
    last = next((part for part in state.checks if part.get("kind") == AGENT), None)
    at = datetime.fromisoformat(last["at"]) if last and last.get("at") else None
    has_agent = state.agent_seen_at is not None
    asks = asks_agents and (has_agent or at is None or at <= now - pause)
    kept = (_kept(last),) if last and asks_agents and not asks else ()
    addresses = deployment.ip_addresses
    question = Question(
        vmid=deployment.vmid,
        node=deployment.node,
        asks_agent=asks,
        has_agent=has_agent,
        probe=probe_in_force(deployment),
        address=str(addresses[0]) if addresses else "",
    )
    return question, kept


def _kept(part: dict[str, Any]) -> Part:
    return Part(AGENT, Verdict(part["verdict"]), str(part["text"]), None, str(part["at"]))


def probe_in_force(deployment: Deployment) -> Probe | None:
    """The deployment's own probe, else its template's; one switched off by `{}` is none."""
    if deployment.health_probe is not None:
        return probe_of(deployment.health_probe)
    return probe_of(deployment.template.health_probe)
