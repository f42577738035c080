"""Trying a change of a disk once more: only of the disk as it was then, and with the checks of the first request.

A disk that was moved meanwhile is not touched: what was asked for in one machine would hit another.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound
from portal.kernel.fsm import transition
from portal.kernel.queue import Payload
from provisioning.errors import VolumeBusy, VolumeInvalid, WrongState
from provisioning.logic.volumes import VolumeTag
from provisioning.models import Volume
from provisioning.selectors.deployments import machine_lock
from provisioning.selectors.reconciliation import busy_ids
from provisioning.selectors.volumes import volume_lock
from provisioning.services.saga.volume_outcome import told
from provisioning.services.volume_changes import (
    attach_begin,
    count_fault,
    delete_begin,
    delete_told,
    demand_reach,
    demand_status,
    detach_begin,
    idle,
    ready,
    resize_begin,
)
from provisioning.states import VOLUME_TRANSITIONS, VolumeStatus

_S = VolumeStatus


def create_again(actor: Actor, payload: Payload) -> None:
    """A disk whose making failed is being made again; quota, name and number are its own still.

    Raises:
        NotFound, Refused, VolumeBusy, WrongState, VolumeInvalid, VolumeUnreachable.
    """
    volume = _idle_at_home(actor, payload)
    demand_status(volume, _S.ERROR)
    deployment = ready(actor, str(payload["deployment_id"]))
    if volume.stored_at is not None:
        demand_reach(volume, deployment, actor=actor)
    if fault := count_fault(deployment, volume=volume):
        raise VolumeInvalid(faults=(fault,))
    transition(volume, table=VOLUME_TRANSITIONS, to=_S.CREATING, attention=None)
    trail.record(
        tag=VolumeTag.REQUESTED,
        target=volume,
        actor=actor,
        after={"size_gb": volume.size_gb, "deployment": deployment.name},
    )
    told(volume, VolumeTag.REQUESTED)


def attach_again(actor: Actor, payload: Payload) -> None:
    """On its way into the same machine again, whose drives are looked at first. Raises as `volume_attach`."""
    volume = _idle_at_home(actor, payload)
    demand_status(volume, _S.DETACHED, _S.ERROR)
    if volume.stored_at is None:
        raise WrongState(_("There is no disk yet. Retry the operation, or delete the volume."))
    attach_begin(volume, str(payload["deployment_id"]), actor=actor)


def detach_again(actor: Actor, payload: Payload) -> None:
    """On its way out of the same machine again. Raises as `volume_detach`."""
    detach_begin(_idle_at_home(actor, payload), actor=actor)


def resize_again(actor: Actor, payload: Payload) -> Payload:
    """The growth is reserved again, and a place to grow in for a disk that is in no machine by now.

    Raises as `volume_resize`.
    """
    volume = _idle_at_home(actor, payload)
    if "size_gb" not in payload:
        raise WrongState(_("It is not on record what size was wanted. Let the volume grow anew."))
    values = resize_begin(volume, int(payload["size_gb"]), actor=actor)
    return {key: payload[key] for key in ("volume_id", "deployment_id")} | values


def delete_again(actor: Actor, payload: Payload) -> None:
    """On its way to its end again, unless it is in another machine by now.

    Raises:
        NotFound, Refused, VolumeBusy, WrongState.
    """
    volume = volume_lock(actor=actor, volume_id=_live(payload))
    if volume.deployment_id is not None:
        _demand_home(volume, payload)
    if volume.action or volume.status == _S.CREATING or busy_ids([volume.pk]):
        raise VolumeBusy
    if volume.status != _S.DELETING:
        delete_begin(volume, actor=actor)
        return
    Volume.objects.filter(pk=volume.pk).update(attention=None, updated_at=clock.now())
    delete_told(volume, actor=actor)


def _idle_at_home(actor: Actor, payload: Payload) -> Volume:
    """The volume, locked, idle and where it was then. Raises NotFound, Refused, VolumeBusy, WrongState."""
    key = _live(payload)
    machine_lock(payload.get("deployment_id"))
    volume = idle(actor, key)
    _demand_home(volume, payload)
    return volume


def _demand_home(volume: Volume, payload: Payload) -> None:
    if str(volume.deployment_id or "") != str(payload.get("deployment_id") or ""):
        raise WrongState(_("The volume was moved meanwhile. Say on its page what is to be done."))


def _live(payload: Payload) -> str:
    """The volume's key. Raises WrongState for one that has ended, NotFound for none."""
    key = str(payload["volume_id"])
    status = Volume.objects.filter(pk=key).values_list("status", flat=True).first()
    if status is None:
        raise NotFound(_("There is no such volume."))
    if status == _S.DELETED:
        raise WrongState(_("The volume is gone: there is nothing to try again."), status=status)
    return key
