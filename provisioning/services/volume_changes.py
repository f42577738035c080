"""How changes of a disk begin: the checks, and the row that shows it as under way, in the open transaction.

The first request and every further try go through here, so that what excludes the one excludes the other.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from audit.services import trail
from billing.logic.quota import Amounts
from billing.services.quotas import quota_adjust
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Fault
from portal.kernel.fsm import transition
from portal.services.settings import setting_get
from provisioning.errors import VolumeBusy, VolumeInvalid, VolumeUnreachable, WrongState
from provisioning.logic.requests import bound_fault
from provisioning.logic.volume_settings import MAX_GB, MAX_PER_DEPLOYMENT
from provisioning.logic.volumes import VolumeTag
from provisioning.models import Deployment, Volume
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.selectors.volumes import reaches, storages_of, volume_lock, volume_targets
from provisioning.services.placement import growth_demand
from provisioning.services.saga.bench import bench_take
from provisioning.services.saga.volume_outcome import told
from provisioning.states import VOLUME_TRANSITIONS, DeploymentStatus, VolumeAction, VolumeStatus

_S = VolumeStatus
_READY: Final = (DeploymentStatus.RUNNING, DeploymentStatus.STOPPED)


def ready(actor: Actor, deployment_id: UUID | str) -> Deployment:
    """The deployment, locked, that can take a disk now. Raises NotFound, Refused, WrongState."""
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


def idle(actor: Actor, volume_id: UUID | str) -> Volume:
    """The volume, locked, while nothing is under way on it. Raises NotFound, Refused, VolumeBusy."""
    volume = volume_lock(actor=actor, volume_id=volume_id)
    if volume.is_busy:
        raise VolumeBusy
    return volume


def demand_status(volume: Volume, *states: VolumeStatus) -> None:
    """Passes in these states. Raises WrongState."""
    if volume.status in states:
        return
    label = VolumeStatus(volume.status).label.lower()
    raise WrongState(_("The volume is %(state)s already.") % {"state": label}, status=volume.status)


def demand_reach(volume: Volume, deployment: Deployment, *, actor: Actor) -> None:
    """Passes when the machine reaches the disk. Raises VolumeUnreachable, which says what would."""
    if reaches(deployment, volume, storages_of(volume)):
        return
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
    raise VolumeUnreachable(f"{message} {way}", deployments=names)


def demand_room(cluster_id: UUID, node: str, storage: str, size_gb: int) -> None:
    """Passes while the storage has room for so much more. Raises NoCapacity."""
    growth = Amounts(0, 0, 0, size_gb)
    growth_demand(cluster_id=cluster_id, node=node, storage=storage, growth=growth)


def count_fault(deployment: Deployment, *, volume: Volume | None = None) -> Fault | None:
    """Whether the machine has drives left, for this volume if it is one of its own.

    Those being attached count, those that left do not.
    """
    most = int(setting_get(MAX_PER_DEPLOYMENT))
    rows = Volume.objects.filter(deployment_id=deployment.pk).exclude(status=_S.DELETED)
    if volume is not None:
        rows = rows.exclude(pk=volume.pk)
    count = rows.exclude(status=_S.DETACHED, action="").count()
    if count < most:
        return None
    message = _(
        "The deployment has %(count)s volumes; %(most)s are allowed. "
        "Detach or delete one, or let a larger one grow."
    ) % {"count": count, "most": most}
    return Fault("deployment", "too_many_volumes", message)


def growth_fault(volume: Volume, size_gb: int) -> Fault | None:
    """Why the volume cannot become so large, None when it can."""
    most = int(setting_get(MAX_GB))
    if size_gb <= volume.size_gb:
        message = _(
            "%(asked)s GiB is not more than the %(size)s GiB it has: a volume can only grow. "
            "Create a smaller one and copy the data instead."
        ) % {"asked": size_gb, "size": volume.size_gb}
        return Fault("size_gb", "only_grows", message)
    return bound_fault("size_gb", size_gb, low=volume.size_gb + 1, high=most, unit="GiB")


def attach_begin(volume: Volume, deployment_id: UUID | str, *, actor: Actor) -> None:
    """Shows an idle volume on its way into a machine.

    Raises:
        NotFound, Refused, WrongState, VolumeInvalid, VolumeUnreachable.
    """
    deployment = ready(actor, deployment_id)
    demand_reach(volume, deployment, actor=actor)
    if fault := count_fault(deployment, volume=volume):
        raise VolumeInvalid(faults=(fault,))
    _update(volume, deployment=deployment, action=VolumeAction.ATTACH, attention=None)
    trail.record(
        tag=VolumeTag.ATTACH_REQUESTED,
        target=volume,
        actor=actor,
        after={"deployment": deployment.name},
    )
    told(volume, VolumeTag.ATTACH_REQUESTED)


def detach_begin(volume: Volume, *, actor: Actor) -> None:
    """Shows an idle volume on its way out of its machine. Raises WrongState."""
    demand_status(volume, _S.ATTACHED, _S.ERROR)
    if volume.stored_at is None:
        raise WrongState(_("There is no disk yet. Retry the operation, or delete the volume."))
    if volume.deployment is not None and volume.deployment.status == DeploymentStatus.DELETING:
        raise WrongState(
            _("The deployment is being deleted; what happens with its volumes is decided.")
        )
    _update(volume, action=VolumeAction.DETACH, attention=None)
    trail.record(tag=VolumeTag.DETACH_REQUESTED, target=volume, actor=actor)
    told(volume, VolumeTag.DETACH_REQUESTED)


def resize_begin(volume: Volume, size_gb: int, *, actor: Actor) -> dict[str, Any]:
    """Reserves what an idle volume grows by and shows it as growing; answers what its operation has to know.

    Raises:
        WrongState, VolumeInvalid, QuotaExceeded, NoCapacity, NoVmidLeft.
    """
    if fault := growth_fault(volume, size_gb):
        raise VolumeInvalid(faults=(fault,))
    if volume.status not in {_S.ATTACHED, _S.DETACHED} or volume.stored_at is None:
        raise WrongState(
            _("It is not known where the disk is. Detach it, then let it grow."),
            status=volume.status,
        )
    growth = size_gb - volume.held_gb
    quota_adjust(
        actor=actor,
        tenant_id=volume.tenant_id,
        subject_id=volume.pk,
        amounts=Amounts(0, 0, 0, size_gb),
    )
    bench = bench_take(volume) if volume.status == _S.DETACHED else None
    if growth > 0:
        home = volume.deployment if volume.status == _S.ATTACHED else None
        node = bench.node if bench else home.node if home else volume.node
        demand_room(volume.cluster_id, node, volume.storage_pool, growth)
    _update(volume, wanted_gb=size_gb, action=VolumeAction.RESIZE, attention=None)
    trail.record(
        tag=VolumeTag.RESIZE_REQUESTED,
        target=volume,
        actor=actor,
        before={"size_gb": volume.size_gb},
        after={"size_gb": size_gb},
    )
    told(volume, VolumeTag.RESIZE_REQUESTED)
    return {"size_gb": size_gb} | ({"bench_id": str(bench.pk)} if bench else {})


def delete_begin(volume: Volume, *, actor: Actor) -> None:
    """Shows an idle volume on its way to its end."""
    transition(volume, table=VOLUME_TRANSITIONS, to=_S.DELETING, attention=None)
    delete_told(volume, actor=actor)


def delete_told(volume: Volume, *, actor: Actor) -> None:
    """Writes down who wants its end."""
    trail.record(
        tag=VolumeTag.DELETE_REQUESTED, target=volume, actor=actor, before={"name": volume.name}
    )
    told(volume, VolumeTag.DELETE_REQUESTED)


def _update(volume: Volume, **values: Any) -> None:
    values["updated_at"] = clock.now()
    Volume.objects.filter(pk=volume.pk).update(**values)
    for name, value in values.items():
        setattr(volume, name, value)
