"""What people decide about findings. Nothing is destroyed here, and nothing is sent to a hypervisor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from billing.logic.pricing import hourly_price
from billing.logic.quota import Amounts
from billing.services.quotas import quota_adjust
from portal.kernel import clock, events
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.errors import DeploymentBusy
from provisioning.events import DeploymentChanged
from provisioning.models import Deployment, Finding, VmidAllocation
from provisioning.permissions import Permission
from provisioning.selectors.findings import finding_get
from provisioning.selectors.reconciliation import busy_ids
from provisioning.services.endings import deployment_end
from provisioning.services.extensions import extensions_expire
from provisioning.services.findings import finding_end
from provisioning.services.forgetting import volumes_mark, watch_end
from provisioning.services.leases import demand_no_hold
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.template_watch import template_accept
from provisioning.services.vmids import QUARANTINE
from provisioning.states import (
    BUSY,
    DeploymentStatus,
    FindingKind,
    FindingStatus,
    Resolution,
)
from provisioning.tags import Tag

_K = FindingKind
REASON_LIMIT: Final = 500
ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    _K.MISSING: ("forget", "close"),
    _K.UNREACHABLE: ("forget", "close"),
    _K.FOREIGN: ("close",),
    _K.DRIFT: ("reapply", "accept", "close"),
    _K.ORPHAN: ("adopt", "close"),
    _K.HALF_CLONE: ("forget", "close"),
    _K.MOVED: (),
    _K.REAPPEARED: ("adopt", "destroy", "close"),
    _K.STALE_VMID: ("accept", "close"),
    _K.TOO_MUCH_VANISHED: ("accept",),
    _K.ORPHAN_DISK: ("delete", "close"),
    _K.TEMPLATE_MISSING: ("close",),
    _K.TEMPLATE_CHANGED: ("accept", "close"),
    _K.STALE_RECORD: ("repair", "remove", "leave", "close"),
    _K.VOLUME_MISSING: ("close",),
}
"""What can be decided about each kind while it is open."""
_FIGURES: Final = ("cpu_cores", "memory_mb", "disk_gb")


def permission_for(finding: Finding, action: str) -> Permission:
    """Whoever decides must hold this: what is not proven, or nobody's, is for who manages the clusters."""
    is_unproven = finding.kind in {
        *(_K.UNREACHABLE, _K.TOO_MUCH_VANISHED, _K.STALE_VMID, _K.TEMPLATE_CHANGED),
        _K.HALF_CLONE,
    }
    is_nobodys = action == "remove" and finding.deployment_id is None
    if action in {"adopt", "delete", "destroy"} or (is_unproven and action != "close"):
        return Permission.CLUSTERS_MANAGE
    if is_nobodys:
        return Permission.CLUSTERS_MANAGE
    return Permission.FINDINGS_MANAGE


def finding_close(*, actor: Actor, finding_id: UUID | str, reason: str) -> Finding:
    """Says why a finding may stand as it is; it opens again when it changes.

    Raises:
        NotFound, Refused, Conflict, InvalidInput.
    """
    with held(actor=actor, finding_id=finding_id, action="close") as finding:
        _demand_reason(reason)
        _end(finding, actor, Resolution.DISMISSED, reason)
        _record(Tag.FINDING_CLOSED, finding, actor, reason=reason)
    return finding


def finding_forget(*, actor: Actor, finding_id: UUID | str, reason: str) -> Finding:
    """Ends a deployment whose machine is gone, or out of reach for good.

    Quota, name and number are released, the number into quarantine; the tombstone keeps the marker and is
    watched, so that a machine that comes back is recognised and told. Its volumes are let go where its
    absence is proven; else they bear its fate until it is. What is left of half a clone stays on the
    cluster, where the next sweeps find it for nobody.

    Raises:
        NotFound, Refused, Conflict, InvalidInput, OnHold, DeploymentBusy.
    """
    with held(actor=actor, finding_id=finding_id, action="forget") as finding:
        _demand_reason(reason)
        row = _idle_deployment(finding)
        demand_no_hold(row)
        extensions_expire(row, actor=actor)
        if finding.kind != _K.MISSING:
            volumes_mark(row, actor=actor)
        _end(finding, actor, Resolution.FORGOTTEN, reason)
        deployment_end(
            row,
            actor=actor,
            tag=Tag.FORGOTTEN,
            watched_until=watch_end(),
            before={"vmid": row.vmid, "node": row.node, **row.amounts.as_dict()},
            after={"status": str(DeploymentStatus.DELETED)},
            detail={"reason": reason, "kind": finding.kind},
        )
    return finding


