"""What people do with volumes: plan, create, attach, detach, grow, delete."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import trail
from billing.logic.pricing import cost
from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_verdicts
from billing.services.quotas import quota_adjust, quota_reserve
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault
from portal.kernel.fsm import transition
from portal.kernel.models import uuid7
from portal.models import Operation
from portal.services.settings import setting_get
from provisioning.errors import VolumeBusy, VolumeInvalid, VolumeUnreachable, WrongState
from provisioning.logic.requests import bound_fault, name_fault
from provisioning.logic.volume_settings import MAX_GB, MAX_PER_DEPLOYMENT, MIN_GB
from provisioning.logic.volumes import VolumeTag, gb_price
from provisioning.models import Deployment, Volume
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.selectors.volumes import (
    reaches,
    storages_of,
    volume_lock,
    volume_targets,
)
from provisioning.services.operations import OperationType, enqueue_for_volume
from provisioning.services.placement import growth_demand
from provisioning.services.saga.bench import bench_take
from provisioning.services.saga.shelf import shelf_take
from provisioning.services.saga.volume_outcome import told
from provisioning.services.volume_plan import VolumePlan
from provisioning.states import (
    VOLUME_TRANSITIONS,
    DeploymentStatus,
    VolumeAction,
    VolumeStatus,
)

NAME_CONSTRAINT: Final = "volume_name_once_while_live"
FIGURE_MAX: Final = 10_000_000
Outcome = tuple[Volume, Operation]
_S = VolumeStatus
_READY = (DeploymentStatus.RUNNING, DeploymentStatus.STOPPED)


@transaction.atomic
def volume_plan(*, actor: Actor, deployment_id: UUID | str, name: str, size_gb: int) -> VolumePlan:
    """What a request would become, cost and break; nothing is written.

    Raises:
        NotFound, Refused, WrongState.
    """
    deployment = _ready(actor, deployment_id)
    return _planned(deployment, name=name, size_gb=size_gb)


@transaction.atomic
def volume_create(*, actor: Actor, deployment_id: UUID | str, name: str, size_gb: int) -> Outcome:
    """Reserves quota and name, and starts the making of a disk that is then attached.

    Raises:
        NotFound, Refused, WrongState, VolumeInvalid, QuotaExceeded, NoCapacity, NoVmidLeft.
    """
    deployment = _ready(actor, deployment_id)
    plan = _planned(deployment, name=name, size_gb=size_gb)
    plan.demand()
    volume_id = uuid7()
    quota_reserve(
        actor=actor,
        tenant_id=deployment.tenant_id,
        subject_id=volume_id,
        amounts=plan.amounts,
    )
    _demand_room(deployment.cluster_id, deployment.node, plan.storage, plan.size_gb)
    shelf = shelf_take(deployment.cluster_id, node=deployment.node)
    volume = _insert(deployment, plan, volume_id=volume_id, owner_vmid=shelf.vmid)
    trail.record(
        tag=VolumeTag.REQUESTED,
        target=volume,
        actor=actor,
        after={
            "name": plan.name,
            "size_gb": plan.size_gb,
            "storage_pool": plan.storage,
            "deployment": deployment.name,
        },
    )
    told(volume, VolumeTag.REQUESTED)
    return volume, enqueue_for_volume(volume, OperationType.VOLUME_CREATE, actor=actor)


@transaction.atomic
def volume_attach(
    *, actor: Actor, volume_id: UUID | str, deployment_id: UUID | str | None = None
) -> Outcome:
    """Asks for the disk to be plugged into a deployment: the given one, or where it was last.

    Raises:
        NotFound, Refused, VolumeBusy, WrongState, VolumeInvalid, VolumeUnreachable.
    """
    volume = _idle(actor, volume_id)
    _demand_status(volume, _S.DETACHED, _S.ERROR)
    target = deployment_id or volume.deployment_id
    if target is None:
        message = _("Say which deployment the volume is to be attached to.")
        raise VolumeInvalid(faults=(Fault("deployment", "required", message),))
    if volume.stored_at is None or (volume.status == _S.ERROR and volume.slot):
        raise WrongState(_("It is not known where the disk is. Detach or delete the volume first."))
    deployment = _ready(actor, target)
    if not reaches(deployment, volume, storages_of(volume)):
        raise _unreachable(actor, volume, deployment)
    if fault := _count_fault(deployment):
        raise VolumeInvalid(faults=(fault,))
    _update(volume, deployment=deployment, action=VolumeAction.ATTACH, attention=None)
    trail.record(
        tag=VolumeTag.ATTACH_REQUESTED,
        target=volume,
        actor=actor,
        after={"deployment": deployment.name},
    )
    return volume, _started(volume, OperationType.VOLUME_ATTACH, actor, VolumeTag.ATTACH_REQUESTED)


@transaction.atomic
def volume_detach(*, actor: Actor, volume_id: UUID | str) -> Outcome:
    """Asks for the disk to be taken out of its machine; its bytes and its quota stay.

    Raises:
        NotFound, Refused, VolumeBusy, WrongState.
    """
    volume = _idle(actor, volume_id)
    _demand_status(volume, _S.ATTACHED, _S.ERROR)
    if volume.stored_at is None:
        raise WrongState(_("There is no disk yet. Retry the operation, or delete the volume."))
    if volume.deployment is not None and volume.deployment.status == DeploymentStatus.DELETING:
        raise WrongState(
            _("The deployment is being deleted; what happens with its volumes is decided.")
        )
    _update(volume, action=VolumeAction.DETACH, attention=None)
    trail.record(tag=VolumeTag.DETACH_REQUESTED, target=volume, actor=actor)
    return volume, _started(volume, OperationType.VOLUME_DETACH, actor, VolumeTag.DETACH_REQUESTED)


@transaction.atomic
def volume_resize(*, actor: Actor, volume_id: UUID | str, size_gb: int) -> Outcome:
    """Asks for a larger disk; a detached one grows on a bench. A smaller size is refused.

    Raises:
        NotFound, Refused, VolumeBusy, WrongState, VolumeInvalid, QuotaExceeded, NoCapacity.
    """
    volume = _idle(actor, volume_id)
    if fault := _growth_fault(volume, size_gb):
        raise VolumeInvalid(faults=(fault,))
    if volume.status not in {_S.ATTACHED, _S.DETACHED} or volume.stored_at is None:
        raise WrongState(
            _("It is not known where the disk is. Detach it, then let it grow."),
            status=volume.status,
        )
    bench = bench_take(volume) if volume.status == _S.DETACHED else None
    growth = size_gb - volume.held_gb
    before = volume.size_gb
    quota_adjust(
        actor=actor,
        tenant_id=volume.tenant_id,
        subject_id=volume.pk,
        amounts=Amounts(0, 0, 0, size_gb),
    )
    if growth > 0:
        home = volume.deployment if volume.status == _S.ATTACHED else None
        node = bench.node if bench else home.node if home else volume.node
        _demand_room(volume.cluster_id, node, volume.storage_pool, growth)
    _update(volume, wanted_gb=size_gb, action=VolumeAction.RESIZE, attention=None)
    trail.record(
        tag=VolumeTag.RESIZE_REQUESTED,
        target=volume,
        actor=actor,
        before={"size_gb": before},
        after={"size_gb": size_gb},
    )
    more = {"bench_id": str(bench.pk)} if bench else {}
    return volume, _started(
        volume, OperationType.VOLUME_RESIZE, actor, VolumeTag.RESIZE_REQUESTED, **more
    )


@transaction.atomic
def volume_resize_plan(*, actor: Actor, volume_id: UUID | str, size_gb: int) -> VolumePlan:
    """What a growth would cost and break; nothing is written. Raises NotFound, Refused."""
    volume = volume_lock(actor=actor, volume_id=volume_id)
    fault = _growth_fault(volume, size_gb)
    size = min(max(0, size_gb), FIGURE_MAX)
    growth = Amounts(0, 0, 0, size - volume.held_gb)
    return VolumePlan(
        name=volume.name,
        size_gb=size,
        storage=volume.storage_pool,
        amounts=growth,
        price_gb_hour=volume.price_gb_hour,
        cost=cost(volume.price_gb_hour * size, hours=None, currency="EUR"),
        quota=quota_verdicts(volume.tenant_id, growth),
        faults=(fault,) if fault else (),
    )


@transaction.atomic
def volume_delete(*, actor: Actor, volume_id: UUID | str) -> Outcome:
    """Asks for the end of a disk and its bytes; an attached one is taken out first.

    Raises:
        NotFound, Refused, VolumeBusy.
    """
    volume = _idle(actor, volume_id)
    transition(volume, table=VOLUME_TRANSITIONS, to=_S.DELETING, attention=None)
    trail.record(
        tag=VolumeTag.DELETE_REQUESTED, target=volume, actor=actor, before={"name": volume.name}
    )
    return volume, _started(volume, OperationType.VOLUME_DELETE, actor, VolumeTag.DELETE_REQUESTED)


def _started(
    volume: Volume, type_: OperationType, actor: Actor, tag: VolumeTag, **payload: Any
) -> Operation:
    told(volume, tag)
    return enqueue_for_volume(volume, type_, actor=actor, **payload)


def _ready(actor: Actor, deployment_id: UUID | str) -> Deployment:
    """The deployment, locked, that can take a disk now."""
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.VOLUMES_MANAGE
    )
    if deployment.status in _READY and deployment.guest_uuid:
        return deployment
    label = DeploymentStatus(deployment.status).label.lower()
    raise WrongState(
        _("The deployment is %(state)s: volumes need one that is running or stopped.")
        % {"state": label},
        status=deployment.status,
    )


def _idle(actor: Actor, volume_id: UUID | str) -> Volume:
    volume = volume_lock(actor=actor, volume_id=volume_id)
    if volume.is_busy:
        raise VolumeBusy
    return volume


def _demand_status(volume: Volume, *states: VolumeStatus) -> None:
    if volume.status in states:
        return
    label = VolumeStatus(volume.status).label.lower()
    raise WrongState(_("The volume is %(state)s already.") % {"state": label}, status=volume.status)


def _planned(deployment: Deployment, *, name: str, size_gb: int) -> VolumePlan:
    least, most = int(setting_get(MIN_GB)), int(setting_get(MAX_GB))
    found = (
        name_fault(name) or _taken(name),
        bound_fault("size_gb", size_gb, low=least, high=most, unit="GiB"),
        _count_fault(deployment),
    )
    size = min(max(0, size_gb), FIGURE_MAX)
    price = gb_price(deployment.template.rates)
    amounts = Amounts(0, 0, 0, size)
    return VolumePlan(
        name=name,
        size_gb=size,
        storage=deployment.storage_pool,
        amounts=amounts,
        price_gb_hour=price,
        cost=cost(price * size, hours=None, currency="EUR"),
        quota=quota_verdicts(deployment.tenant_id, amounts),
        faults=tuple(fault for fault in found if fault),
    )


def _count_fault(deployment: Deployment) -> Fault | None:
    """Whether the machine has drives left: those being attached count, those that left do not."""
    most = int(setting_get(MAX_PER_DEPLOYMENT))
    rows = Volume.objects.filter(deployment_id=deployment.pk).exclude(status=_S.DELETED)
    count = rows.exclude(status=_S.DETACHED, action="").count()
    if count < most:
        return None
    message = _(
        "The deployment has %(count)s volumes; %(most)s are allowed. "
        "Detach or delete one, or let a larger one grow."
    ) % {"count": count, "most": most}
    return Fault("deployment", "too_many_volumes", message)


def _growth_fault(volume: Volume, size_gb: int) -> Fault | None:
    most = int(setting_get(MAX_GB))
    if size_gb <= volume.size_gb:
        message = _(
            "%(asked)s GiB is not more than the %(size)s GiB it has: a volume can only grow. "
            "Create a smaller one and copy the data instead."
        ) % {"asked": size_gb, "size": volume.size_gb}
        return Fault("size_gb", "only_grows", message)
    return bound_fault("size_gb", size_gb, low=volume.size_gb + 1, high=most, unit="GiB")


def _taken(name: str) -> Fault | None:
    live = Volume.objects.exclude(status=_S.DELETED)
    return name_taken() if live.filter(name=name[:63]).exists() else None


def name_taken() -> Fault:
    """A live volume of the tenant has the name; the constraint decides between two at once."""
    return Fault("name", "unique", _("Your organisation already has a volume of this name."))


def _unreachable(actor: Actor, volume: Volume, deployment: Deployment) -> VolumeUnreachable:
    """Says what would reach it."""
    names = [one.name for one in volume_targets(actor=actor, volume=volume)][:5]
    if names:
        way = _("These deployments reach it: %(names)s.") % {"names": ", ".join(names)}
    else:
        way = _("None of your deployments reaches it now; create one on cluster %(cluster)s.") % {
            "cluster": volume.cluster.name
        }
    message = _("%(deployment)s does not reach storage %(storage)s of cluster %(cluster)s.") % {
        "deployment": deployment.name,
        "storage": volume.storage_pool,
        "cluster": volume.cluster.name,
    }
    return VolumeUnreachable(f"{message} {way}", deployments=names)


def _demand_room(cluster_id: UUID, node: str, storage: str, size_gb: int) -> None:
    growth = Amounts(0, 0, 0, size_gb)
    growth_demand(cluster_id=cluster_id, node=node, storage=storage, growth=growth)


def _insert(
    deployment: Deployment, plan: VolumePlan, *, volume_id: UUID, owner_vmid: int
) -> Volume:
    volume = Volume(
        id=volume_id,
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        cluster=deployment.cluster,
        owner_id=deployment.owner_id,
        name=plan.name,
        size_gb=plan.size_gb,
        price_gb_hour=plan.price_gb_hour,
        storage_pool=plan.storage,
        node=deployment.node,
        owner_vmid=owner_vmid,
    )
    try:
        with transaction.atomic():
            volume.save(force_insert=True)
    except IntegrityError as error:
        if NAME_CONSTRAINT not in str(error):
            raise
        raise VolumeInvalid(faults=(name_taken(),)) from error
    return volume


def _update(volume: Volume, **values: Any) -> None:
    values["updated_at"] = clock.now()
    Volume.objects.filter(pk=volume.pk).update(**values)
    for name, value in values.items():
        setattr(volume, name, value)
