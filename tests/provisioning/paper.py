"""Deployments on paper: rows with quota but without a machine, for what services decide by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from billing.services.quotas import quota_reserve
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from provisioning.models import Deployment, LeaseWarning, Template
from provisioning.states import LeaseEnd
from tests.conftest import World
from tests.factories.provisioning import DeploymentFactory


def deployment(
    world: World, template: Template, *, role: str = "support", **fields: Any
) -> Deployment:
    """A deployment of the person with that role in `north`, running unless said otherwise."""
    values: dict[str, Any] = {"status": "running", "ready_at": clock.now()} | fields
    with tenant_scope(world.north.pk), transaction.atomic():
        row: Deployment = DeploymentFactory(
            tenant=world.north, owner=world.people[role], template=template, **values
        )
        quota_reserve(
            actor=Actor.system("test", tenant_id=world.north.pk),
            tenant_id=world.north.pk,
            subject_id=row.pk,
            amounts=row.amounts,
        )
    return row


def south(world: World, template: Template, **fields: Any) -> Deployment:
    """A running deployment of the other tenant."""
    with tenant_scope(world.south.pk), transaction.atomic():
        row: Deployment = DeploymentFactory(
            tenant=world.south,
            owner=world.stranger,
            template=template,
            **{"status": "running", "ready_at": clock.now()} | fields,
        )
    return row


def warned(row: Deployment, **fields: Any) -> LeaseWarning:
    """The row's deletion was warned of in time, unless said otherwise."""
    values: dict[str, Any] = {
        "kind": LeaseEnd.DELETE,
        "offset_hours": 24,
        "lease_version": row.lease_version,
        "ends_at": row.delete_after,
        "delivered_at": clock.now() - timedelta(hours=25),
    } | fields
    with tenant_scope(row.tenant_id), transaction.atomic():
        return LeaseWarning.objects.create(tenant_id=row.tenant_id, deployment=row, **values)
