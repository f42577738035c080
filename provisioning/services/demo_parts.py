"""Disks, snapshots, backups and planned maintenance of the demo: asked for like anybody would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from billing.models import Tenant
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import User
from provisioning.logic.demo_machines import DemoMachine
from provisioning.logic.demo_parts import PARTS, SCHEDULES
from provisioning.models import BackupSchedule, Cluster, Deployment, MaintenanceWindow
from provisioning.services.copies.backups import backup_create
from provisioning.services.copies.schedules import schedule_create
from provisioning.services.copies.snapshots import snapshot_create
from provisioning.services.volumes import volume_create
from provisioning.services.windows import window_plan_new
from provisioning.states import DeploymentStatus, Recurrence

_MAKERS: Final[dict[str, Callable[..., Any]]] = {
    "volume": volume_create,
    "snapshot": snapshot_create,
    "backup": backup_create,
}
_WINDOW_IN: Final = timedelta(days=6)
_WINDOW_LASTS: Final = timedelta(hours=2)


def demo_parts(*, actor: Actor, machines: list[DemoMachine]) -> None:
    """Asks for the parts of the machines that were made just now and run."""
    names = {machine.name for machine in machines}
    for part in PARTS:
        rows = Deployment.across_tenants.filter(name=part.machine, status=DeploymentStatus.RUNNING)
        row = rows.first() if part.machine in names else None
        if row is None:
            continue
        with tenant_scope(row.tenant_id), transaction.atomic():
            _MAKERS[part.kind](actor=actor, deployment_id=row.pk, **part.values)


def demo_schedules(*, actor: Actor) -> None:
    """Backups by tag, where their tenant has none of that name yet."""
    for one in SCHEDULES:
        tenant = Tenant.objects.using(PLATFORM).get(slug=one.tenant)
        owner = User.objects.using(PLATFORM).get(username=one.owner)
        with tenant_scope(tenant.pk), transaction.atomic():
            if BackupSchedule.objects.filter(name=one.name).exists():
                continue
            schedule_create(
                actor=actor,
                tenant_id=tenant.pk,
                owner_id=owner.pk,
                name=one.name,
                tag=one.tag,
                cron=one.cron,
                keep_daily=one.keep_daily,
                keep_weekly=one.keep_weekly,
            )


def demo_window(*, actor: Actor, cluster: Cluster) -> None:
    """One evening of maintenance a week, planned for the last cluster."""
    if MaintenanceWindow.objects.using(PLATFORM).filter(cluster=cluster).exists():
        return
    begins = (timezone.localtime(clock.now()) + _WINDOW_IN).replace(
        hour=22, minute=0, second=0, microsecond=0
    )
    window_plan_new(
        actor=actor,
        cluster_id=cluster.pk,
        starts_at=begins,
        ends_at=begins + _WINDOW_LASTS,
        reason="Updates of the nodes, one after the other",
        recurrence=Recurrence.WEEKLY,
        time_zone=timezone.get_current_timezone_name(),
    )
