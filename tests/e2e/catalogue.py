"""Every page of uHub with something on it: what pictures, accessibility checks and budgets walk through."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation, User
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


@dataclass(frozen=True, slots=True)
class Sight:
    """A page as somebody sees it; `role` None is nobody, `status` what it answers."""

    name: str
    path: str
    role: str | None = "admin"
    status: int = 200


def sights_made(cloud: Cloud) -> list[Sight]:
    """Machines in every state with their operations and findings, and the pages that show them."""
    _dress(cloud)
    _staff(cloud)
    machine = running(cloud, "lab-linux-01")
    told = hooks_made(cloud.world, machine)
    others = _others(cloud)
    backup = _copies(machine)
    drift = _drift(cloud, machine)
    host, alert_rule = watched(cloud, machine)
    fresh = requested(cloud, "call-4821")
    disks = _volumes(cloud, machine)
    names_made(zones_made(), machine)
    operations = Operation.objects.using("platform")
    done = operations.get(target_id=machine.pk, type="pod.provision")
    begun = operations.get(target_id=fresh.pk, type="pod.provision")
    return [
        Sight("backups", "/backups"),
        Sight("backup", f"/backups/{backup.pk}"),
        Sight("volumes", "/volumes"),
        Sight("volume", f"/volumes/{disks[0].pk}"),
        Sight("volume-viewer", f"/volumes/{disks[1].pk}", "viewer"),
        Sight("sign-in", "/sign-in", None),
        Sight("dashboard", "/"),
        Sight("dashboard-viewer", "/", "viewer"),
        *_of_machines(machine, fresh, others),
        *_of_hooks(told),
        *_of_places(drift, host, alert_rule),
        Sight("names", "/dns"),
        Sight("templates", "/templates"),
        Sight("template", "/templates/linux-utility"),
        Sight("search", "/search?q=li"),
        Sight("search-none", "/search?q=nothing-is-called-so"),
        Sight("notifications", "/notifications"),
        Sight("notification-settings", "/notifications/settings"),
        Sight("components", "/ui", "staff"),
        Sight("operations", "/operations"),
        Sight("operation", f"/operations/{done.pk}"),
        Sight("operation-waiting", f"/operations/{begun.pk}"),
        Sight("transfers", "/transfers"),
        Sight("audit", "/audit"),
        *_platform(),
        Sight("profile", "/profile"),
        Sight("password-change", "/password-change"),
        Sight("not-found", "/deployments/00000000-0000-7000-8000-00000000dead", status=404),
        Sight("refused", "/audit", "viewer", status=403),
    ]


def _of_machines(machine: Deployment, fresh: Deployment, others: list[Deployment]) -> list[Sight]:
    """Their list, the way to a new one, and every tab."""
    return [
        Sight("deployments", "/deployments"),
        Sight("machine-copies", f"/deployments/{machine.pk}?tab=copies"),
        Sight("deployments-none", "/deployments?search=nothing-is-called-so"),
        Sight("deployment", f"/deployments/{machine.pk}"),
        Sight("deployment-operations", f"/deployments/{machine.pk}?tab=operations"),
        Sight("deployment-metrics", f"/deployments/{machine.pk}?tab=metrics"),
        Sight("deployment-lease", f"/deployments/{machine.pk}?tab=lease", "ops"),
        Sight("deployment-health", f"/deployments/{machine.pk}?tab=health"),
        Sight("console-stopped", f"/deployments/{others[1].pk}/console"),
        Sight("deployment-costs", f"/deployments/{machine.pk}?tab=costs"),
        Sight("deployment-volumes", f"/deployments/{machine.pk}?tab=volumes"),
        Sight("deployment-names", f"/deployments/{machine.pk}?tab=names", "ops"),
        Sight("deployment-activity", f"/deployments/{machine.pk}?tab=activity"),
        Sight("deployment-provisioning", f"/deployments/{fresh.pk}"),
        Sight("deployment-failed", f"/deployments/{others[-1].pk}"),
        Sight("deployment-choose", "/deployments/new"),
        Sight("deployment-resources", "/deployments/new/resources?template=linux-utility"),
        Sight("deployment-network", "/deployments/new/network?template=linux-utility"),
        Sight("deployment-review", "/deployments/new/review?template=linux-utility"),
        Sight("deployment-hooks", f"/deployments/{machine.pk}?tab=hooks"),
        Sight("deployment-transfer", f"/deployments/{machine.pk}/transfer", "staff"),
    ]


def _of_hooks(told: HookSights) -> list[Sight]:
    """What is called when something happens to a machine."""
    return [
        Sight("hooks", "/hooks", "ops"),
        Sight("hook", f"/hooks/{told.hook.pk}"),
        Sight("hook-new", "/hooks/new"),
        Sight("hook-run", f"/hook-runs/{told.run.pk}"),
        Sight("webhooks", "/webhooks"),
        Sight("webhook", f"/webhooks/{told.webhook.pk}", "ops"),
        Sight("webhook-new", "/webhooks/new"),
        Sight("webhook-message", f"/webhooks/{told.webhook.pk}/deliveries/{told.delivery.pk}"),
    ]


def _of_places(drift: Finding, host: MonitoredHost, rule: AlertRule) -> list[Sight]:
    """What those see who look after servers and clusters."""
    return [
        Sight("servers", "/servers", "ops"),
        Sight("server", f"/servers/host/{host.pk}", "ops"),
        Sight("server-new", "/servers/new", "ops"),
        Sight("server-token", f"/servers/host/{host.pk}/token", "ops"),
        Sight("alerts", "/alerts", "ops"),
        Sight("alert-rules", "/alerts/rules", "ops"),
        Sight("alert-rule", f"/alerts/rules/{rule.pk}", "ops"),
        Sight("findings", "/findings"),
        Sight("finding", f"/findings/{drift.pk}"),
        Sight("infrastructure", "/infrastructure", "ops"),
        Sight("windows", "/infrastructure/windows", "staff"),
        Sight("offboarding", "/offboarding"),
    ]


def _platform() -> list[Sight]:
    """What only staff see of how the platform fares."""
    event = platform_scene()
    return [
        Sight("system-health", "/system-health", "staff"),
        Sight("system-event", f"/system-health/events/{event.pk}", "staff"),
        Sight("workers", "/workers", "staff"),
        Sight("stuck-work", "/stuck-work", "staff"),
        Sight("admin-overview", "/admin-overview", "staff"),
    ]


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
