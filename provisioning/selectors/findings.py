"""Findings as people see them: a tenant's own, and all of them for platform staff."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from billing.models import Tenant
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import PLATFORM
from provisioning.models import Finding
from provisioning.permissions import Permission
from provisioning.states import FindingStatus


def sees_all(actor: Actor) -> bool:
    """Whether the actor looks after the clusters, so that findings of all organisations are his."""
    return actor.may(Permission.CLUSTERS_MANAGE)


def finding_list(*, actor: Actor) -> QuerySet[Finding]:
    """What has been found and confirmed, newest first. Raises Refused."""
    authorize(actor, Permission.FINDINGS_VIEW)
    rows = Finding.across_tenants.all() if sees_all(actor) else Finding.objects.all()
    shown = rows.exclude(status=FindingStatus.SUSPECTED)
    return shown.select_related("cluster", "deployment").order_by("-created_at", "-id")


def finding_get(*, actor: Actor, finding_id: UUID | str) -> Finding:
    """One finding. Raises Refused, NotFound (also for another tenant's)."""
    try:
        return finding_list(actor=actor).get(pk=UUID(str(finding_id)))
    except (ValueError, Finding.DoesNotExist):
        raise NotFound(gettext("There is no such finding.")) from None


def findings_open(*, actor: Actor) -> QuerySet[Finding]:
    """Those that wait for somebody."""
    return finding_list(actor=actor).filter(status=FindingStatus.OPEN)


def tenant_names(findings: Iterable[Finding]) -> dict[UUID, str]:
    """Names of the organisations that findings belong to; the platform has none."""
    ids = {finding.tenant_id for finding in findings}
    rows = Tenant.objects.using(PLATFORM).filter(pk__in=ids) if ids else Tenant.objects.none()
    return dict(rows.values_list("pk", "name"))
