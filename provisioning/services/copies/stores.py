"""Looking at the storages: each is listed once per interval, and the rows follow what it holds."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from integrations.base.errors import ProviderError
from integrations.proxmox.interface import Hypervisor
from integrations.proxmox.interface.copies import Archive
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.queue import Advance, StepContext, StepResult
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, tenant_scope
from portal.models import Operation
from portal.services.operations import operation_enqueue
from portal.services.settings import setting_get
from portal.states import OPEN_STATUSES
from provisioning.logic.copy_states import BACKUP_TRANSITIONS, BackupStatus, Verification
from provisioning.models import Backup, BackupStore, Cluster, Storage
from provisioning.services.clusters import cluster_connection
from provisioning.services.copies.archives import node_for
from provisioning.services.copies.backup_steps import backup_complete
from provisioning.services.copies.telling import backup_told
from provisioning.services.operations import OperationType
from provisioning.services.saga.tasks import step_error
from provisioning.tags import Tag

_LOOKED_FOR = (BackupStatus.COMPLETE, BackupStatus.FAILED, BackupStatus.MISSING)


def stores_schedule() -> None:
    """Asks for one look at the storages of each cluster that has backups, once per interval."""
    interval = timedelta(seconds=int(setting_get("cloudpods.backup.sweep_interval_seconds")))
    fresh = BackupStore.objects.using(PLATFORM).filter(updated_at__gt=clock.now() - interval)
    asked_lately = set(fresh.values_list("cluster_id", flat=True))
    rows = Backup.across_tenants.filter(status__in=_LOOKED_FOR, cluster__is_active=True)
    due = set(rows.values_list("cluster_id", flat=True).distinct()) - asked_lately
    actor = Actor.system("backups", tenant_id=PLATFORM_TENANT_ID)
    for cluster_id in due:
        with tenant_scope(PLATFORM_TENANT_ID), transaction.atomic():
            key = f"backups:{cluster_id}"
            under_way = Operation.objects.filter(concurrency_key=key, status__in=OPEN_STATUSES)
            if under_way.exists():
                continue
            operation_enqueue(
                actor=actor,
                type=OperationType.BACKUP_OBSERVE,
                tenant_id=PLATFORM_TENANT_ID,
                target_type="cluster",
                target_id=cluster_id,
                payload={"cluster_id": str(cluster_id)},
                concurrency_key=key,
            )


def observe(ctx: StepContext) -> StepResult:
    """Lists every storage of the cluster that holds backups of ours, each once."""
    cluster = Cluster.objects.using(PLATFORM).get(pk=UUID(str(ctx.payload["cluster_id"])))
    try:
        hypervisor = hypervisor_for(cluster_connection(cluster))
    except ProviderError as error:
        raise step_error(error) from error
    counts = [
        store_look(cluster, hypervisor, name, node, rows)
        for (name, node), rows in sorted(_by_store(cluster).items())
    ]
    return Advance(
        stored_text(
            "%(backups)s backups on %(stores)s storages", backups=sum(counts), stores=len(counts)
        )
    )


def _by_store(cluster: Cluster) -> dict[tuple[str, str], list[Backup]]:
    """Our backups by where they lie; a local storage of a node is a place of its own."""
    shared = dict(
        Storage.objects.using(PLATFORM).filter(cluster=cluster).values_list("name", "is_shared")
    )
    rows = Backup.across_tenants.filter(cluster=cluster).exclude(
        status__in=[BackupStatus.DELETED, BackupStatus.PENDING]
    )
    found: dict[tuple[str, str], list[Backup]] = defaultdict(list)
    for row in rows.select_related("cluster", "deployment").order_by("pk"):
        found[row.storage, "" if shared.get(row.storage) else row.node].append(row)
    return found


def store_look(
    cluster: Cluster, hypervisor: Hypervisor, name: str, node: str, rows: list[Backup]
) -> int:
    """Lists one storage and follows it; one that cannot be listed tells nothing of its backups."""
    try:
        listed = hypervisor.archives(node_for(rows[0], hypervisor), name)
    except ProviderError as error:
        _store_save(cluster, name, node, error=error.message)
        return 0
    by_marker = {one.marker: one for one in listed if one.marker}
    ours = [by_marker[row.marker] for row in rows if row.marker in by_marker]
    doubted = not listed and any(row.status == BackupStatus.COMPLETE for row in rows)
    for row in rows:
        _follow(row, by_marker.get(row.marker), is_doubted=doubted)
    _store_save(cluster, name, node, listed=listed, ours=ours)
    return len(ours)


def _follow(row: Backup, found: Archive | None, *, is_doubted: bool) -> None:
    """One backup after one listing; a row that changed since the question was asked is left alone."""
    with tenant_scope(row.tenant_id), transaction.atomic():
        now = (
            Backup.objects.select_for_update(of=("self",))
            .select_related("deployment")
            .filter(pk=row.pk, status=row.status, updated_at=row.updated_at)
            .first()
        )
        if now is None or now.status not in _LOOKED_FOR:
            return
        actor = Actor.system("backups", tenant_id=row.tenant_id)
        if found is None:
            _absent(now, actor, is_doubted=is_doubted)
        elif now.status == BackupStatus.COMPLETE:
            _present(now, found)
        else:
            backup_complete(now, found, _verification(now, found))
            backup_told(now, tag=Tag.BACKUP_FOUND, actor=actor, after={"volume": found.volume})


def _verification(row: Backup, found: Archive) -> Verification:
    if found.is_verified is None:
        return Verification(row.verification)
    return Verification.OK if found.is_verified else Verification.FAILED


def _present(row: Backup, found: Archive) -> None:
    values = {
        "size_bytes": found.size_bytes,
        "verification": _verification(row, found),
    }
    changes = {name: value for name, value in values.items() if value != getattr(row, name)}
    if changes or row.absent_since is not None or row.seen_at is None:
        changes |= {"absent_since": None, "updated_at": clock.now()}
    Backup.objects.filter(pk=row.pk).update(seen_at=clock.now(), **changes)


def _absent(row: Backup, actor: Actor, *, is_doubted: bool) -> None:
    """Missing is what two listings in a row do not show; an empty storage is doubted for longer."""
    if row.status != BackupStatus.COMPLETE:
        return
    now = clock.now()
    if row.absent_since is None:
        Backup.objects.filter(pk=row.pk).update(absent_since=now)
        return
    interval = int(setting_get("cloudpods.backup.sweep_interval_seconds"))
    patience = timedelta(seconds=interval * (6 if is_doubted else 1) / 2)
    if now - row.absent_since < patience:
        return
    transition(row, table=BACKUP_TRANSITIONS, to=BackupStatus.MISSING)
    backup_told(
        row,
        tag=Tag.BACKUP_MISSING,
        actor=actor,
        outcome="failed",
        detail={"volume": row.volume_id, "storage": row.storage},
    )


def _store_save(
    cluster: Cluster,
    name: str,
    node: str,
    *,
    listed: tuple[Archive, ...] = (),
    ours: list[Archive] | None = None,
    error: str = "",
) -> None:
    now = clock.now()
    with transaction.atomic(using=PLATFORM):
        store, _ = BackupStore.objects.using(PLATFORM).get_or_create(
            cluster=cluster, name=name, node=node
        )
        store.last_error = error[:500]
        if error:
            store.error_since = store.error_since or now
        if ours is not None:
            store.error_since, store.listed_at = None, now
            store.ours, store.strangers = len(ours), len(listed) - len(ours)
            store.used_bytes = sum(one.size_bytes for one in ours)
        store.save(using=PLATFORM)
