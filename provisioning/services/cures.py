"""What is done about stuck work of the hypervisor's side: machines, half clones, messages to receivers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from portal.kernel.authz import Actor
from portal.kernel.stuck import Remedy, register_cure, register_rollback, register_stuck
from provisioning.permissions import Permission
from provisioning.selectors.stuck import (
    stuck_deployments,
    stuck_half_clones,
    stuck_messages,
    stuck_slots,
)
from provisioning.services.decisions import finding_close, finding_forget
from provisioning.services.lifecycle import deployment_delete
from provisioning.services.webhooks import webhook_dismiss, webhook_replay

_EVER: Final = datetime.fromtimestamp(0, UTC)


def deployment_rollback(actor: Actor, deployment_id: UUID) -> UUID | None:
    """The deletion's own saga, which releases what the machine held once absence is proven.

    Raises:
        NotFound, DeploymentBusy, OnHold.
    """
    empowered = _empowered(actor, Permission.VIEW, Permission.DELETE, Permission.MANAGE)
    _deployment, operation = deployment_delete(actor=empowered, deployment_id=deployment_id)
    return operation.pk


def half_clone_close(actor: Actor, finding_id: UUID, reason: str) -> UUID | None:
    """It may stand as it is. Raises: NotFound, Conflict."""
    empowered = _empowered(actor, Permission.FINDINGS_VIEW, Permission.FINDINGS_MANAGE)
    finding_close(actor=empowered, finding_id=finding_id, reason=reason)
    return None


def half_clone_forget(actor: Actor, finding_id: UUID, reason: str) -> UUID | None:
    """Ends the deployment without its remains. Raises: NotFound, Conflict, OnHold, DeploymentBusy."""
    empowered = _empowered(actor, Permission.FINDINGS_VIEW, Permission.CLUSTERS_MANAGE)
    finding_forget(actor=empowered, finding_id=finding_id, reason=reason)
    return None


def messages_replay(actor: Actor, webhook_id: UUID, _reason: str) -> UUID | None:
    """Sends what was given up once more. Raises: NotFound, Conflict."""
    webhook_replay(actor=_over_webhooks(actor), webhook_id=webhook_id, since=_EVER)
    return None


def messages_dismiss(actor: Actor, webhook_id: UUID, reason: str) -> UUID | None:
    """Leaves what was given up unsent. Raises: NotFound."""
    webhook_dismiss(actor=_over_webhooks(actor), webhook_id=webhook_id, reason=reason)
    return None


def cures_register() -> None:
    """Half clones come before machines: of two reasons for one machine theirs says more."""
    register_stuck("half_clones", stuck_half_clones)
    register_stuck("deployments", stuck_deployments)
    register_stuck("messages", stuck_messages)
    register_stuck("slots", stuck_slots)
    register_rollback("deployment", deployment_rollback)
    register_cure("finding", Remedy.DISMISS, half_clone_close)
    register_cure("finding", Remedy.FORCE, half_clone_forget)
    register_cure("webhook", Remedy.RETRY, messages_replay)
    register_cure("webhook", Remedy.DISMISS, messages_dismiss)


def _over_webhooks(actor: Actor) -> Actor:
    return _empowered(actor, Permission.WEBHOOKS_VIEW, Permission.WEBHOOKS_MANAGE)


def _empowered(actor: Actor, *needed: Permission) -> Actor:
    """Who may cure stuck work holds, for this one thing, what its own pages ask."""
    return replace(actor, permissions=actor.permissions | {str(one) for one in needed})
