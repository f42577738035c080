"""Undoing a machine that is stuck: the deletion's own saga, which releases what it held once absence is proven."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from portal.kernel.authz import Actor
from provisioning.permissions import Permission
from provisioning.services.lifecycle import deployment_delete


def deployment_rollback(actor: Actor, deployment_id: UUID) -> UUID | None:
    """Asks for its deletion on behalf of who may cure stuck work; the tenant is in scope.

    Raises:
        NotFound, DeploymentBusy, OnHold.
    """
    needed = {Permission.VIEW, Permission.DELETE, Permission.MANAGE}
    empowered = replace(actor, permissions=actor.permissions | {str(one) for one in needed})
    _deployment, operation = deployment_delete(actor=empowered, deployment_id=deployment_id)
    return operation.pk
