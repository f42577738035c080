"""What people do with snapshots: take, go back to, delete. Old ones go by themselves."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault, NotFound
from portal.kernel.fsm import transition
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.settings import setting_get
from provisioning.errors import CopyLimit, DeploymentBusy, DeploymentInvalid, WrongState
from provisioning.logic.copy_states import SNAPSHOT_BUSY, SNAPSHOT_TRANSITIONS, SnapshotStatus
from provisioning.models import Deployment, Snapshot
from provisioning.permissions import Permission
from provisioning.selectors.copies import work_that_excludes
from provisioning.selectors.deployments import deployment_lock
from provisioning.services.copies.telling import copy_told
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.states import DeploymentStatus
from provisioning.tags import Tag

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,39}")
_RESERVED: Final = ("current", "pending")
_SWEEP_MOST: Final = 200


@transaction.atomic
def snapshot_create(
    *,
    actor: Actor,
    deployment_id: UUID | str,
    name: str,
    description: str = "",
    with_memory: bool = False,
) -> tuple[Snapshot, Operation]:
    """Asks for a snapshot. Raises NotFound, Refused, DeploymentBusy, WrongState, DeploymentInvalid, CopyLimit."""
    deployment = copy_lock(actor=actor, deployment_id=deployment_id)
    snapshot_demand_name(deployment, name)
    if with_memory and deployment.status != DeploymentStatus.RUNNING:
        message = _("Only a running deployment has memory to keep. Leave the memory out.")
        raise DeploymentInvalid(faults=(Fault("with_memory", "invalid", message),))
    snapshot_demand_room(deployment)
    hours = int(setting_get("cloudpods.snapshot.max_age_hours"))
    snapshot = Snapshot(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        name=name,
        description=description,
        with_memory=with_memory,
        requester_id=actor.user_id,
        expires_at=clock.now() + timedelta(hours=hours),
    )
    try:
        with transaction.atomic():
            snapshot.save(force_insert=True)
    except IntegrityError as error:
        if "snapshot_name_once_while_live" not in str(error):
            raise
        raise _name_taken() from error
    copy_told(
        deployment,
        tag=Tag.SNAPSHOT_REQUESTED,
        actor=actor,
        after={"name": name, "with_memory": with_memory},
    )
    return snapshot, _enqueue(snapshot, OperationType.SNAPSHOT_CREATE, actor=actor)


@transaction.atomic
def snapshot_rollback(
    *, actor: Actor, deployment_id: UUID | str, snapshot_id: UUID | str
) -> tuple[Snapshot, Operation]:
    """Asks for the state of a snapshot. Raises NotFound, Refused, DeploymentBusy, WrongState."""
    deployment = copy_lock(actor=actor, deployment_id=deployment_id)
    snapshot = _locked(deployment, snapshot_id)
    _demand_ready(snapshot)
    transition(snapshot, table=SNAPSHOT_TRANSITIONS, to=SnapshotStatus.ROLLING_BACK, failure="")
    copy_told(
        deployment,
        tag=Tag.SNAPSHOT_ROLLBACK_REQUESTED,
        actor=actor,
        detail={"snapshot": snapshot.name},
    )
    power = str(deployment.status)
    return snapshot, _enqueue(snapshot, OperationType.SNAPSHOT_ROLLBACK, actor=actor, power=power)


@transaction.atomic
def snapshot_delete(
    *, actor: Actor, deployment_id: UUID | str, snapshot_id: UUID | str
) -> tuple[Snapshot, Operation]:
    """Asks for the end of a snapshot. Raises NotFound, Refused, DeploymentBusy, WrongState."""
    deployment = copy_lock(actor=actor, deployment_id=deployment_id)
    snapshot = _locked(deployment, snapshot_id)
    if snapshot.status in SNAPSHOT_BUSY:
        raise WrongState(_("Something is under way with this snapshot. Wait until it has ended."))
    transition(snapshot, table=SNAPSHOT_TRANSITIONS, to=SnapshotStatus.DELETING, failure="")
    copy_told(
        deployment,
        tag=Tag.SNAPSHOT_DELETE_REQUESTED,
        actor=actor,
        detail={"snapshot": snapshot.name},
    )
    return snapshot, _enqueue(snapshot, OperationType.SNAPSHOT_DELETE, actor=actor)


def snapshots_sweep() -> None:
    """Deletes snapshots whose age is reached; one whose machine is busy waits for the next round."""
    due = Snapshot.across_tenants.filter(
        status=SnapshotStatus.READY, expires_at__lte=clock.now()
    ).order_by("expires_at")
    found = due.values_list("tenant_id", "deployment_id", "pk")[:_SWEEP_MOST]
    for tenant_id, deployment_id, snapshot_id in list(found):
        actor = Actor.system("snapshots", tenant_id=tenant_id)
        with tenant_scope(tenant_id):
            try:
                snapshot_delete(actor=actor, deployment_id=deployment_id, snapshot_id=snapshot_id)
            except (DeploymentBusy, WrongState, NotFound):
                continue


def copy_lock(*, actor: Actor, deployment_id: UUID | str) -> Deployment:
    """The machine's row, locked, when a copy can be made of it now.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.BACKUPS_MANAGE
    )
    if deployment.is_busy:
        raise DeploymentBusy
    if deployment.ready_at is None:
        raise WrongState(_("The deployment was never ready: there is nothing to copy."))
    if work_that_excludes(deployment) is not None:
        raise DeploymentBusy(
            _("A restore of this deployment is under way. Wait until it has ended.")
        )
    return deployment


