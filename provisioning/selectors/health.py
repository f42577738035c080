"""What is known of machines' health, and which of them are to be looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from portal.kernel.authz import Actor, authorize
from portal.kernel.tenancy import PLATFORM
from portal.services.settings import setting_get
from provisioning.logic import health_settings as keys
from provisioning.logic.health import HealRules, Patient, heal_obstacle
from provisioning.models import (
    Cluster,
    Deployment,
    GuestObservation,
    HealAttempt,
    HealthObservation,
    HealthState,
)
from provisioning.permissions import Permission
from provisioning.selectors.heal_rules import cluster_doubt, heal_rules
from provisioning.selectors.maintenance import maintenance_of
from provisioning.selectors.reconciliation import busy_ids
from provisioning.states import DeploymentStatus, DesiredPower, HealStatus, Verdict

_WATCHED: Final = (DeploymentStatus.RUNNING, DeploymentStatus.STOPPED)
# What reconciliation says of them is known better than anything a look could tell.
_ALARMED: Final = ("guest_missing", "identity_mismatch")
_COUNTED: Final = (HealStatus.RUNNING, HealStatus.DONE, HealStatus.FAILED)


def watched() -> QuerySet[Deployment]:
    """All machines whose health is of interest, of all tenants."""
    rows = Deployment.across_tenants.filter(status__in=_WATCHED, ready_at__isnull=False)
    return rows.exclude(attention__code__in=_ALARMED)


def unwatched_yet(cluster: Cluster, *, most: int) -> list[tuple[UUID, UUID]]:
    """(tenant, deployment) of those that nobody has looked at yet."""
    known = HealthState.across_tenants.filter(
        tenant_id=OuterRef("tenant_id"), deployment_id=OuterRef("pk")
    )
    rows = watched().filter(~Exists(known), cluster=cluster, cluster__is_active=True)
    return list(rows.order_by("pk").values_list("tenant_id", "pk")[:most])


def due_states(cluster: Cluster, now: datetime) -> QuerySet[HealthState]:
    """Those to be looked at now, the longest due first, with their deployments."""
    rows = HealthState.across_tenants.filter(due_at__lte=now, deployment__in=watched())
    rows = rows.filter(deployment__cluster=cluster).select_related("deployment__template")
    return rows.order_by("due_at", "pk")


def clusters_due(now: datetime) -> list[UUID]:
    """Active clusters with machines to be looked at."""
    known = HealthState.across_tenants.filter(
        tenant_id=OuterRef("tenant_id"), deployment_id=OuterRef("pk")
    )
    waiting = watched().filter(cluster_id=OuterRef("pk"))
    is_due = ~Exists(known) | Exists(known.filter(due_at__lte=now))
    clusters = Cluster.objects.using(PLATFORM).filter(is_active=True)
    return list(clusters.filter(Exists(waiting.filter(is_due))).values_list("pk", flat=True))


def observations(cluster: Cluster, vmids: Collection[int]) -> dict[int, GuestObservation]:
    """What the last listing showed, by VMID."""
    rows = GuestObservation.objects.using(PLATFORM).filter(cluster=cluster, vmid__in=vmids)
    return {row.vmid: row for row in rows}


@dataclass(frozen=True, slots=True)
class Balance:
    """How many of a cluster's machines that are to run are watched, and how many are unwell now."""

    watched: int
    bad: int


def balance(cluster: Cluster) -> Balance:
    """The figures that decide whether it is the cluster or the machines."""
    rows = HealthState.across_tenants.filter(deployment__in=watched(), deployment__cluster=cluster)
    rows = rows.filter(deployment__desired_power=DesiredPower.RUNNING)
    found = rows.aggregate(all=Count("pk"), bad=Count("pk", filter=Q(verdict=Verdict.BAD)))
    return Balance(found["all"], found["bad"])


def patients(cluster: Cluster, *, threshold: int, most: int) -> list[tuple[UUID, UUID]]:
    """(tenant, deployment) of those that may have to be healed, the longest unwell first."""
    rows = HealthState.across_tenants.filter(
        verdict=Verdict.BAD, bad_count__gte=threshold, deployment__in=watched()
    )
    rows = rows.filter(
        deployment__cluster=cluster,
        deployment__desired_power=DesiredPower.RUNNING,
        deployment__auto_heal=True,
        deployment__hold=False,
    )
    return list(rows.order_by("checked_at", "pk").values_list("tenant_id", "deployment_id")[:most])


def healings_under_way(cluster: Cluster) -> int:
    """How many machines of a cluster are being healed."""
    rows = HealAttempt.across_tenants.filter(status=HealStatus.RUNNING)
    return rows.filter(deployment__cluster=cluster).count()


def tries_of(deployment: Deployment, rules: HealRules, now: datetime) -> list[HealAttempt]:
    """The healings that count, the newest first."""
    rows = HealAttempt.objects.filter(deployment=deployment, status__in=_COUNTED)
    return list(rows.filter(created_at__gte=now - rules.window))


def patient_of(
    deployment: Deployment, state: HealthState | None, tries: list[HealAttempt]
) -> Patient:
    """What a healing is decided by, as it stands now."""
    cluster = deployment.cluster
    last = tries[0] if tries else None
    return Patient(
        status=deployment.status,
        desired_power=deployment.desired_power,
        is_auto_healed=deployment.auto_heal,
        is_held=deployment.hold,
        expires_at=deployment.expires_at,
        has_expired=deployment.expired_at is not None,
        maintenance=maintenance_of(deployment),
        cluster_doubt=cluster_doubt(cluster),
        circuit=cluster.heal_paused_reason if cluster.heal_paused_at else "",
        is_busy=bool(busy_ids([deployment.pk])),
        verdict=state.verdict if state else Verdict.UNKNOWN,
        bad_count=state.bad_count if state else 0,
        tries=len(tries),
        last_try_at=(last.ended_at or last.created_at) if last else None,
    )


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What a person sees of one machine: where it stands, what stands against healing it, and the past."""

    deployment: Deployment
    state: HealthState | None
    rules: HealRules
    tries: int
    obstacle: str
    obstacle_text: str
    probe: dict[str, object] | None
    interval_s: int


def health_report(*, actor: Actor, deployment: Deployment, now: datetime) -> HealthReport:
    """How a machine is. Raises Refused."""
    authorize(actor, Permission.HEALTH_VIEW)
    rules = heal_rules()
    state = HealthState.objects.filter(deployment=deployment).first()
    tries = tries_of(deployment, rules, now)
    obstacle, text = heal_obstacle(patient_of(deployment, state, tries), rules, now)
    probe = deployment.health_probe or deployment.template.health_probe
    interval_s = int((probe or {}).get("interval_s") or setting_get(keys.INTERVAL_S))
    return HealthReport(deployment, state, rules, len(tries), obstacle, text, probe, interval_s)


def observations_of(*, actor: Actor, deployment: Deployment) -> QuerySet[HealthObservation]:
    """What was seen, span by span, the newest first. Raises Refused."""
    authorize(actor, Permission.HEALTH_VIEW)
    return HealthObservation.objects.filter(deployment=deployment)


def heals_of(*, actor: Actor, deployment: Deployment) -> QuerySet[HealAttempt]:
    """What was done about it, the newest first. Raises Refused."""
    authorize(actor, Permission.HEALTH_VIEW)
    return HealAttempt.objects.filter(deployment=deployment)
