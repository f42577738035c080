"""What was forgotten and is still watched."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from provisioning.models import Cluster, Deployment, Finding, Volume
from provisioning.permissions import Permission
from provisioning.selectors.findings import sees_all
from provisioning.states import DeploymentStatus, FindingKind, FindingStatus

FORGOTTEN_CODE: Final = "machine_forgotten"


def watched_list(*, actor: Actor) -> QuerySet[Deployment]:
    """Forgotten machines that may come back, the newest first; `is_back` says which did. Raises Refused."""
    authorize(actor, Permission.FINDINGS_VIEW)
    rows = Deployment.across_tenants.all() if sees_all(actor) else Deployment.objects.all()
    returns = Finding.across_tenants.filter(
        deployment_id=OuterRef("pk"),
        kind=FindingKind.REAPPEARED,
        status__in=(FindingStatus.OPEN, FindingStatus.CLOSED),
    )
    doubted = Volume.across_tenants.filter(
        deployment_id=OuterRef("pk"), attention__code=FORGOTTEN_CODE
    )
    rows = rows.filter(status=DeploymentStatus.DELETED, watched_until__gt=clock.now())
    rows = rows.annotate(is_back=Exists(returns), holds_volumes=Exists(doubted))
    return rows.select_related("cluster").order_by("-deleted_at", "-id")


def watched_on(cluster: Cluster, *, now: datetime) -> QuerySet[Deployment]:
    """Those of one cluster, of all organisations."""
    rows = Deployment.across_tenants.filter(cluster=cluster, watched_until__gt=now)
    return rows.filter(status=DeploymentStatus.DELETED).order_by("deleted_at", "pk")


def volumes_named(deployment_id: UUID) -> list[str]:
    """Names of the volumes that were in a forgotten machine and may still be."""
    rows = Volume.across_tenants.filter(deployment_id=deployment_id)
    rows = rows.filter(attention__code=FORGOTTEN_CODE)
    return list(rows.order_by("name").values_list("name", flat=True))


def volumes_in_doubt(deployment_id: UUID) -> bool:
    """Whether volumes of a forgotten machine may still be in it."""
    rows = Volume.across_tenants.filter(deployment_id=deployment_id)
    return rows.filter(attention__code=FORGOTTEN_CODE).exists()