def _enqueue(
    snapshot: Snapshot, type_: OperationType, *, actor: Actor, **payload: str
) -> Operation:
    return enqueue_for(
        snapshot.deployment, type_, actor=actor, snapshot_id=str(snapshot.pk), **payload
    )


def _locked(deployment: Deployment, snapshot_id: UUID | str) -> Snapshot:
    rows = Snapshot.objects.select_for_update(of=("self",)).filter(deployment=deployment)
    absent = _("There is no such snapshot.")
    try:
        key = UUID(str(snapshot_id))
    except ValueError as error:
        raise NotFound(absent) from error
    snapshot = rows.filter(pk=key).exclude(status=SnapshotStatus.DELETED).first()
    if snapshot is None:
        raise NotFound(absent)
    snapshot.deployment = deployment
    return snapshot


def _demand_ready(snapshot: Snapshot) -> None:
    if snapshot.status != SnapshotStatus.READY:
        raise WrongState(_("Only a snapshot that is ready can be gone back to."))


def snapshot_demand_room(deployment: Deployment) -> None:
    """No more than a machine may have. Raises CopyLimit."""
    most = int(setting_get("cloudpods.snapshot.max_per_deployment"))
    if _live(deployment).count() >= most:
        message = _("A deployment has at most %(most)s snapshots. Delete one first.")
        raise CopyLimit(message % {"most": most}, limit=most)


def snapshot_demand_name(deployment: Deployment, name: str) -> None:
    """A name the cluster takes, that no snapshot of the machine bears. Raises DeploymentInvalid."""
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
        message = _(
            "A name has 2 to 40 letters, digits, dashes and underscores, and begins with a letter."
        )
        raise DeploymentInvalid(faults=(Fault("name", "invalid", message),))
    if _live(deployment).filter(name=name).exists():
        raise _name_taken()


def _live(deployment: Deployment) -> QuerySet[Snapshot]:
    rows = Snapshot.objects.filter(deployment=deployment)
    return rows.exclude(status=SnapshotStatus.DELETED)


def _name_taken() -> DeploymentInvalid:
    message = _("This deployment already has a snapshot of this name.")
    return DeploymentInvalid(faults=(Fault("name", "unique", message),))
