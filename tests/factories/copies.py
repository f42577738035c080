"""Snapshots, backups and schedules on paper: rows that no hypervisor knows of."""

from __future__ import annotations

from typing import Any

from portal.kernel import clock
from portal.kernel.models import uuid7
from provisioning.models import Backup, BackupSchedule, Deployment, Snapshot


def paper_snapshot(deployment: Deployment, **fields: Any) -> Snapshot:
    values: dict[str, Any] = {"name": f"s-{uuid7().hex[-12:]}", "status": "ready"} | fields
    rows = Snapshot.objects.using("platform")
    return rows.create(tenant_id=deployment.tenant_id, deployment=deployment, **values)


def paper_backup(deployment: Deployment, **fields: Any) -> Backup:
    key = uuid7()
    values: dict[str, Any] = {
        "status": "complete",
        "storage": "backup",
        "volume_id": f"backup:backup/vzdump-qemu-{deployment.vmid}-{key.hex[-12:]}.vma.zst",
        "size_bytes": 3 * 1024**3,
        "archived_at": clock.now(),
        "ended_at": clock.now(),
    } | fields
    return Backup.objects.using("platform").create(
        id=key,
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        deployment_name=deployment.name,
        owner_id=deployment.owner_id,
        cluster_id=deployment.cluster_id,
        node=deployment.node,
        vmid=deployment.vmid,
        marker=f"uhub:{key}:paper",
        source_marker=deployment.marker,
        guest_uuid=deployment.guest_uuid,
        template_id=deployment.template_id,
        cpu_cores=deployment.cpu_cores,
        memory_mb=deployment.memory_mb,
        disk_gb=deployment.disk_gb,
        disk_storage=deployment.storage_pool,
        **values,
    )


def paper_schedule(deployment: Deployment, **fields: Any) -> BackupSchedule:
    values: dict[str, Any] = {
        "name": f"Nightly {uuid7().hex[-6:]}",
        "cron": "30 2 * * *",
        "time_zone": "UTC",
        "keep_last": 7,
        "next_at": clock.now(),
    } | fields
    rows = BackupSchedule.objects.using("platform")
    return rows.create(
        tenant_id=deployment.tenant_id,
        deployment=deployment,
        owner_id=deployment.owner_id,
        **values,
    )
