"""A house with something in every room: what the pages of the catalogue show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from audit.models import SystemEvent
from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from provisioning.models import (
    AlertRule,
    Backup,
    Deployment,
    Finding,
    MonitoredHost,
    Template,
    Volume,
)
from provisioning.states import FindingKind, FindingStatus
from tests.conftest import Cloud
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.copies import paper_backup, paper_schedule, paper_snapshot
from tests.factories.names import names_made, zones_made
from tests.factories.provisioning import DeploymentFactory, VolumeFactory
from tests.portal.health.scenes import platform_scene
from tests.provisioning.figures_scenes import watched
from tests.provisioning.hook_scenes import HookSights, hooks_made
from tests.provisioning.scenes import requested, running

NAMES = {
    "admin": "Ada Lovelace",
    "projets": "Priya Nair",
    "dev": "Dennis Ritchie",
    "ops": "Olga Petrova",
    "support": "Samir Haddad",
    "viewer": "Vera Rubin",
}
_OTHERS = (
    ("pbx-demo", "running", "degraded"),
    ("win-client-07", "stopped", "unknown"),
    ("ci-runner-12", "deleting", "unknown"),
    ("a-name-as-long-as-hosts-may-be-called-in-this-house-of-machines", "running", "healthy"),
)


@dataclass(frozen=True)
class House:
    """What there is; `others` end with one that failed."""

    machine: Deployment
    fresh: Deployment
    others: list[Deployment]
    told: HookSights
    backup: Backup
    drift: Finding
    stale: Finding
    host: MonitoredHost
    alert_rule: AlertRule
    disks: list[Volume]
    event: SystemEvent


def furnished(cloud: Cloud) -> House:
    """Machines in every state with all that belongs to them, and a platform that runs them."""
    _dress(cloud)
    _staff(cloud)
    machine = running(cloud, "lab-linux-01")
    host, alert_rule = watched(cloud, machine)
    names_made(zones_made(), machine)
    return House(
        machine=machine,
        told=hooks_made(cloud.world, machine),
        others=_others(cloud),
        backup=_copies(machine),
        drift=_drift(cloud, machine),
        stale=_stale(cloud, machine),
        host=host,
        alert_rule=alert_rule,
        fresh=requested(cloud, "call-4821"),
        disks=_volumes(cloud, machine),
        event=platform_scene(),
    )


def _dress(cloud: Cloud) -> None:
    """Names of people and things as a customer would have them."""
    for role, person in cloud.world.people.items():
        User.objects.using("platform").filter(pk=person.pk).update(display_name=NAMES[role])
    Template.objects.using("platform").filter(pk=cloud.template.pk).update(
        name="Linux utility VM", icon="terminal", description="Debian with the usual tools."
    )


def _staff(cloud: Cloud) -> None:
    """Somebody of the platform who is a member as well."""
    staff = UserFactory(
        username="staff", display_name="Grace Hopper", is_staff=True, is_platform_admin=True
    )
    MembershipFactory(user=staff, tenant=cloud.world.north, role="admin")
    cloud.world.people["staff"] = staff


def _drift(cloud: Cloud, machine: Deployment) -> Finding:
    now = clock.now()
    return Finding.objects.using("platform").create(
        tenant_id=cloud.world.north.pk,
        cluster=cloud.cluster,
        deployment=machine,
        vmid=machine.vmid,
        node="pve1",
        kind=FindingKind.DRIFT,
        status=FindingStatus.OPEN,
        expected={"cores": 2, "memory_mb": 2048},
        found={"cores": 6, "memory_mb": 8192},
        first_seen_at=now,
        last_seen_at=now,
    )


def _stale(cloud: Cloud, machine: Deployment) -> Finding:
    """Names out of date, and a machine that was forgotten a while ago."""
    now = clock.now()
    with tenant_scope(cloud.world.north.pk), transaction.atomic():
        DeploymentFactory(
            name="burnt-01",
            tenant=cloud.world.north,
            owner=machine.owner,
            template=cloud.template,
            status="deleted",
            deleted_at=now - timedelta(days=3),
            watched_until=now + timedelta(days=27),
        )
    return Finding.objects.using("platform").create(
        tenant_id=cloud.world.north.pk,
        cluster=cloud.cluster,
        deployment=machine,
        vmid=machine.vmid,
        node="pve1",
        kind=FindingKind.STALE_RECORD,
        status=FindingStatus.OPEN,
        expected={"names": ["lab-linux-01.north.lab.example A 10.0.0.7"]},
        found={"names": ["lab-linux-01.north.lab.example A 10.9.9.9"]},
        first_seen_at=now,
        last_seen_at=now,
    )


def _volumes(cloud: Cloud, machine: Deployment) -> list[Volume]:
    """One that is in the machine, one that was, and one that needs a person."""
    attention = {
        "code": "volume_in_snapshot",
        "message": "The disk is part of the snapshot before-upgrade of its machine. Delete that first.",
        "command": "",
    }
    with tenant_scope(cloud.world.north.pk), transaction.atomic():
        return [
            VolumeFactory(deployment=machine, name="database", slot="scsi1", size_gb=200),
            VolumeFactory(deployment=machine, name="archive-2025", slot="", status="detached"),
            VolumeFactory(deployment=machine, name="scratch", slot="scsi2", attention=attention),
        ]


def _copies(machine: Deployment) -> Backup:
    """Copies of the machine in several states, and a schedule."""
    paper_snapshot(machine, name="before-update", description="Before the kernel update")
    paper_backup(machine, status="failed", failure="No space left on device", volume_id="")
    paper_schedule(machine, name="Nightly")
    return paper_backup(machine, kind="scheduled", verification="ok")


def _others(cloud: Cloud) -> list[Deployment]:
    world, made = cloud.world, []
    with tenant_scope(world.north.pk), transaction.atomic():
        common = {
            "tenant": world.north,
            "owner": world.people["ops"],
            "template": cloud.template,
        }
        for name, status, health in _OTHERS:
            made.append(DeploymentFactory(name=name, status=status, health=health, **common))
        attention = {
            "code": "storage_full",
            "message": "The storage ceph-vm is full.",
            "command": "pvesm status --storage ceph-vm",
        }
        made.append(
            DeploymentFactory(
                name="dev-lab-02", status="error", health="failed", attention=attention, **common
            )
        )
    return made
