"""A machine without a deployment gets one: quota, number, lease and owner first, then its marker.

Everything on our side commits together; the operation then proves by the SMBIOS uuid that the machine is
the one a person looked at, and writes nothing but marker and tags.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from audit.services import trail
from billing.logic.pricing import hourly_price
from billing.logic.quota import Amounts
from billing.models import Tenant
from billing.services.quotas import quota_reserve
from integrations.proxmox.mapping import marker_build
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict, Fault
from portal.kernel.models import uuid7
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import Membership, Operation, User
from portal.services.settings import setting_get
from provisioning.errors import DeploymentBusy, DeploymentInvalid
from provisioning.logic.requests import name_fault
from provisioning.models import Deployment, Finding, Template, VmidAllocation
from provisioning.selectors.reconciliation import busy_ids
from provisioning.services.decisions import held
from provisioning.services.findings import finding_end
from provisioning.services.forgetting import volumes_follow
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.plan import NAME_CONSTRAINT, name_taken
from provisioning.states import Resolution
from provisioning.tags import Tag


@dataclass(frozen=True, slots=True)
class AdoptionRequest:
    """To whom a machine is given, under which name, and as what."""

    tenant: str
    owner: str
    template: str
    name: str


@dataclass(frozen=True, slots=True)
class _Place:
    tenant: Tenant
    owner: User
    template: Template


def finding_adopt(
    *, actor: Actor, finding_id: UUID | str, request: AdoptionRequest
) -> tuple[Deployment, Operation]:
    """Makes a deployment of an orphan. It starts on hold, so that no lease ever ends it unasked.

    Raises:
        NotFound, Refused, Conflict, DeploymentBusy, DeploymentInvalid, QuotaExceeded: nothing was changed.
    """
    with held(actor=actor, finding_id=finding_id, action="adopt") as finding:
        if finding.deployment_id is not None and busy_ids([finding.deployment_id]):
            raise DeploymentBusy
        place = _place(finding, request)
        amounts = _amounts(finding)
        _unwatch(finding)
        with tenant_scope(place.tenant.pk):
            deployment = _insert(finding, place, request.name, amounts)
            volumes_follow(finding.deployment_id, deployment, actor=actor)
            quota_reserve(
                actor=actor,
                tenant_id=place.tenant.pk,
                subject_id=deployment.pk,
                amounts=amounts,
            )
            _number_take(deployment)
            trail.record(
                tag=Tag.ADOPT_REQUESTED,
                target=deployment,
                actor=actor,
                after={"name": deployment.name, "vmid": deployment.vmid, **amounts.as_dict()},
                detail={"uuid": deployment.guest_uuid, "marker": finding.found.get("marker")},
            )
            operation = enqueue_for(
                deployment,
                OperationType.ADOPT,
                actor=actor,
                marker_before=finding.found.get("marker"),
            )
        finding_end(finding, actor=actor, resolution=Resolution.ADOPTED, reason="", now=clock.now())
    return deployment, operation


def _unwatch(finding: Finding) -> None:
    """The forgotten machine is back in a deployment: nobody has to look out for it any more."""
    if finding.deployment_id is not None:
        rows = Deployment.objects.filter(pk=finding.deployment_id)
        rows.update(watched_until=None, updated_at=clock.now())


def _place(finding: Finding, request: AdoptionRequest) -> _Place:
    """What was named, with all faults at once."""
    faults: list[Fault | None] = [name_fault(request.name)]
    tenant = Tenant.objects.using(PLATFORM).filter(slug=request.tenant, is_active=True).first()
    if tenant is None:
        faults.append(
            Fault("tenant", "not_found", gettext("There is no such active organisation."))
        )
    template = Template.objects.filter(code=request.template, cluster_id=finding.cluster_id).first()
    if template is None:
        message = gettext("There is no such template on cluster %(cluster)s.") % {
            "cluster": finding.cluster.code
        }
        faults.append(Fault("template", "not_found", message))
    members = Membership.objects.using(PLATFORM).filter(
        tenant=tenant, user__username=request.owner, user__is_active=True
    )
    membership = members.select_related("user").first()
    if membership is None:
        message = gettext("The owner must be an active member of that organisation.")
        faults.append(Fault("owner", "not_found", message))
    found = tuple(fault for fault in faults if fault)
    if found or tenant is None or template is None or membership is None:
        raise DeploymentInvalid(faults=found)
    return _Place(tenant, membership.user, template)


def _amounts(finding: Finding) -> Amounts:
    found = finding.found
    if not found.get("uuid"):
        raise Conflict(
            gettext("The machine has no SMBIOS uuid, so it cannot be told from another one."),
            code="no_identity",
        )
    return Amounts(
        1,
        max(1, int(found.get("cpu_cores") or 1)),
        int(found.get("memory_mb") or 0),
        int(found.get("disk_gb") or 0),
    )


def _insert(finding: Finding, place: _Place, name: str, amounts: Amounts) -> Deployment:
    deployment_id, now = uuid7(), clock.now()
    ttl_hours = int(setting_get("cloudpods.lease.default_hours"))
    figures = {key: amounts.of(key) for key in ("cpu_cores", "memory_mb", "disk_gb")}
    values: dict[str, Any] = {
        "price_hour": hourly_price(place.template.rates, **figures),
        "ttl_hours": ttl_hours,
        "expires_at": now + timedelta(hours=ttl_hours),
    }
    deployment = Deployment(
        id=deployment_id,
        tenant_id=place.tenant.pk,
        owner_id=place.owner.pk,
        name=name,
        hostname=name,
        template=place.template,
        template_version=place.template.version,
        cluster_id=finding.cluster_id,
        node=finding.node,
        vmid=finding.vmid,
        marker=marker_build(str(deployment_id), secrets.token_hex(8)),
        guest_uuid=finding.found["uuid"],
        hold=True,
        hold_reason="Adopted",
        held_at=now,
        **figures,
        **values,
    )
    try:
        with transaction.atomic():
            deployment.save(force_insert=True)
    except IntegrityError as error:
        if NAME_CONSTRAINT in str(error):
            raise DeploymentInvalid(faults=(name_taken(),)) from error
        raise Conflict(
            gettext("Another deployment has this machine's number."), code="vmid_taken"
        ) from error
    return deployment


def _number_take(deployment: Deployment) -> None:
    VmidAllocation.objects.update_or_create(
        cluster_id=deployment.cluster_id,
        vmid=deployment.vmid,
        defaults={
            "deployment_id": deployment.pk,
            "is_blocked": False,
            "quarantined_until": None,
        },
    )
