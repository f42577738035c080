"""Who is healed, and when: decided under the machine's row, from what is known at that moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from audit.services import trail
from portal.kernel import clock, events
from portal.kernel.authz import Actor
from portal.kernel.errors import DomainError
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias, tenant_scope
from portal.services.live_events import live_publish
from portal.services.settings import setting_get
from provisioning.events import HealEnded, HealPaused
from provisioning.logic import health_settings as keys
from provisioning.logic.health import circuit_reason, heal_action, heal_obstacle
from provisioning.models import Cluster, Deployment, HealAttempt, HealthState
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.selectors.heal_rules import cluster_doubt, heal_rules
from provisioning.selectors.health import (
    balance,
    healings_under_way,
    patient_of,
    patients,
    tries_of,
)
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.tags import Tag

log = structlog.get_logger(__name__)
EXHAUSTED: Final = "heal_exhausted"
_CANDIDATES_PER_HEALING: Final = 5


def cluster_heal(cluster: Cluster) -> None:
    """Heals what has to be on a cluster, each machine on its own, and none while the cluster is the cause."""
    if cluster_doubt(cluster) or cluster.is_in_maintenance:
        return
    circuit_store(cluster)
    rules = heal_rules()
    if not rules.is_enabled or cluster.heal_paused_at:
        return
    at_once = int(setting_get(keys.AT_ONCE))
    room = at_once - healings_under_way(cluster)
    found = patients(
        cluster, threshold=rules.threshold, most=max(0, room) * _CANDIDATES_PER_HEALING
    )
    for tenant_id, deployment_id in found:
        if room <= 0:
            break
        actor = Actor.system("auto-heal", tenant_id=tenant_id)
        try:
            with tenant_scope(tenant_id):
                room -= heal_request(actor=actor, deployment_id=deployment_id) is not None
        except DomainError as error:
            log.warning("heal.skipped", deployment=str(deployment_id), reason=str(error))
        except Exception:
            log.exception("heal.failed", deployment=str(deployment_id))


@transaction.atomic
def heal_request(*, actor: Actor, deployment_id: UUID) -> HealAttempt | None:
    """Begins to heal a machine if everything still says so; None when anything stands against it."""
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    state = HealthState.objects.filter(deployment=deployment).first()
    if state is None:
        return None
    rules, now = heal_rules(), clock.now()
    tries = tries_of(deployment, rules, now)
    obstacle, _why = heal_obstacle(patient_of(deployment, state, tries), rules, now)
    if obstacle == "exhausted":
        _give_up(deployment, state, tries[0], actor=actor)
    if obstacle:
        return None
    action = heal_action(state.checks)
    attempt = HealAttempt(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        action=action,
        reason=state.reason,
    )
    operation = enqueue_for(
        deployment,
        OperationType.HEAL,
        actor=actor,
        attempt_id=str(attempt.pk),
        action=str(action),
        power=deployment.status,
        since=(state.checked_at or now).isoformat(),
    )
    attempt.operation_id = operation.pk
    attempt.save(force_insert=True)
    trail.record(
        tag=Tag.HEAL_REQUESTED,
        target=deployment,
        actor=actor,
        detail={"message": state.reason, "action": str(action), "try": len(tries) + 1},
    )
    return attempt


def _give_up(
    deployment: Deployment, state: HealthState, last: HealAttempt, *, actor: Actor
) -> None:
    """Asks for an operator, once; somebody who is asked for already stays so."""
    if deployment.attention:
        return
    attention = {
        "code": EXHAUSTED,
        "message": stored_text(
            "It was healed as often as it may be and is still unwell: %(reason)s "
            "Find out why, then start or restart it.",
            reason=state.reason,
        ),
        "command": f"qm status {deployment.vmid} --verbose",
    }
    Deployment.objects.filter(pk=deployment.pk).update(attention=attention, updated_at=clock.now())
    trail.record(
        tag=Tag.HEAL_EXHAUSTED, target=deployment, actor=actor, outcome="failed", detail=attention
    )
    live_publish(f"deployment:{deployment.pk}", tenant_id=deployment.tenant_id)
    ended_publish(deployment, last, "exhausted", state.reason)


def ended_publish(deployment: Deployment, attempt: HealAttempt, status: str, reason: str) -> None:
    """Tells how a healing ended."""
    events.publish(
        HealEnded(
            deployment_id=deployment.pk,
            tenant_id=deployment.tenant_id,
            owner_id=deployment.owner_id,
            attempt_id=attempt.pk,
            name=deployment.name,
            action=str(attempt.action),
            status=status,
            reason=reason,
        )
    )


def circuit_store(cluster: Cluster) -> None:
    """Pauses healing on a cluster of which too much is unwell at once, and resumes it; tells so once."""
    now = balance(cluster)
    reason = circuit_reason(
        watched=now.watched,
        bad=now.bad,
        percent=int(setting_get(keys.CIRCUIT_PERCENT)),
        minimum=int(setting_get(keys.CIRCUIT_MINIMUM)),
    )
    if bool(reason) == (cluster.heal_paused_at is not None):
        return
    actor = Actor.system("auto-heal", tenant_id=PLATFORM_TENANT_ID)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        row = Cluster.objects.using(PLATFORM).select_for_update().get(pk=cluster.pk)
        row.heal_paused_at = clock.now() if reason else None
        row.heal_paused_reason = reason
        row.save(using=PLATFORM, update_fields=["heal_paused_at", "heal_paused_reason"])
        trail.record(
            tag=Tag.HEAL_PAUSED if reason else Tag.HEAL_RESUMED,
            target=row,
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
            detail={"message": reason} if reason else None,
        )
        if row.heal_paused_at is not None:
            events.publish(HealPaused(row.pk, row.code, reason, row.heal_paused_at))
    cluster.heal_paused_at, cluster.heal_paused_reason = row.heal_paused_at, reason


def heal_is_late(attempt: HealAttempt) -> bool:
    """Whether what made somebody begin is too long ago to act on."""
    patience = timedelta(seconds=float(settings.PROVISIONING["heal_patience_s"]))
    return clock.now() - attempt.created_at > patience
