"""What was forgotten is watched for a while: its machine may come back, and its volumes are let go on proof.

Nothing is sent to a cluster here but questions. A machine that was forgotten because nobody could reach it
may still run somewhere and write to its volumes: they stay marked with its fate until the cluster, with
quorum and with its node at hand, calls its number free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault, InvalidInput
from portal.kernel.queue import Advance, Complete, StepContext, StepResult
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import DeploymentBusy
from provisioning.logic.reconciliation import Presence
from provisioning.models import Deployment, Finding
from provisioning.selectors.reconciliation import busy_ids
from provisioning.selectors.watch import volumes_in_doubt, watched_on
from provisioning.services.decisions import held
from provisioning.services.findings import finding_end
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.saga.destroy import Absence, absence_prove
from provisioning.services.saga.guest import Guest
from provisioning.services.saga.tasks import guest_step, poll
from provisioning.services.saga.volume_outcome import volumes_let_go
from provisioning.services.slots import slot_free
from provisioning.services.vmids import vmid_block
from provisioning.states import FindingStatus, Resolution
from provisioning.tags import Tag

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep


def look(sweep: Sweep) -> None:
    """Lets go of the volumes of watched machines that are proven gone by now."""
    if sweep.is_dry:
        return
    for row in watched_on(sweep.cluster, now=sweep.now):
        if not volumes_in_doubt(row.pk) or row.vmid in sweep.view.guests:
            continue
        is_gone = sweep.view.presence(row.vmid, row.node) is Presence.ABSENT
        if is_gone and sweep.ask.is_free(row.vmid):
            with tenant_scope(row.tenant_id), transaction.atomic():
                actor = sweep.actor(row.tenant_id)
                volumes_let_go(row.pk, actor=actor, and_delete=False, is_proven=True)


def finding_destroy(
    *, actor: Actor, finding_id: UUID | str, typed: str
) -> tuple[Finding, Operation]:
    """Asks for the end of a forgotten machine that is back, by whoever types its number.

    Its volumes are taken out first and kept.

    Raises:
        NotFound, Refused, Conflict, DeploymentBusy.
        InvalidInput: the number is not the one typed.
    """
    with held(actor=actor, finding_id=finding_id, action="destroy") as finding:
        if typed.strip() != str(finding.vmid):
            message = _("Type %(vmid)s to say that you mean it.") % {"vmid": finding.vmid}
            raise InvalidInput(faults=(Fault("typed", "invalid", message),))
        past = Deployment.objects.get(findings=finding.pk)
        if busy_ids([past.pk]):
            raise DeploymentBusy
        trail.record(
            tag=Tag.FORGOTTEN_DESTROY,
            target=past,
            actor=actor,
            before={"vmid": finding.vmid, "node": finding.node},
        )
        operation = enqueue_for(
            past, OperationType.DESTROY_FORGOTTEN, actor=actor, finding_id=str(finding.pk)
        )
    return finding, operation


@guest_step
def end(ctx: StepContext, guest: Guest) -> StepResult:
    """The machine is proven absent: its volumes are nobody's, the finding and the watch are over."""
    absence = absence_prove(ctx, guest)
    if absence is None:
        return poll("still there")
    past = guest.deployment
    with transaction.atomic():
        row = Finding.objects.select_for_update(of=("self",)).get(
            pk=UUID(str(ctx.payload["finding_id"]))
        )
        Deployment.objects.filter(pk=past.pk).update(watched_until=None, updated_at=clock.now())
        volumes_let_go(past.pk, actor=ctx.actor, and_delete=False, is_proven=True)
        if absence is Absence.TAKEN:
            vmid_block(cluster_id=past.cluster_id, vmid=past.vmid)
        slot_free(past.pk)
        if row.status != FindingStatus.OPEN:
            return Complete()
        finding_end(row, actor=ctx.actor, resolution=Resolution.DELETED, reason="", now=clock.now())
        detail: dict[str, Any] = {"vmid": past.vmid}
        if warnings := ctx.state.get("warnings"):
            detail["warnings"] = warnings
        trail.record(tag=Tag.FORGOTTEN_DESTROYED, target=past, actor=ctx.actor, detail=detail)
    return Advance()