def finding_accept(*, actor: Actor, finding_id: UUID | str, reason: str = "") -> Finding:
    """Takes what was found as right: other figures with their quota, a free number, a shrunken cluster.

    Raises:
        NotFound, Refused, Conflict, InvalidInput, DeploymentBusy, QuotaExceeded.
    """
    with held(actor=actor, finding_id=finding_id, action="accept") as finding:
        match finding.kind:
            case _K.DRIFT:
                _drift_accept(finding, actor)
                _end(finding, actor, Resolution.ACCEPTED, reason)
            case _K.STALE_VMID:
                _number_release(finding, actor)
                _end(finding, actor, Resolution.ACCEPTED, reason)
            case _K.TEMPLATE_CHANGED:
                template_accept(finding)
                _end(finding, actor, Resolution.ACCEPTED, reason)
                _record(Tag.TEMPLATE_ACCEPTED, finding, actor)
            case _:
                _demand_reason(reason)
                _end(finding, actor, Resolution.DISMISSED, reason)
                _record(Tag.LISTING_BELIEVED, finding, actor, reason=reason)
    return finding


def finding_reapply(*, actor: Actor, finding_id: UUID | str) -> tuple[Finding, Operation]:
    """Asks for our figures to be set again; the operation proves the machine before it writes.

    Raises:
        NotFound, Refused, Conflict, DeploymentBusy.
    """
    with held(actor=actor, finding_id=finding_id, action="reapply") as finding:
        row, values = reapply_begin(finding, actor=actor)
        operation = enqueue_for(row, OperationType.REAPPLY, actor=actor, **values)
    return finding, operation


def reapply_begin(finding: Finding, *, actor: Actor) -> tuple[Deployment, dict[str, Any]]:
    """The machine of a held finding and what its operation has to know. Raises as `finding_reapply`."""
    row = _idle_deployment(finding)
    if reason := reapply_obstacle(finding):
        raise Conflict(reason, code="cannot_reapply")
    trail.record(
        tag=Tag.REAPPLY_REQUESTED,
        target=row,
        actor=actor,
        before=finding.found,
        after=finding.expected,
    )
    return row, {
        "power": row.status,
        "name": finding.expected.get("name"),
        "finding_id": str(finding.pk),
        "needs_restart": bool({"cpu_cores", "memory_mb"} & set(finding.expected)),
    }


def reapply_obstacle(finding: Finding) -> str:
    """Why our figures cannot be set again, "" when they can."""
    expected, found = finding.expected, finding.found
    is_larger = (found.get("disk_gb") or 0) > (expected.get("disk_gb") or 0)
    if "disk_gb" in expected and is_larger:
        return gettext("A disk cannot shrink. Accept the larger one instead.")
    if set(expected) <= {"nets"}:
        return gettext(
            "uHub does not change network cards. Set them with `qm set %(vmid)s --net0 …` "
            "on the node, or accept them as they are."
        ) % {"vmid": finding.vmid}
    return ""


def actions_for(actor: Actor, finding: Finding) -> list[str]:
    """What the actor may decide about a finding as it stands."""
    if finding.status != FindingStatus.OPEN:
        return []
    return [
        action
        for action in possible(finding)
        if actor.may(permission_for(finding, action))
        and (action != "forget" or finding.deployment_id is not None)
    ]


def possible(finding: Finding) -> tuple[str, ...]:
    """What can be decided about a finding: names of nobody can be removed and no more."""
    if finding.kind == _K.STALE_RECORD and finding.deployment_id is None:
        return ("remove", "close")
    return ACTIONS[finding.kind]


