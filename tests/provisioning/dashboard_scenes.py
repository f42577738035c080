"""Rows behind the first page: machines made and deleted over weeks, some in trouble, work under way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from billing.models import Quota, QuotaUsage
from portal.kernel import clock
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope
from portal.logic.periods import PeriodKey, period_of
from portal.models import Operation
from portal.services.settings import setting_get
from provisioning.models import ApiHost, Deployment, ExtensionRequest, Finding, Template
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory

BACK = timedelta(days=1)
MADE_AND_GONE = ((4, 3), (6, 4), (5, 6), (7, 5), (3, 2), (3, 2), (8, 5))


def machine(
    world: World,
    template: Template,
    *,
    made: datetime | None = None,
    gone: datetime | None = None,
    role: str = "ops",
    **fields: Any,
) -> Deployment:
    """One row of `north`; `made` and `gone` are when it was asked for and deleted."""
    status = "deleted" if gone else fields.pop("status", "running")
    made = made or clock.now()
    with tenant_scope(world.north.pk), transaction.atomic():
        row = DeploymentFactory(
            tenant=world.north,
            owner=world.people[role],
            template=template,
            status=status,
            deleted_at=gone,
            ready_at=fields.pop("ready_at", made),
            **fields,
        )
        Deployment.objects.filter(pk=row.pk).update(created_at=made)
    row.created_at = made
    return row


def operation(world: World, target: Deployment, **fields: Any) -> Operation:
    """One row of the ledger about a machine."""
    values = {"queue": "cloudpods", "type": "pod.stop", "target_type": "deployment", **fields}
    with tenant_scope(world.north.pk), transaction.atomic():
        return Operation.objects.create(
            id=uuid7(), tenant=world.north, target_id=target.pk, **values
        )


def lively(world: World) -> dict[str, Any]:
    """A tenant as it is after some weeks: what every card of the first page has something to say about."""
    now = clock.now()
    cluster = ClusterFactory(code="paris-a", name="paris-a")
    ApiHost.objects.using("platform").create(
        cluster=cluster, address="pve1:8006", is_reachable=True, latency_ms=41,
        changed_at=now, asked_at=now,
    )  # fmt: skip
    template = TemplateFactory(cluster=cluster, name="Linux utility VM", icon="terminal")
    week = period_of(PeriodKey.WEEK, now, ZoneInfo(str(setting_get("platform.timezone"))))
    for begins, (made, gone) in zip(week.edges, MADE_AND_GONE, strict=True):
        when = min(begins + BACK / 2, max(begins, now - timedelta(minutes=5)))
        for _number in range(made - gone if made > gone else 1):
            machine(world, template, made=when, expires_at=now + timedelta(days=9))
        for _number in range(gone):
            machine(world, template, made=when - 9 * BACK, gone=when)
    for number in range(9):
        machine(world, template, made=now - (8 + number) * BACK, expires_at=now + 12 * BACK)
    named = {
        "portal-call-centre-01": {"status": "provisioning", "ready_at": None},
        "prod-api-03": {"expires_at": now + timedelta(hours=3, minutes=20)},
        "dev-lab-02": {"status": "error", "ready_at": None},
        "ci-runner-12": {"status": "stopped", "expires_at": now + timedelta(hours=40)},
        "stg-web-07": {"attention": {"code": "x", "message": "The clone was lost; look at it."}},
    }
    rows = {name: machine(world, template, name=name, **more) for name, more in named.items()}
    operation(
        world, rows["portal-call-centre-01"], type="pod.provision", status="running",
        started_at=now - timedelta(seconds=40), concurrency_key="one", actor_label="ops-north",
        actor_id=world.people["ops"].pk,
        steps=[{"name": "clone", "label": "Clone", "status": "running", "percent": 62}],
    )  # fmt: skip
    operation(
        world, rows["ci-runner-12"], status="failed", completed_at=now, actor_label="ops-north",
        last_error="The task timed out.", actor_id=world.people["ops"].pk,
    )  # fmt: skip
    with tenant_scope(world.north.pk), transaction.atomic():
        ExtensionRequest.objects.create(
            tenant=world.north, deployment=rows["prod-api-03"], hours=200,
            requester=world.people["support"], reason="The tests of the release run until Friday.",
        )  # fmt: skip
        Finding.objects.create(
            tenant=world.north, cluster=cluster, vmid=30_111, kind="drift", status="open",
            deployment=rows["stg-web-07"], first_seen_at=now, last_seen_at=now,
        )  # fmt: skip
    _quota(world)
    return {"template": template, "cluster": cluster, **rows}


def _quota(world: World) -> None:
    Quota.objects.using("platform").create(
        tenant=world.north, deployments=40, cpu_cores=64, memory_mb=65_536, disk_gb=1_000
    )
    QuotaUsage.objects.using("platform").update_or_create(
        tenant=world.north,
        defaults={"deployments": 24, "cpu_cores": 48, "memory_mb": 60_000, "disk_gb": 480},
    )
