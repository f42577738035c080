"""Asking for a deployment: one transaction that reserves everything or nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from audit.services import trail
from billing.services.quotas import quota_reserve
from integrations.proxmox.mapping import marker_build
from portal.kernel import clock
from portal.kernel.answers import KeyScope, StoredAnswer, answer_store
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.models import uuid7
from portal.kernel.tenancy import DEFAULT
from portal.models import Operation
from provisioning.errors import DeploymentBusy, DeploymentInvalid, WrongState
from provisioning.logic.placement import Decision, Place
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Cluster, Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.services.bootstraps import bootstrap_plan
from provisioning.services.dns.records import name_claim
from provisioning.services.leases import lease_demand
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.placement import placement_decide, placement_demand
from provisioning.services.plan import (
    NAME_CONSTRAINT,
    DeploymentPlan,
    deployment_plan,
    name_taken,
)
from provisioning.services.vmids import vmid_allocate
from provisioning.states import DEPLOYMENT_TRANSITIONS, DeploymentStatus
from provisioning.tags import Tag

_CREATED = 201


@dataclass(frozen=True, slots=True)
class Source:
    """A backup that a deployment is made from, and where that can be restored."""

    backup_id: UUID
    cluster: Cluster
    place: Place


@transaction.atomic
def deployment_create(
    *,
    actor: Actor,
    tenant_id: UUID,
    owner_id: UUID,
    request: DeploymentRequest,
    source: Source | None = None,
) -> tuple[Deployment, Operation]:
    """Decides by the plan, then reserves quota, name and VMID and starts the provisioning.

    With a `source` it is made from a backup, where that can be read, instead of from its template.

    Raises:
        Refused, DeploymentInvalid, QuotaExceeded, NoCapacity, NoVmidLeft: nothing was reserved.
    """
    plan = deployment_plan(actor=actor, tenant_id=tenant_id, request=request, with_placement=False)
    plan.demand()
    deployment_id = uuid7()
    quota_reserve(actor=actor, tenant_id=tenant_id, subject_id=deployment_id, amounts=plan.amounts)
    only = (source.cluster, source.place) if source else None
    cluster, decision = placement_decide(plan.template, plan.amounts, only=only)
    vmid = vmid_allocate(cluster_id=cluster.pk, deployment_id=deployment_id)
    place = _placed(cluster, decision, vmid)
    if source is not None:
        place |= {"restored_from_id": source.backup_id}
    deployment = _insert(plan, deployment_id, tenant_id=tenant_id, owner_id=owner_id, place=place)
    field = "hostname" if request.hostname else "name"
    name_claim(actor=actor, deployment=deployment, choice=plan.dns, field=field)
    if source is None:
        bootstrap_plan(deployment)
    trail.record(
        tag=Tag.REQUESTED,
        target=deployment,
        actor=actor,
        after={
            "name": plan.name,
            "template": plan.template.code,
            **plan.amounts.as_dict(),
            "ttl_hours": plan.ttl_hours,
            "price_hour": str(plan.price_hour),
            "vmid": vmid,
            "cluster": decision.cluster,
            "node": decision.node,
        },
        detail={"backup": str(source.backup_id)} if source else None,
    )
    return deployment, _provision(deployment, actor=actor)


def _provision(deployment: Deployment, *, actor: Actor) -> Operation:
    """Starts the making: from the backup it is to come from, else from its template."""
    if deployment.restored_from_id is None:
        return enqueue_for(deployment, OperationType.PROVISION, actor=actor)
    return enqueue_for(
        deployment,
        OperationType.BACKUP_RESTORE,
        actor=actor,
        backup_id=str(deployment.restored_from_id),
        mode="new",
    )


@transaction.atomic
def deployment_create_once(
    *, actor: Actor, tenant_id: UUID, owner_id: UUID, request: DeploymentRequest, key: str
) -> UUID:
    """The same, once for a key: a second submit waits for the first and answers the same deployment.

    Raises:
        Refused, DeploymentInvalid, QuotaExceeded, NoCapacity, NoVmidLeft: nothing was reserved.
    """
    scope = KeyScope(owner_id, tenant_id, "POST", "/deployments/new", key)
    known = answer_store().find(scope, alias=DEFAULT, is_patient=True)
    if known is not None:
        return UUID(known.body)
    deployment, _operation = deployment_create(
        actor=actor, tenant_id=tenant_id, owner_id=owner_id, request=request
    )
    answer = StoredAnswer(key, _CREATED, {}, str(deployment.pk))
    answer_store().keep(scope, answer, alias=DEFAULT)
    return deployment.pk


@transaction.atomic
def deployment_retry(*, actor: Actor, deployment_id: UUID | str) -> tuple[Deployment, Operation]:
    """Provisions a failed deployment again, from what is really there.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState.
    """
    deployment = provision_begin(actor=actor, deployment_id=deployment_id)
    return deployment, _provision(deployment, actor=actor)


def provision_begin(*, actor: Actor, deployment_id: UUID | str) -> Deployment:
    """Shows a failed deployment as being made again, in the open transaction. Raises as `deployment_retry`."""
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    if deployment.is_busy:
        raise DeploymentBusy
    if deployment.status != DeploymentStatus.ERROR or deployment.ready_at is not None:
        raise WrongState(gettext("Only a deployment whose provisioning failed can be retried."))
    lease_demand(deployment)
    transition(
        deployment,
        table=DEPLOYMENT_TRANSITIONS,
        to=DeploymentStatus.PROVISIONING,
        attention=None,
    )
    trail.record(tag=Tag.RETRIED, target=deployment, actor=actor)
    return deployment


def _placed(cluster: Cluster, decision: Decision, vmid: int) -> dict[str, Any]:
    """The deployment's fields that say where it is made and from what."""
    chosen = placement_demand(decision)
    return {
        "cluster": cluster,
        "vmid": vmid,
        "node": chosen.node,
        "storage": chosen.storage,
        "source_node": chosen.source_node,
        "source_vmid": chosen.source_vmid,
        "placement": decision.as_dict() | {"decided_at": clock.now().isoformat()},
    }


def _insert(
    plan: DeploymentPlan,
    deployment_id: UUID,
    *,
    tenant_id: UUID,
    owner_id: UUID,
    place: dict[str, Any],
) -> Deployment:
    deployment = Deployment(
        id=deployment_id,
        tenant_id=tenant_id,
        owner_id=owner_id,
        name=plan.name,
        hostname=plan.hostname,
        template=plan.template,
        template_version=plan.template.version,
        **place,
        marker=marker_build(str(deployment_id), secrets.token_hex(8)),
        cpu_cores=plan.amounts.cpu_cores,
        memory_mb=plan.amounts.memory_mb,
        disk_gb=plan.amounts.disk_gb,
        price_hour=plan.price_hour,
        parameters=plan.parameters,
        tags=list(plan.tags),
        ttl_hours=plan.ttl_hours,
        expires_at=plan.expires_at,
    )
    try:
        with transaction.atomic():
            deployment.save(force_insert=True)
    except IntegrityError as error:
        if NAME_CONSTRAINT not in str(error):
            raise
        raise DeploymentInvalid(faults=(name_taken(),)) from error
    return deployment