@contextmanager
def held(*, actor: Actor, finding_id: UUID | str, action: str) -> Iterator[Finding]:
    """The finding, locked, for an action that its kind and state allow, under the tenant it belongs to.

    Raises:
        NotFound, Refused.
        Conflict: it has ended, or this cannot be done about its kind.
    """
    with transaction.atomic():
        seen = finding_get(actor=actor, finding_id=finding_id)
    authorize(actor, permission_for(seen, action))
    with tenant_scope(seen.tenant_id), transaction.atomic():
        row = (
            Finding.objects.select_for_update(of=("self",))
            .select_related("cluster")
            .get(pk=seen.pk)
        )
        if row.status != FindingStatus.OPEN:
            raise Conflict(
                gettext("The finding is %(status)s; only an open one can be decided on.")
                % {"status": FindingStatus(row.status).label.lower()},
                code="finding_ended",
                status=row.status,
            )
        if action not in possible(row):
            those = ", ".join(possible(row))
            raise Conflict(
                gettext(
                    "This cannot be done about a finding of kind %(kind)s. Possible: %(possible)s."
                )
                % {"kind": row.kind, "possible": those},
                code="wrong_action",
            )
        yield row


def _idle_deployment(finding: Finding) -> Deployment:
    row = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("template", "cluster", "owner")
        .filter(findings=finding.pk)
        .first()
    )
    if row is None or row.status == DeploymentStatus.DELETED:
        raise Conflict(gettext("The deployment has ended meanwhile."), code="finding_ended")
    is_moving = row.status in BUSY and row.status != DeploymentStatus.DELETING
    if is_moving or busy_ids([row.pk]):
        raise DeploymentBusy
    return row


def _drift_accept(finding: Finding, actor: Actor) -> None:
    row = _idle_deployment(finding)
    before = row.amounts.as_dict()
    figures = {
        name: int(finding.found[name])
        if isinstance(finding.found.get(name), int)
        else getattr(row, name)
        for name in _FIGURES
    }
    wanted = Amounts(1, **figures)
    quota_adjust(actor=actor, tenant_id=row.tenant_id, subject_id=row.pk, amounts=wanted)
    facts = dict(row.guest_facts or {})
    facts |= {
        name: finding.found[name] for name in ("name", "nets", "disk_gb") if name in finding.found
    }
    Deployment.objects.filter(pk=row.pk).update(
        **figures,
        price_hour=hourly_price(row.template.rates, **figures),
        guest_facts=facts,
        updated_at=clock.now(),
    )
    trail.record(
        tag=Tag.DRIFT_ACCEPTED,
        target=row,
        actor=actor,
        before=before | finding.expected,
        after=wanted.as_dict() | finding.found,
    )
    events.publish(DeploymentChanged(row.pk, row.tenant_id, row.status))


def _number_release(finding: Finding, actor: Actor) -> None:
    held_numbers = VmidAllocation.objects.filter(
        cluster_id=finding.cluster_id, vmid=finding.vmid, quarantined_until=None
    )
    released = held_numbers.update(
        is_blocked=False,
        deployment_id=None,
        quarantined_until=clock.now() + QUARANTINE,
        updated_at=clock.now(),
    )
    if not released:
        raise Conflict(gettext("Nobody holds this number any more."), code="finding_ended")
    _record(Tag.VMID_RELEASED, finding, actor)


def _end(finding: Finding, actor: Actor, resolution: Resolution, reason: str) -> None:
    finding_end(finding, actor=actor, resolution=resolution, reason=reason, now=clock.now())


def _record(tag: Tag, finding: Finding, actor: Actor, **detail: Any) -> None:
    what = {"kind": finding.kind, "vmid": finding.vmid, "cluster": finding.cluster.code}
    trail.record(
        tag=tag,
        target=finding,
        actor=actor,
        detail={**what, **detail},
        tenant_id=finding.tenant_id,
    )


def _demand_reason(reason: str) -> None:
    text = reason.strip()
    if 3 <= len(text) <= REASON_LIMIT:
        return
    message = gettext("Say why, in 3 to %(most)s characters.") % {"most": REASON_LIMIT}
    raise InvalidInput(faults=(Fault("reason", "invalid", message),))
