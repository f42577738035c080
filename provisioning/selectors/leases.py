"""Leases: warnings that were sent, requests for more, and whom a warning reaches."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from provisioning.models import Deployment, ExtensionRequest, LeaseWarning
from provisioning.permissions import Permission
from provisioning.states import RequestStatus


def lease_warnings(*, actor: Actor, deployment: Deployment) -> QuerySet[LeaseWarning]:
    """What was sent about a deployment's ends, newest first."""
    authorize(actor, Permission.VIEW)
    return LeaseWarning.objects.filter(deployment=deployment).order_by("-created_at", "-id")


def extension_list(*, actor: Actor) -> QuerySet[ExtensionRequest]:
    """Requests of the tenant, newest first."""
    authorize(actor, Permission.VIEW)
    rows = ExtensionRequest.objects.select_related("deployment", "requester", "decided_by")
    return rows.order_by("-created_at", "-id")


def extensions_waiting(*, actor: Actor) -> QuerySet[ExtensionRequest]:
    """Requests that wait for a decision, the oldest first."""
    return extension_list(actor=actor).filter(status=RequestStatus.PENDING).order_by("created_at")


def extensions_about(*, actor: Actor, deployment: Deployment) -> QuerySet[ExtensionRequest]:
    """A deployment's requests, newest first."""
    return extension_list(actor=actor).filter(deployment=deployment)


def extension_get(*, actor: Actor, request_id: UUID | str) -> ExtensionRequest:
    """One request. Raises NotFound (also for another tenant's)."""
    try:
        return extension_list(actor=actor).get(pk=UUID(str(request_id)))
    except (ValueError, ExtensionRequest.DoesNotExist):
        raise NotFound(gettext("There is no such request.")) from None


def extension_lock(request: ExtensionRequest) -> tuple[Deployment, ExtensionRequest]:
    """The deployment, then its request, both locked: the order every change of a lease keeps."""
    deployment = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("template", "cluster", "owner")
        .get(pk=request.deployment_id)
    )
    locked = (
        ExtensionRequest.objects.select_for_update(of=("self",))
        .select_related("deployment", "requester")
        .get(pk=request.pk)
    )
    return deployment, locked
