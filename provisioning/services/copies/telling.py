"""What everybody hears of a change of a copy: the page of its machine, the audit, the apps above."""

from __future__ import annotations

from typing import Any

from audit.services import trail
from portal.kernel import events
from portal.kernel.authz import Actor
from portal.services.live_events import live_publish
from provisioning.events import BackupDone
from provisioning.logic.copy_states import BackupStatus
from provisioning.models import Backup, Deployment
from provisioning.tags import Tag


def copy_told(deployment: Deployment, *, tag: Tag, actor: Actor, **entry: Any) -> None:
    """One line in the trail of the machine, and its open pages look again."""
    trail.record(tag=tag, target=deployment, actor=actor, **entry)
    live_publish(f"deployment:{deployment.pk}", tenant_id=deployment.tenant_id)


def backup_told(backup: Backup, *, tag: Tag, actor: Actor, **entry: Any) -> None:
    """The same for a backup, whose machine may be gone; ends are told to the apps above."""
    detail = {"backup": str(backup.pk)} | (entry.pop("detail", None) or {})
    target: Backup | Deployment = backup.deployment or backup
    trail.record(
        tag=tag, target=target, actor=actor, tenant_id=backup.tenant_id, detail=detail, **entry
    )
    topics = [f"backup:{backup.pk}"]
    if backup.deployment_id is not None:
        topics.append(f"deployment:{backup.deployment_id}")
    live_publish(*topics, tenant_id=backup.tenant_id)
    if tag in {Tag.BACKUP_CREATED, Tag.BACKUP_FAILED}:
        done = BackupStatus.COMPLETE if tag is Tag.BACKUP_CREATED else BackupStatus.FAILED
        events.publish(BackupDone(backup.deployment_id, backup.tenant_id, backup.pk, str(done)))
