"""The operation types of provisioning and the one way its services start them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from portal.kernel.authz import Actor
from portal.models import Operation
from portal.services.operations import operation_enqueue
from provisioning.models import Deployment, Volume


class OperationType(StrEnum):
    """Strings of the seed."""

    PROVISION = "pod.provision"
    START = "pod.start"
    STOP = "pod.stop"
    RESTART = "pod.restart"
    RESIZE = "pod.resize"
    PROTECT = "pod.protect"
    DESTROY = "pod.destroy"
    ADOPT = "pod.adopt"
    REAPPLY = "pod.reapply"
    REFRESH = "pod.refresh"
    BOOTSTRAP = "pod.bootstrap"
    SECRETS_FORGET = "pod.secrets.forget"
    DISKS_FREE = "disks.free"
    DESTROY_FORGOTTEN = "pod.destroy_forgotten"
    OBSERVE = "cluster.observe"
    SNAPSHOT_CREATE = "snapshot.create"
    SNAPSHOT_ROLLBACK = "snapshot.rollback"
    SNAPSHOT_DELETE = "snapshot.delete"
    BACKUP_CREATE = "backup.create"
    BACKUP_RESTORE = "backup.restore"
    BACKUP_DELETE = "backup.delete"
    BACKUP_PRUNE = "backup.prune"
    BACKUP_OBSERVE = "backup.observe"
    DNS_CREATE = "dns.create"
    DNS_UPDATE = "dns.update"
    DNS_DELETE = "dns.delete"
    DNS_CHECK = "dns.check"
    DNS_TEST = "dns.test"
    DNS_CLEAR = "dns.clear"
    VOLUME_CREATE = "volume.create"
    VOLUME_ATTACH = "volume.attach"
    VOLUME_DETACH = "volume.detach"
    VOLUME_RESIZE = "volume.resize"
    VOLUME_DELETE = "volume.delete"
    VOLUME_SETTLE = "volume.settle"
    HEALTH = "pod.health.check"
    HEAL = "pod.heal"


def enqueue_for(
    deployment: Deployment, type_: OperationType, *, actor: Actor, **payload: Any
) -> Operation:
    """Starts work on a deployment; one piece of work at a time per deployment, in the order asked."""
    return operation_enqueue(
        actor=actor,
        type=type_,
        tenant_id=deployment.tenant_id,
        target_type="deployment",
        target_id=deployment.pk,
        payload={"deployment_id": str(deployment.pk), **payload},
        priority=_PRIORITY.get(type_, 0),
        concurrency_key=_concurrency_key(deployment, type_),
    )


def enqueue_for_volume(
    volume: Volume, type_: OperationType, *, actor: Actor, **payload: Any
) -> Operation:
    """Starts work on a disk, behind the other work on the machine it belongs to."""
    home = volume.deployment_id
    return operation_enqueue(
        actor=actor,
        type=type_,
        tenant_id=volume.tenant_id,
        target_type="volume",
        target_id=volume.pk,
        payload={
            "volume_id": str(volume.pk),
            "deployment_id": str(home) if home else "",
            **payload,
        },
        concurrency_key=f"deployment:{home}" if home else f"volume:{volume.pk}",
    )


_PRIORITY = {
    OperationType.STOP: 5,
    OperationType.DESTROY: 5,
    OperationType.REFRESH: -5,
    OperationType.BOOTSTRAP: -5,
}


def _concurrency_key(deployment: Deployment, type_: OperationType) -> str:
    match type_:
        case OperationType.REFRESH:
            return ""
        case OperationType.BOOTSTRAP | OperationType.SECRETS_FORGET:
            return f"bootstrap:{deployment.pk}"
        case _:
            return f"deployment:{deployment.pk}"
