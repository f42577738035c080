"""The whole platform in figures: exact keys, exact figures, for platform administrators alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.services import trail
from billing.models import Tenant
from portal.kernel import clock
from portal.kernel.tenancy import tenant_scope
from portal.services.readiness import silent_parts_forget
from portal.services.settings import settings_forget
from provisioning.models import Deployment, MetricSubject, Template
from provisioning.tags import Tag
from provisioning.web.platform_state import platform_state_forget
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.provisioning import ClusterFactory, DeploymentFactory, TemplateFactory

API = "/api/cloud-pods/admin/overview"
ALIASES = ("default", "platform", "dispatch")


@pytest.fixture
def template(world: World) -> Template:
    return TemplateFactory(cluster=ClusterFactory())


@pytest.fixture
def staff(world: World, client: Client) -> Client:
    person = UserFactory(username="root", is_platform_admin=True)
    MembershipFactory(user=person, tenant=world.north, role="admin")
    world.people["staff"] = person
    client.force_login(person)
    return client


def machine(
    world: World, template: Template, name: str, *, of: str = "north", **more
) -> Deployment:
    tenant = getattr(world, of)
    sizes = {"cpu_cores": 2, "memory_mb": 2048, "disk_gb": 20}
    with tenant_scope(tenant.pk), transaction.atomic():
        owner = world.people["ops"]
        return DeploymentFactory(
            tenant=tenant, owner=owner, template=template, name=name, **(sizes | more)
        )


def measured(row: Deployment, *, cpu: float, memory_mb: int, minutes_ago: int = 1) -> None:
    MetricSubject.across_tenants.create(
        id=row.pk,
        tenant_id=row.tenant_id,
        kind="deployment",
        name=row.name,
        at=clock.now() - timedelta(minutes=minutes_ago),
        interval_s=60,
        cpu=cpu,
        cpu_cores=row.cpu_cores,
        memory_used=memory_mb * 1024 * 1024,
        disk_used=None,
    )


def event_json(entry: Entry) -> dict[str, object]:
    return {
        "id": str(entry.pk),
        "tenantId": str(entry.tenant_id),
        "category": "lifecycle",
        "tag": "pod.created",
        "tagLabel": "Deployment ready",
        "outcome": "success",
        "actor": "anonymous",
        "targetType": "deployment",
        "targetId": "",
        "targetLabel": "a",
        "createdAt": entry.created_at.isoformat().replace("+00:00", "Z"),
    }


def usage_json(tenant: Tenant, *, pods: int, cpu: int, memory: int) -> dict[str, object]:
    return {
        "tenantId": str(tenant.pk),
        "name": tenant.name,
        "pods": pods,
        "cpuCores": cpu,
        "memoryMb": memory,
    }


def test_the_answer_has_the_seeds_keys_and_figures(
    staff: Client, world: World, template: Template
) -> None:
    first = machine(world, template, "a", status="running", health="failed")
    machine(world, template, "b", status="error")
    machine(world, template, "c", status="deleting", health="ok")
    machine(world, template, "d", status="deleted", deleted_at=clock.now())
    large = machine(world, template, "e", of="south", status="running", cpu_cores=16)
    measured(first, cpu=50.0, memory_mb=1024)
    measured(large, cpu=100.0, memory_mb=512, minutes_ago=90)
    with tenant_scope(world.north.pk), transaction.atomic():
        trail.record(tag=Tag.CREATED, target_type="deployment", target_label="a")
        trail.record(tag="session.opened")
    entry = Entry.across_tenants.get(tag=Tag.CREATED)

    answer = staff.get(API)

    assert answer.status_code == 200
    assert answer.json() == {
        "totals": {
            "pods": {"total": 4, "active": 2, "error": 1, "deleting": 1},
            "tenants": 2,
        },
        "resources": {
            "cpuCores": {"allocated": 22, "usedApprox": 1},
            "memoryMb": {"allocated": 8192, "usedApprox": 1024},
            "diskGb": {"allocated": 80, "usedApprox": None},
        },
        "health": {"unhealthyPods": 1, "autoHealTriggeredLast24h": 0},
        "recentEvents": [event_json(entry)],
        "topTenantsByUsage": [
            usage_json(world.south, pods=1, cpu=16, memory=2048),
            usage_json(world.north, pods=3, cpu=6, memory=6144),
        ],
    }


def test_looking_is_on_record(staff: Client, world: World) -> None:
    staff.get(API)
    staff.get("/admin-overview")

    seen = Entry.across_tenants.filter(tag="admin.viewed", target_id="admin-overview")
    assert [one.actor_label for one in seen] == ["root", "root"]


@pytest.mark.parametrize("path", [API, "/admin-overview"])
def test_roles_of_an_organisation_are_refused(
    world: World, client: Client, template: Template, path: str
) -> None:
    machine(world, template, "hidden", of="south")
    for role in ("admin", "ops", "support", "dev", "projets", "viewer"):
        client.force_login(world.people[role])
        answer = client.get(path)
        assert (role, answer.status_code) == (role, 403)
        assert b"South" not in answer.content
    assert not Entry.across_tenants.filter(tag="admin.viewed").exists()


def test_the_administrator_needs_to_see_machines_and_health_as_well(
    world: World, client: Client
) -> None:
    person = UserFactory(username="root", is_platform_admin=True)
    MembershipFactory(user=person, tenant=world.north, role="viewer")
    client.force_login(person)

    answer = client.get(API)

    assert answer.status_code == 403
    assert "health.view" in answer.json()["errors"][0]["detail"]


def test_the_page_shows_cards_chart_events_and_tenants(
    staff: Client, world: World, template: Template
) -> None:
    machine(world, template, "a", status="running")
    with tenant_scope(world.north.pk), transaction.atomic():
        trail.record(tag=Tag.CREATED, target_type="deployment", target_label="web-1")

    page = staff.get("/admin-overview").content.decode()
    health = staff.get("/admin-overview?category=health").content.decode()

    for word in ("Backups of 24 h", "Unhealthy machines", "Machines made and deleted", "web-1"):
        assert word in page
    assert "1 made, 0 deleted" in page
    assert "web-1" not in health


@pytest.mark.parametrize("path", [API, "/admin-overview"])
@pytest.mark.usefixtures("lasting_memory")
def test_the_number_of_statements_does_not_grow(
    staff: Client, world: World, template: Template, path: str
) -> None:
    counts = []
    for number in (2, 40):
        for one in range(number):
            row = machine(world, template, f"vm-{number}-{one}", of=("north", "south")[one % 2])
            measured(row, cpu=1.0, memory_mb=1)
        staff.get(path)
        counts.append(_statements(staff, path))

    assert counts[0] == counts[1]


def _statements(client: Client, path: str) -> int:
    settings_forget()
    silent_parts_forget()
    platform_state_forget()
    captured = [CaptureQueriesContext(connections[alias]) for alias in ALIASES]
    for one in captured:
        one.__enter__()
    client.get(path)
    for one in captured:
        one.__exit__(None, None, None)
    return sum(len(one) for one in captured)


def test_the_seeds_template_routes_answer(staff: Client, world: World, template: Template) -> None:
    listed = staff.get("/api/cloud-pods/templates").json()["results"]

    assert [row["code"] for row in listed] == [template.code]
    assert staff.get(f"/api/cloud-pods/templates/{template.code}").json()["code"] == template.code
