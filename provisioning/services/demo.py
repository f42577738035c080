"""Filling an installation with the demo: real requests, provisioned by the real engine on the real API."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

from django.db import transaction

from billing.models import Quota, Tenant
from billing.services.limits import quota_set
from billing.services.tenants import tenant_create
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import User
from portal.services.accounts import user_create
from portal.services.members import membership_set
from provisioning.logic.demo import (
    PEOPLE,
    QUOTAS,
    REVERSE_ZONE,
    TEMPLATES,
    TENANTS,
    ZONE,
    DemoTemplate,
)
from provisioning.logic.demo_machines import MACHINES, SWITCHED, DemoMachine
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import (
    Cluster,
    Deployment,
    DnsServer,
    DnsZone,
    Template,
    TemplateCopy,
)
from provisioning.services.catalogue import template_copy_save, template_save
from provisioning.services.creation import deployment_create
from provisioning.services.dns.servers import server_save, zone_save
from provisioning.services.lifecycle import deployment_change, deployment_delete, deployment_stop
from provisioning.states import DeploymentStatus

_STACKS: Final = Path(__file__).resolve().parents[1] / "stacks"


def demo_people(*, actor: Actor) -> int:
    """Makes tenants, people and memberships that are missing; answers how many people were made."""
    tenants = {slug: tenant_create(actor=actor, slug=slug, name=name) for slug, name in TENANTS}
    for slug, limits in QUOTAS.items():
        if not Quota.across_tenants.filter(tenant_id=tenants[slug].pk).exists():
            quota_set(actor=actor, tenant_id=tenants[slug].pk, limits=dict(limits))
    known = set(User.objects.using(PLATFORM).values_list("username", flat=True))
    missing = [person for person in PEOPLE if person.username not in known]
    for person in missing:
        user = user_create(
            actor=actor,
            username=person.username,
            password=person.username,
            is_password_checked=False,
            display_name=person.display_name,
            email=f"{person.username}@uhub.local",
            is_platform_admin=person.is_platform_admin,
            is_staff=person.is_platform_admin,
        )
        tenant = tenants[person.tenant]
        membership_set(actor=actor, user_id=user.pk, tenant_id=tenant.pk, role_code=person.role)
    return len(missing)


def demo_template(*, actor: Actor, cluster: Cluster, demo: DemoTemplate, position: int) -> Template:
    """Makes a template of the demo, or answers the one that exists, as people may have changed it."""
    known = Template.objects.using(PLATFORM).filter(code=demo.code).first()
    if known is not None:
        return known
    cores, memory, disk = demo.figures
    most_cores, most_memory, most_disk = demo.largest
    return template_save(
        actor=actor,
        code=demo.code,
        name=demo.name,
        type=demo.type,
        icon=demo.icon,
        description=demo.description,
        cluster=cluster,
        proxmox_template_vmid=demo.vmid,
        default_node="pve1",
        storage_pool="ceph-vm",
        has_cloud_init=demo.has_cloud_init,
        app_stack=demo.app_stack,
        install_options=list(demo.options),
        bootstrap=_document(demo.app_stack),
        tags=list(demo.tags),
        cpu_cores_default=cores,
        cpu_cores_max=most_cores,
        memory_mb_default=memory,
        memory_mb_max=most_memory,
        disk_gb_default=disk,
        disk_gb_min=disk,
        disk_gb_max=most_disk,
        rate_base_hour=demo.rate_base_hour,
        rate_cpu_core_hour=Decimal("0.0085"),
        rate_memory_gb_hour=Decimal("0.0042"),
        rate_disk_gb_hour=Decimal("0.00012"),
        position=position,
    )


def _document(stack: str) -> str:
    """The document of an application that uHub brings along, or nothing."""
    path = _STACKS / f"{stack}.yml"
    return path.read_text(encoding="utf-8") if stack and path.is_file() else ""


def demo_copies(*, actor: Actor, cluster: Cluster) -> None:
    """Makes the second cluster's copies of the templates known, which have the numbers of the first's."""
    numbers = [template.vmid for template in TEMPLATES]
    known = set(
        TemplateCopy.objects.using(PLATFORM).filter(cluster=cluster).values_list("vmid", flat=True)
    )
    templates = Template.objects.using(PLATFORM).filter(proxmox_template_vmid__in=numbers)
    for template in templates.exclude(proxmox_template_vmid__in=known):
        template_copy_save(
            actor=actor,
            template=template,
            cluster=cluster,
            vmid=template.proxmox_template_vmid,
            node="pve4",
            storage="ceph-lyon",
        )


def demo_names(*, actor: Actor, url: str, key: str, resolver: str) -> None:
    """Makes the demo's name server and its zones known; one that moved is told its new address."""
    known = DnsServer.objects.using(PLATFORM).filter(code="demo").first()
    if known is None or (known.url, known.resolver) != (url, resolver):
        known = server_save(
            actor=actor,
            code="demo",
            name="Demo",
            api_key=key,
            url=url,
            resolver=resolver,
            nameservers=[f"ns1.{ZONE}"],
        )
    zones = set(DnsZone.objects.using(PLATFORM).values_list("name", flat=True))
    for name in (ZONE, REVERSE_ZONE):
        if name not in zones:
            zone_save(actor=actor, name=name, server=known, ttl=30, is_default=name == ZONE)


def demo_machines(*, actor: Actor, is_live: bool, most: int = len(MACHINES)) -> list[DemoMachine]:
    """Asks for the machines that are missing; those `is_live` are left for the demo's own workers to make.

    At most `most` of the cast are asked for, those that people switch on and off first.
    """
    made = []
    owners = {user.username: user for user in User.objects.using(PLATFORM).all()}
    for machine in sorted(MACHINES, key=lambda one: one.name not in SWITCHED)[:most]:
        if machine.is_live is is_live and not _exists(machine):
            _request(actor, machine, owners[machine.owner])
            made.append(machine)
    return made


def demo_finish(*, actor: Actor, machines: list[DemoMachine]) -> None:
    """Stops, holds and deletes what the cast says, once it runs."""
    for machine in machines:
        deployment = _row(machine)
        if deployment is None or deployment.status != DeploymentStatus.RUNNING:
            continue
        with tenant_scope(deployment.tenant_id), transaction.atomic():
            match machine.then:
                case "stop":
                    deployment_stop(actor=actor, deployment_id=deployment.pk, mode="force")
                case "hold":
                    deployment_change(actor=actor, deployment_id=deployment.pk, hold=True)
                case "delete":
                    deployment_delete(actor=actor, deployment_id=deployment.pk)


def _request(actor: Actor, machine: DemoMachine, owner: User) -> None:
    tenant = _tenant(machine)
    with tenant_scope(tenant.pk), transaction.atomic():
        deployment_create(
            actor=actor,
            tenant_id=tenant.pk,
            owner_id=owner.pk,
            request=DeploymentRequest(
                template=machine.template,
                name=machine.name,
                tags=machine.tags,
                ttl_hours=machine.ttl_hours,
            ),
        )


def _tenant(machine: DemoMachine) -> Tenant:
    slug = next(person.tenant for person in PEOPLE if person.username == machine.owner)
    return Tenant.objects.using(PLATFORM).get(slug=slug)


def _row(machine: DemoMachine) -> Deployment | None:
    rows = Deployment.across_tenants.filter(tenant_id=_tenant(machine).pk, name=machine.name)
    return rows.order_by("-created_at").first()


def _exists(machine: DemoMachine) -> bool:
    return _row(machine) is not None
