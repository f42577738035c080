"""What is measured: the deployments list, row-level security, and a durable operation."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.db import connections, transaction
from django.test import Client

from billing.models import Tenant
from portal.kernel.authz import Actor
from portal.kernel.queue import Advance, OperationKind, Step, register_operation
from portal.kernel.tenancy import tenant_scope
from portal.services.operations import operation_enqueue
from provisioning.models import Deployment
from tests.bench.timing import Measurement, compare
from tests.engine import run_until_idle
from tests.factories.accounts import PASSWORD, MembershipFactory, TenantFactory, UserFactory
from tests.factories.provisioning import DeploymentFactory, TemplateFactory

ROWS, NEIGHBOURS, OPERATIONS = 5_000, 20, 50
COLUMNS = (
    "d.id, d.tenant_id, d.owner_id, d.name, d.hostname, t.code, d.template_version, d.status, d.health, "
    "d.attention, d.cpu_cores, d.memory_mb, d.disk_gb, d.ip_addresses, d.parameters, d.tags, d.hold, "
    "c.code, d.node, d.vmid, d.price_hour, d.ttl_hours, d.expires_at, d.created_at, d.updated_at, "
    "u.username, u.display_name"
)
LIST_SQL = (
    f"SELECT {COLUMNS} FROM provisioning_deployment d JOIN provisioning_template t ON t.id = d.template_id "
    "JOIN provisioning_cluster c ON c.id = d.cluster_id JOIN portal_user u ON u.id = d.owner_id "
    "WHERE d.tenant_id = %s AND d.status <> 'deleted' ORDER BY d.created_at DESC, d.id DESC LIMIT 51"
)
NOOP = OperationKind("bench.noop", "Noop", "webhooks", (Step("only", "Only", lambda _: Advance()),))


def populate() -> Tenant:
    """One tenant with many deployments among others with a few."""
    template = TemplateFactory()
    tenants = [TenantFactory() for _ in range(NEIGHBOURS + 1)]
    owner = UserFactory(username="bench")
    MembershipFactory(user=owner, tenant=tenants[0], role="ops")
    for number, tenant in enumerate(tenants):
        count = ROWS if number == 0 else ROWS // 50
        with tenant_scope(tenant.pk), transaction.atomic():
            rows = DeploymentFactory.build_batch(
                count, template=template, owner=owner, tenant=tenant
            )
            Deployment.objects.bulk_create(rows, batch_size=1_000)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    return tenants[0]


def measurements() -> list[Measurement]:
    """All of them, in order."""
    tenant = populate()
    return [deployments_list(tenant), tenant_policy(tenant), durable_operation(tenant)]


def deployments_list(tenant: Tenant) -> Measurement:
    """The API's list of 50 with everything around it, beside the same rows by SQL and orjson."""
    client = Client()
    token = client.post(
        "/api/auth/token", {"grant_type": "password", "username": "bench", "password": PASSWORD}
    ).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}

    def api() -> None:
        assert client.get("/api/deployments", headers=headers).status_code == 200

    def floor() -> bytes:
        with (
            tenant_scope(tenant.pk),
            transaction.atomic(),
            connections["default"].cursor() as cursor,
        ):
            cursor.execute(LIST_SQL, [tenant.pk])
            return orjson.dumps(cursor.fetchall(), default=str)

    return compare("GET /api/deployments, 50 rows", api, "SQL + orjson", floor)


def tenant_policy(tenant: Tenant) -> Measurement:
    """The same statement as the runtime role under its policy, and as a role that may see all."""

    def guarded() -> None:
        with (
            tenant_scope(tenant.pk),
            transaction.atomic(),
            connections["default"].cursor() as cursor,
        ):
            cursor.execute(LIST_SQL, [tenant.pk])
            cursor.fetchall()

    def open_() -> None:
        with transaction.atomic(using="platform"), connections["platform"].cursor() as cursor:
            cursor.execute(LIST_SQL, [tenant.pk])
            cursor.fetchall()

    return compare("list under row-level security", guarded, "explicit WHERE", open_)


def durable_operation(tenant: Tenant) -> Measurement:
    """Enqueue and run noop operations one by one, beside two bare commits per operation."""
    register_operation(NOOP)
    actor = Actor.system("bench", tenant_id=tenant.pk)

    def engine() -> None:
        with tenant_scope(tenant.pk):
            for _ in range(OPERATIONS):
                operation_enqueue(actor=actor, type=NOOP.type)
        run_until_idle()

    def floor() -> None:
        with connections["dispatch"].cursor() as cursor:
            for _ in range(OPERATIONS * 2):
                cursor.execute("UPDATE portal_schedule SET updated_at = now() WHERE false")
                cursor.execute("SELECT pg_current_xact_id()")

    return compare(
        f"{OPERATIONS} durable noop operations", engine, "two bare commits each", floor, calls=1
    )


def environment() -> dict[str, Any]:
    """What the figures belong to."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    return {
        "postgresql": version,
        "rows": ROWS,
        "database": settings.DATABASES["default"]["ENGINE"],
    }
