"""What people do with volumes: plan, create, attach, detach, grow, delete."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import trail
from billing.logic.pricing import cost
from billing.logic.quota import Amounts
from billing.selectors.quotas import quota_verdicts
from billing.services.quotas import quota_reserve
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault
from portal.kernel.models import uuid7
from portal.models import Operation
from portal.services.settings import setting_get
from provisioning.errors import VolumeInvalid, WrongState
from provisioning.logic.requests import bound_fault, name_fault
from provisioning.logic.volume_settings import MAX_GB, MIN_GB
from provisioning.logic.volumes import VolumeTag, gb_price
from provisioning.models import Deployment, Volume
from provisioning.selectors.deployments import machine_lock
from provisioning.selectors.volumes import volume_home, volume_lock
from provisioning.services.operations import OperationType, enqueue_for_volume
from provisioning.services.saga.shelf import shelf_take
from provisioning.services.saga.volume_outcome import told
from provisioning.services.volume_changes import (
    attach_begin,
    count_fault,
    delete_begin,
    demand_room,
    demand_status,
    detach_begin,
    growth_fault,
    idle,
    ready,
    resize_begin,
)
from provisioning.services.volume_plan import VolumePlan
from provisioning.states import VolumeStatus

NAME_CONSTRAINT: Final = "volume_name_once_while_live"
FIGURE_MAX: Final = 10_000_000
Outcome = tuple[Volume, Operation]
_S = VolumeStatus


@transaction.atomic
def volume_plan(*, actor: Actor, deployment_id: UUID | str, name: str, size_gb: int) -> VolumePlan:
    """What a request would become, cost and break; nothing is written.

    Raises:
        NotFound, Refused, WrongState.
    """
    deployment = ready(actor, deployment_id)
    return _planned(deployment, name=name, size_gb=size_gb)


@transaction.atomic
def volume_create(*, actor: Actor, deployment_id: UUID | str, name: str, size_gb: int) -> Outcome:
    """Reserves quota and name, and starts the making of a disk that is then attached.

    Raises:
        NotFound, Refused, WrongState, VolumeInvalid, QuotaExceeded, NoCapacity, NoVmidLeft.
    """
    deployment = ready(actor, deployment_id)
    plan = _planned(deployment, name=name, size_gb=size_gb)
    plan.demand()
    volume_id = uuid7()
    quota_reserve(
        actor=actor,
        tenant_id=deployment.tenant_id,
        subject_id=volume_id,
        amounts=plan.amounts,
    )
    demand_room(deployment.cluster_id, deployment.node, plan.storage, plan.size_gb)
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
    machine_lock(deployment_id or volume_home(volume_id))
    volume = idle(actor, volume_id)
    demand_status(volume, _S.DETACHED, _S.ERROR)
    target = deployment_id or volume.deployment_id
    if target is None:
        message = _("Say which deployment the volume is to be attached to.")
        raise VolumeInvalid(faults=(Fault("deployment", "required", message),))
    if volume.stored_at is None or (volume.status == _S.ERROR and volume.slot):
        raise WrongState(_("It is not known where the disk is. Detach or delete the volume first."))
    attach_begin(volume, target, actor=actor)
    return volume, enqueue_for_volume(volume, OperationType.VOLUME_ATTACH, actor=actor)


@transaction.atomic
def volume_detach(*, actor: Actor, volume_id: UUID | str) -> Outcome:
    """Asks for the disk to be taken out of its machine; its bytes and its quota stay.

    Raises:
        NotFound, Refused, VolumeBusy, WrongState.
    """
    volume = idle(actor, volume_id)
    detach_begin(volume, actor=actor)
    return volume, enqueue_for_volume(volume, OperationType.VOLUME_DETACH, actor=actor)


@transaction.atomic
def volume_resize(*, actor: Actor, volume_id: UUID | str, size_gb: int) -> Outcome:
    """Asks for a larger disk; a detached one grows on a bench. A smaller size is refused.

    Raises:
        NotFound, Refused, VolumeBusy, WrongState, VolumeInvalid, QuotaExceeded, NoCapacity.
    """
    volume = idle(actor, volume_id)
    values = resize_begin(volume, size_gb, actor=actor)
    return volume, enqueue_for_volume(volume, OperationType.VOLUME_RESIZE, actor=actor, **values)


@transaction.atomic
def volume_resize_plan(*, actor: Actor, volume_id: UUID | str, size_gb: int) -> VolumePlan:
    """What a growth would cost and break; nothing is written. Raises NotFound, Refused."""
    volume = volume_lock(actor=actor, volume_id=volume_id)
    fault = growth_fault(volume, size_gb)
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
    volume = idle(actor, volume_id)
    delete_begin(volume, actor=actor)
    return volume, enqueue_for_volume(volume, OperationType.VOLUME_DELETE, actor=actor)


def _planned(deployment: Deployment, *, name: str, size_gb: int) -> VolumePlan:
    least, most = int(setting_get(MIN_GB)), int(setting_get(MAX_GB))
    found = (
        name_fault(name) or _taken(name),
        bound_fault("size_gb", size_gb, low=least, high=most, unit="GiB"),
        count_fault(deployment),
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


def _taken(name: str) -> Fault | None:
    live = Volume.objects.exclude(status=_S.DELETED)
    return name_taken() if live.filter(name=name[:63]).exists() else None


def name_taken() -> Fault:
    """A live volume of the tenant has the name; the constraint decides between two at once."""
    return Fault("name", "unique", _("Your organisation already has a volume of this name."))


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
