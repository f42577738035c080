"""What the storages hold, and whose it is: the only thing that is believed of a backup.

An archive is ours when its volume is the one we remember and its notes begin with our marker; a restore
also reads the configuration that lies in it. Nothing else is ever deleted, protected or restored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from integrations.base.errors import ProviderError
from integrations.base.registry import GateClosed
from integrations.proxmox.errors import HostUnreachable
from integrations.proxmox.interface import Hypervisor
from integrations.proxmox.interface.copies import Archive
from integrations.services.hypervisors import hypervisor_for
from portal.kernel.queue import Poll, StepContext, StepFailed, StepNeedsOperator, StepResult
from portal.kernel.stored_text import stored_text
from provisioning.models import Backup, Node, NodeState
from provisioning.services.clusters import cluster_connection
from provisioning.services.copies.telling import backup_told
from provisioning.services.saga.tasks import step_error
from provisioning.tags import Tag

BACKUP_CONTENT: Final = "backup"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A backup and the hypervisor its storage belongs to, for the length of one step."""

    backup: Backup
    hypervisor: Hypervisor


ShelfStep = Callable[[StepContext, Shelf], StepResult]


def shelf_step(step: ShelfStep) -> Callable[[StepContext], StepResult]:
    """Opens the backup's cluster and translates what the provider raises; an outage is waited for."""

    @wraps(step)
    def run(ctx: StepContext) -> StepResult:
        backup = backup_load(ctx)
        try:
            hypervisor = hypervisor_for(cluster_connection(backup.cluster))
            return step(ctx, Shelf(backup, hypervisor))
        except (GateClosed, HostUnreachable):
            return Poll(
                float(settings.PROVISIONING["parked_poll_s"]),
                stored_text(
                    "cluster %(cluster)s does not answer; waiting for it",
                    cluster=backup.cluster.code,
                ),
            )
        except ProviderError as error:
            raise step_error(error) from error

    return run


def backup_load(ctx: StepContext) -> Backup:
    """The operation's backup as it stands now."""
    with transaction.atomic():
        rows = Backup.objects.select_related("cluster", "deployment", "template")
        backup = rows.filter(pk=UUID(str(ctx.payload["backup_id"]))).first()
    if backup is None:
        raise StepFailed(stored_text("The backup does not exist any more."), code="backup_gone")
    return backup


def archive_prove(
    ctx: StepContext, backup: Backup, hypervisor: Hypervisor, *, node: str
) -> Archive | None:
    """The fence of archives: the backup's own one, None when its storage does not hold it.

    Raises:
        StepNeedsOperator: what has the volume's name is not ours; nothing was touched.
    """
    listed = hypervisor.archives(node, backup.storage)
    found = next((one for one in listed if one.volume == backup.volume_id), None)
    if found is not None and (found.marker != backup.marker or found.vmid != backup.vmid):
        raise foreign(ctx, backup)
    return found


def archive_prove_content(
    ctx: StepContext, backup: Backup, hypervisor: Hypervisor, *, node: str
) -> None:
    """What lies in the archive is the machine the backup was made of, else StepNeedsOperator."""
    inside = hypervisor.archive_config(node, backup.volume_id)
    if (inside.marker, inside.uuid) != (backup.source_marker, backup.guest_uuid or None):
        raise foreign(ctx, backup)


def foreign(ctx: StepContext, backup: Backup) -> StepNeedsOperator:
    """Records that an archive is somebody else's and answers the error to raise."""
    with transaction.atomic():
        backup_told(
            backup,
            tag=Tag.BACKUP_FOREIGN,
            actor=ctx.actor,
            outcome="refused",
            detail={"volume": backup.volume_id},
        )
    return StepNeedsOperator(
        stored_text(
            "The archive %(volume)s is not this backup. Nothing was changed on it. "
            "An operator must find out whose it is.",
            volume=backup.volume_id,
        ),
        code="archive_mismatch",
        command=f"pvesm list {backup.storage} --vmid {backup.vmid}",
    )


def node_for(backup: Backup, hypervisor: Hypervisor) -> str:
    """A node to ask about the backup's storage: its own, or another one when that is down.

    A node that cannot reach the storage says so, and the work is tried again later.
    """
    with transaction.atomic():
        states = dict(
            Node.objects.filter(cluster_id=backup.cluster_id).values_list("name", "state")
        )
    if states.get(backup.node, NodeState.ONLINE) == NodeState.ONLINE:
        return backup.node
    for node in hypervisor.nodes():
        if not node.is_online:
            continue
        names = {s.name for s in hypervisor.storages(node.name) if s.is_active and s.is_shared}
        if backup.storage in names:
            return node.name
    return backup.node


def storage_choose(hypervisor: Hypervisor, node: str, wanted: str) -> str:
    """The storage a backup goes to: the wanted one, else the first that takes backups, shared ones first.

    One that is offline for the moment is not passed over: a backup beside the machine's disks is none.

    Raises:
        StepFailed: there is none, or the wanted one takes no backups here.
    """
    able = [s for s in hypervisor.storages(node) if BACKUP_CONTENT in s.content]
    if wanted and wanted not in {s.name for s in able}:
        raise StepFailed(
            stored_text(
                "Storage %(storage)s takes no backups on %(node)s. Choose another one.",
                storage=wanted,
                node=node,
            ),
            code="no_backup_storage",
        )
    if wanted:
        return wanted
    found = sorted((not s.is_shared, s.name) for s in able)
    if not found:
        raise StepFailed(
            stored_text(
                "No storage on %(node)s takes backups. An operator must open one.", node=node
            ),
            code="no_backup_storage",
        )
    return found[0][1]
