"""Trying once more what was decided about a finding: as long as it stands, and by who may decide that."""

from __future__ import annotations

from portal.kernel.authz import Actor
from portal.kernel.queue import Payload
from provisioning.errors import DeploymentBusy
from provisioning.selectors.reconciliation import busy_ids
from provisioning.services.decisions import held, reapply_begin


def reapply_again(actor: Actor, payload: Payload) -> Payload:
    """Our figures are set again while the machine still differs. Raises as `finding_reapply`."""
    with held(actor=actor, finding_id=str(payload["finding_id"]), action="reapply") as finding:
        _row, values = reapply_begin(finding, actor=actor)
    return {**payload, **values}


def names_clear_again(actor: Actor, payload: Payload) -> None:
    """Names of nobody are removed again. Raises NotFound, Refused, Conflict."""
    with held(actor=actor, finding_id=str(payload["finding_id"]), action="remove"):
        return


def disks_free_again(actor: Actor, payload: Payload) -> None:
    """Disks of nobody are freed again. Raises NotFound, Refused, Conflict."""
    with held(actor=actor, finding_id=str(payload["finding_id"]), action="delete"):
        return


def destroy_forgotten_again(actor: Actor, payload: Payload) -> None:
    """A forgotten machine is destroyed again. Raises NotFound, Refused, Conflict, DeploymentBusy."""
    with held(actor=actor, finding_id=str(payload["finding_id"]), action="destroy") as finding:
        if finding.deployment_id is not None and busy_ids([finding.deployment_id]):
            raise DeploymentBusy
