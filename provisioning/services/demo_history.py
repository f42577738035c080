"""The demo's past: tombstones of machines that came and went before anybody looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from audit.services import trail
from billing.logic.pricing import hourly_price
from integrations.proxmox.mapping import marker_build
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.models import uuid7
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import User
from portal.selectors.memberships import actor_of, tenant_choices
from portal.services.history import operation_import
from provisioning.logic.demo_machines import PAST, PastMachine
from provisioning.models import Deployment, Template
from provisioning.services.operations import OperationType
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

_CLONE = timedelta(seconds=70)
_DESTROY = timedelta(seconds=12)
# Outside every range that VMIDs are taken from: these machines never existed on the cluster at hand.
_FIRST_VMID = 900_000_000


def demo_past(*, actor: Actor, past: Sequence[PastMachine] = PAST) -> int:
    """Writes the tombstones that are missing, with the operations that made them; answers how many."""
    templates = {one.code: one for one in Template.objects.using(PLATFORM).all()}
    known = set(
        Deployment.across_tenants.filter(vmid__gte=_FIRST_VMID).values_list("vmid", flat=True)
    )
    made = 0
    for number, machine in enumerate(past, start=_FIRST_VMID):
        if number not in known:
            _bury(actor, machine, templates[machine.template], vmid=number)
            made += 1
    return made


def _bury(actor: Actor, machine: PastMachine, template: Template, *, vmid: int) -> None:
    owner = User.objects.using(PLATFORM).get(username=machine.owner)
    choice = tenant_choices(owner.pk)[0]
    person, tenant_id = actor_of(owner, choice), choice.id
    with tenant_scope(tenant_id), transaction.atomic():
        deployment = _tombstone(machine, template, vmid=vmid)
        deployment.tenant_id, deployment.owner_id = tenant_id, owner.pk
        deployment.save_base(raw=True, force_insert=True)
        _worked(deployment, person)
        trail.record(
            tag=Tag.IMPORTED,
            target=deployment,
            actor=actor,
            detail={"created_at": deployment.created_at.isoformat()},
        )


def _tombstone(machine: PastMachine, template: Template, *, vmid: int) -> Deployment:
    made_at = clock.now() - timedelta(days=machine.made_days)
    figures = {name: template.limits(name)[1] for name in ("cpu_cores", "memory_mb", "disk_gb")}
    identifier = uuid7()
    hours = max(1, int(machine.lived.total_seconds() // 3600))
    return Deployment(
        id=identifier,
        created_at=made_at,
        updated_at=made_at + machine.lived,
        name=machine.name,
        hostname=machine.name,
        template=template,
        template_version=template.version,
        cluster_id=template.cluster_id,
        node=template.default_node,
        vmid=vmid,
        marker=marker_build(str(identifier), "past"),
        status=DeploymentStatus.DELETED,
        price_hour=hourly_price(template.rates, **figures),
        ttl_hours=hours,
        expires_at=made_at + timedelta(hours=hours),
        ready_at=made_at + _CLONE,
        deleted_at=made_at + machine.lived,
        **figures,
    )


def _worked(deployment: Deployment, owner: Actor) -> None:
    """The two operations of its life."""
    assert deployment.deleted_at is not None
    spans = (
        (OperationType.PROVISION, deployment.created_at, deployment.created_at + _CLONE),
        (OperationType.DESTROY, deployment.deleted_at - _DESTROY, deployment.deleted_at),
    )
    for type_, began_at, ended_at in spans:
        operation_import(
            actor=owner,
            tenant_id=deployment.tenant_id,
            type=type_,
            target_type="deployment",
            target_id=deployment.pk,
            began_at=began_at,
            ended_at=ended_at,
        )
