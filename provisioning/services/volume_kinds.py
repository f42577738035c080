"""The operation kinds of volumes, and what they listen to."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.kernel import events
from portal.kernel.authz import Actor
from portal.kernel.queue import Again, OperationKind, Step, register_operation
from portal.services.live_events import live_publish
from portal.services.operations import operation_enqueue
from provisioning.events import DeploymentChanged, VolumeChanged
from provisioning.permissions import Permission
from provisioning.services import volume_retries
from provisioning.services.operations import OperationType as Type
from provisioning.services.saga import bench, volumes
from provisioning.services.saga.volume_outcome import restart_waiters, volume_failed, volumes_let_go
from provisioning.states import DeploymentStatus

_PATIENCE: Final = 12
_AT_REST: Final = frozenset({DeploymentStatus.RUNNING, DeploymentStatus.STOPPED})


def volumes_register() -> None:
    """Makes the kinds and the subscriptions known."""
    for kind in _KINDS:
        register_operation(kind)
    events.subscribe(VolumeChanged, _volume_told)
    events.subscribe(DeploymentChanged, _machine_changed)


def _volume_told(event: VolumeChanged) -> None:
    live_publish(f"volume:{event.volume_id}", tenant_id=event.tenant_id)
    if event.deployment_id:
        live_publish(f"deployment:{event.deployment_id}", tenant_id=event.tenant_id)


def _machine_changed(event: DeploymentChanged) -> None:
    """A machine has ended: its disks are nobody's. It has come to rest: what waited for that is looked at."""
    actor = Actor.system("volumes", tenant_id=event.tenant_id)
    if event.status == DeploymentStatus.DELETED:
        volumes_let_go(event.deployment_id, actor=actor, and_delete=False)
        return
    if event.status not in _AT_REST or not restart_waiters(event.deployment_id).exists():
        return
    operation_enqueue(
        actor=actor,
        type=Type.VOLUME_SETTLE,
        tenant_id=event.tenant_id,
        target_type="deployment",
        target_id=event.deployment_id,
        payload={"deployment_id": str(event.deployment_id)},
    )


def _kind(type_: Type, label: str | Promise, on_retry: Again, *steps: Step) -> OperationKind:
    return OperationKind(
        type=type_,
        label=label,
        queue="cloudpods",
        steps=steps,
        max_attempts=_PATIENCE,
        backoff_cap_s=60,
        retry_permission=Permission.VOLUMES_MANAGE,
        cure_permissions=(Permission.VIEW, Permission.MANAGE),
        on_failure=volume_failed,
        on_retry=on_retry,
    )


_ATTACH: Final = Step("attach", _("Attach"), volumes.attach)
_DETACH: Final = Step("detach", _("Detach"), volumes.detach)
_KINDS: Final = (
    _kind(
        Type.VOLUME_CREATE,
        _("Create volume"),
        volume_retries.create_again,
        Step("make", _("Make"), volumes.allocate),
        _ATTACH,
    ),
    _kind(Type.VOLUME_ATTACH, _("Attach volume"), volume_retries.attach_again, _ATTACH),
    _kind(Type.VOLUME_DETACH, _("Detach volume"), volume_retries.detach_again, _DETACH),
    _kind(
        Type.VOLUME_RESIZE,
        _("Grow volume"),
        volume_retries.resize_again,
        Step("plug", _("Make ready"), bench.plug),
        Step("grow", _("Grow"), volumes.grow),
        Step("unplug", _("Put back"), bench.unplug),
    ),
    _kind(
        Type.VOLUME_DELETE,
        _("Delete volume"),
        volume_retries.delete_again,
        _DETACH,
        Step("free", _("Free"), volumes.free),
        Step("release", _("Release"), volumes.release),
    ),
    OperationKind(
        type=Type.VOLUME_SETTLE,
        label=_("Look at volumes"),
        queue="metrics",
        steps=(Step("look", _("Look"), volumes.settle),),
        max_attempts=5,
        is_critical=False,
    ),
)
