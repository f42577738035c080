"""Snapshots and backups as people ask for them, on the real simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.models import Backup, Deployment, Snapshot
from provisioning.services import lifecycle
from provisioning.services.copies import backups, restores, snapshots
from tests.conftest import Cloud
from tests.engine import run_until_idle
from tests.provisioning.scenes import reloaded


def asked(
    cloud: Cloud, service: Callable[..., Any], *, role: str = "support", **values: Any
) -> Any:
    """One call of a service in `north`."""
    with tenant_scope(cloud.world.north.pk):
        return service(actor=cloud.world.actor(role), **values)


def stopped(cloud: Cloud, deployment: Deployment) -> Deployment:
    asked(cloud, lifecycle.deployment_stop, deployment_id=deployment.pk, mode="force")
    run_until_idle()
    return reloaded(deployment)


def deleted(cloud: Cloud, deployment: Deployment) -> Deployment:
    asked(cloud, lifecycle.deployment_delete, deployment_id=deployment.pk)
    run_until_idle()
    return reloaded(deployment)


def backed_up(cloud: Cloud, deployment: Deployment, **fields: Any) -> Backup:
    """A backup that was made."""
    backup, _ = asked(cloud, backups.backup_create, deployment_id=deployment.pk, **fields)
    run_until_idle()
    row = backup_of(backup)
    assert (row.status, row.failure) == ("complete", "")
    return row


def snapshotted(cloud: Cloud, deployment: Deployment, name: str = "before") -> Snapshot:
    """A snapshot that was taken."""
    snapshot, _ = asked(cloud, snapshots.snapshot_create, deployment_id=deployment.pk, name=name)
    run_until_idle()
    row = snapshot_of(snapshot)
    assert (row.status, row.failure) == ("ready", "")
    return row


def restored_over(cloud: Cloud, backup: Backup) -> Operation:
    """A restore in place, run to its end."""
    _, operation = asked(cloud, restores.restore_in_place, backup_id=backup.pk)
    run_until_idle()
    return Operation.across_tenants.get(pk=operation.pk)


def restored_anew(cloud: Cloud, backup: Backup, name: str = "drill") -> Deployment:
    """A restore as a new deployment, run to its end."""
    actor = cloud.world.actor("support")
    deployment, _ = asked(
        cloud,
        restores.restore_as_new,
        tenant_id=cloud.world.north.pk,
        owner_id=actor.user_id,
        backup_id=backup.pk,
        name=name,
    )
    run_until_idle()
    return reloaded(deployment)


def backup_of(backup: Backup) -> Backup:
    return Backup.across_tenants.get(pk=backup.pk)


def snapshot_of(snapshot: Snapshot) -> Snapshot:
    return Snapshot.across_tenants.get(pk=snapshot.pk)


def disk_bytes(cloud: Cloud, vmid: int) -> list[str]:
    """The fingerprints of a machine's disks: equal ones are equal bytes."""
    rows = cloud.simulator.state()["volumes"]
    found = [
        row
        for row in rows
        if row["vmid"] == vmid and row["content"] == "images" and "cloudinit" not in row["volid"]
    ]
    return [row["fingerprint"] for row in sorted(found, key=lambda row: row["volid"])]


def archives(cloud: Cloud) -> list[str]:
    """The volumes of all backups, as the ground truth has them."""
    rows = cloud.simulator.state()["volumes"]
    return sorted(row["volid"] for row in rows if row["content"] == "backup")
