"""What provisioning writes to the audit."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.audit_tags import Category, TagSpec


class Tag(StrEnum):
    """Audit tags of the life of a deployment."""

    REQUESTED = "pod.requested"
    CREATED = "pod.created"
    CREATE_FAILED = "pod.create_failed"
    RETRIED = "pod.retried"
    START_REQUESTED = "pod.start_requested"
    STARTED = "pod.started"
    STOP_REQUESTED = "pod.stop_requested"
    STOPPED = "pod.stopped"
    RESTART_REQUESTED = "pod.restart_requested"
    RESTARTED = "pod.restarted"
    RESIZE_REQUESTED = "pod.resize_requested"
    RESIZED = "pod.resized"
    EXTENDED = "pod.extended"
    CHANGED = "pod.changed"
    HELD = "pod.held"
    RELEASED = "pod.released"
    PROTECTION = "pod.protection"
    EXPIRED = "pod.expired"
    WARNED = "pod.lease_warned"
    WARNING_DELIVERED = "pod.lease_warning_delivered"
    WARNING_FAILED = "pod.lease_warning_failed"
    DELETION_MOVED = "pod.deletion_moved"
    EXTENSION_REQUESTED = "pod.extension_requested"
    EXTENSION_APPROVED = "pod.extension_approved"
    EXTENSION_DENIED = "pod.extension_denied"
    EXTENSION_WITHDRAWN = "pod.extension_withdrawn"
    EXTENSION_EXPIRED = "pod.extension_expired"
    DELETE_REQUESTED = "pod.delete_requested"
    DELETED = "pod.deleted"
    ACTION_FAILED = "pod.action_failed"
    IDENTITY_MISMATCH = "pod.identity_mismatch"
    VMID_TAKEN = "pod.vmid_taken"
    OBSERVED = "pod.observed"
    IMPORTED = "pod.imported"
    FINDING_OPENED = "finding.opened"
    FINDING_RESOLVED = "finding.resolved"
    FINDING_CLOSED = "finding.closed"
    FORGOTTEN = "pod.forgotten"
    ADOPT_REQUESTED = "pod.adopt_requested"
    ADOPTED = "pod.adopted"
    ADOPT_FAILED = "pod.adopt_failed"
    REAPPLY_REQUESTED = "pod.reapply_requested"
    REAPPLIED = "pod.reapplied"
    DRIFT_ACCEPTED = "pod.drift_accepted"
    VMID_RELEASED = "vmid.released"
    LISTING_BELIEVED = "cluster.listing_believed"
    HEALTH_FAILED = "pod.health_failed"
    HEALTH_RECOVERED = "pod.health_recovered"
    HEAL_REQUESTED = "pod.heal_requested"
    HEALED = "pod.healed"
    HEAL_FAILED = "pod.heal_failed"
    HEAL_DROPPED = "pod.heal_dropped"
    HEAL_EXHAUSTED = "pod.heal_exhausted"
    HEAL_PAUSED = "cluster.heal_paused"
    HEAL_RESUMED = "cluster.heal_resumed"
    AUTO_HEAL_SET = "pod.auto_heal_set"
    PROBE_SET = "pod.health_probe_set"
    CONSOLE_REQUESTED = "console.requested"
    CONSOLE_OPENED = "console.opened"
    CONSOLE_CLOSED = "console.closed"
    CONSOLE_REFUSED = "console.refused"
    BOOTSTRAP_REQUESTED = "pod.bootstrap_requested"
    BOOTSTRAPPED = "pod.bootstrapped"
    BOOTSTRAP_FAILED = "pod.bootstrap_failed"
    SECRETS_SHOWN = "pod.secrets_shown"
    OWNER_OFFERED = "pod.transfer_offered"
    OWNER_CHANGED = "pod.owner_changed"
    OWNER_DECLINED = "pod.transfer_declined"
    OWNER_WITHDRAWN = "pod.transfer_withdrawn"
    OWNER_EXPIRED = "pod.transfer_expired"
    TENANT_LEFT = "pod.left_organisation"
    TENANT_JOINED = "pod.joined_organisation"
    DISKS_DELETED = "finding.disks_deleted"
    NAMES_CLEARED = "finding.names_cleared"
    FORGOTTEN_DESTROY = "pod.forgotten_destroy_requested"
    FORGOTTEN_DESTROYED = "pod.forgotten_destroyed"
    TEMPLATE_ACCEPTED = "template.accepted"
    WINDOW_PLANNED = "infrastructure.window_planned"
    WINDOW_CANCELED = "infrastructure.window_canceled"
    ALERT_FIRED = "alert.fired"
    ALERT_RESOLVED = "alert.resolved"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_RULE_SAVED = "alert_rule.saved"
    ALERT_RULE_DELETED = "alert_rule.deleted"
    HOST_ADDED = "host.added"
    HOST_TOKEN_MADE = "host.token_made"  # noqa: S105 - the name of an event
    HOST_TOKEN_REVOKED = "host.token_revoked"  # noqa: S105 - the name of an event
    HOST_REMOVED = "host.removed"
    HOOK_CREATED = "hook.created"
    HOOK_CHANGED = "hook.changed"
    HOOK_DELETED = "hook.deleted"
    HOOK_ENDED = "hook.ended"
    HOOK_FAILED = "hook.failed"
    HOOK_SKIPPED = "hook.skipped"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_ROTATED = "webhook.secret_rotated"
    WEBHOOK_PAUSED = "webhook.paused"
    WEBHOOK_RESUMED = "webhook.resumed"
    WEBHOOK_TESTED = "webhook.tested"
    WEBHOOK_REPLAYED = "webhook.replayed"
    WEBHOOK_LEFT = "webhook.left"
    CLUSTER_SAVED = "cluster.saved"
    TEMPLATE_SAVED = "template.saved"
    SNAPSHOT_REQUESTED = "snapshot.requested"
    SNAPSHOT_CREATED = "snapshot.created"
    SNAPSHOT_FAILED = "snapshot.failed"
    SNAPSHOT_ROLLBACK_REQUESTED = "snapshot.rollback_requested"
    SNAPSHOT_ROLLED_BACK = "snapshot.rolled_back"
    SNAPSHOT_DELETE_REQUESTED = "snapshot.delete_requested"
    SNAPSHOT_DELETED = "snapshot.deleted"
    BACKUP_REQUESTED = "backup.requested"
    BACKUP_CREATED = "backup.created"
    BACKUP_FAILED = "backup.failed"
    BACKUP_CHANGED = "backup.changed"
    BACKUP_DELETE_REQUESTED = "backup.delete_requested"
    BACKUP_DELETED = "backup.deleted"
    BACKUP_MISSING = "backup.missing"
    BACKUP_FOUND = "backup.found"
    BACKUP_FOREIGN = "backup.foreign"
    BACKUP_PRUNED = "backup.pruned"
    RESTORE_REQUESTED = "backup.restore_requested"
    RESTORED = "backup.restored"
    RESTORE_FAILED = "backup.restore_failed"
    BACKUP_SCHEDULE_SAVED = "backup_schedule.saved"
    BACKUP_SCHEDULE_DELETED = "backup_schedule.deleted"
    NODE_CHANGED = "infrastructure.node_changed"
    STORAGE_CHANGED = "infrastructure.storage_changed"
    MAINTENANCE_SET = "infrastructure.maintenance_set"
    MAINTENANCE_CLEARED = "infrastructure.maintenance_cleared"
    NAME_REQUESTED = "dns.requested"
    NAME_SET = "dns.set"
    NAME_REMOVAL = "dns.removal_requested"
    NAME_REMOVED = "dns.removed"
    NAME_FAILED = "dns.failed"
    NAME_DRIFTED = "dns.drifted"
    NAME_RIGHT_AGAIN = "dns.right_again"
    NAME_LET_GO = "dns.let_go"
    NAME_STALE = "dns.stale"
    ZONE_SAVED = "dns.zone_saved"
    ZONE_CHECK_REQUESTED = "dns.zone_check_requested"
    NAME_SERVER_SAVED = "dns.server_saved"
    NAME_SERVER_TEST_REQUESTED = "dns.server_test_requested"


_L = Category.LIFECYCLE
_B = Category.BACKUP
TAGS: dict[str, TagSpec] = {
    Tag.REQUESTED: TagSpec(_L, _("Deployment requested")),
    Tag.CREATED: TagSpec(_L, _("Deployment ready")),
    Tag.CREATE_FAILED: TagSpec(_L, _("Provisioning failed")),
    Tag.RETRIED: TagSpec(_L, _("Provisioning retried")),
    Tag.START_REQUESTED: TagSpec(_L, _("Start requested")),
    Tag.STARTED: TagSpec(_L, _("Started")),
    Tag.STOP_REQUESTED: TagSpec(_L, _("Stop requested")),
    Tag.STOPPED: TagSpec(_L, _("Stopped")),
    Tag.RESTART_REQUESTED: TagSpec(_L, _("Restart requested")),
    Tag.RESTARTED: TagSpec(_L, _("Restarted")),
    Tag.RESIZE_REQUESTED: TagSpec(_L, _("Resize requested")),
    Tag.RESIZED: TagSpec(_L, _("Resized")),
    Tag.EXTENDED: TagSpec(_L, _("Lease changed")),
    Tag.CHANGED: TagSpec(_L, _("Deployment changed")),
    Tag.HELD: TagSpec(_L, _("Put on hold")),
    Tag.RELEASED: TagSpec(_L, _("Hold lifted")),
    Tag.PROTECTION: TagSpec(_L, _("Protection on the hypervisor changed")),
    Tag.EXPIRED: TagSpec(_L, _("Lease ended")),
    Tag.WARNED: TagSpec(_L, _("Warning sent")),
    Tag.WARNING_DELIVERED: TagSpec(_L, _("Warning delivered")),
    Tag.WARNING_FAILED: TagSpec(_L, _("Warning could not be delivered")),
    Tag.DELETION_MOVED: TagSpec(_L, _("Deletion moved")),
    Tag.EXTENSION_REQUESTED: TagSpec(_L, _("Extension requested")),
    Tag.EXTENSION_APPROVED: TagSpec(_L, _("Extension approved")),
    Tag.EXTENSION_DENIED: TagSpec(_L, _("Extension denied")),
    Tag.EXTENSION_WITHDRAWN: TagSpec(_L, _("Request withdrawn")),
    Tag.EXTENSION_EXPIRED: TagSpec(_L, _("Request expired")),
    Tag.DELETE_REQUESTED: TagSpec(_L, _("Deletion requested")),
    Tag.DELETED: TagSpec(_L, _("Deployment deleted")),
    Tag.ACTION_FAILED: TagSpec(_L, _("Action failed")),
    Tag.IDENTITY_MISMATCH: TagSpec(Category.SECURITY, _("Identity mismatch: nothing was touched")),
    Tag.VMID_TAKEN: TagSpec(_L, _("VMID taken by another machine")),
    Tag.OBSERVED: TagSpec(_L, _("Changed outside uHub")),
    Tag.IMPORTED: TagSpec(_L, _("Written down from before")),
    Tag.FINDING_OPENED: TagSpec(Category.HEALTH, _("Finding opened")),
    Tag.FINDING_RESOLVED: TagSpec(Category.HEALTH, _("Finding no longer so")),
    Tag.FINDING_CLOSED: TagSpec(Category.HEALTH, _("Finding closed by a person")),
    Tag.FORGOTTEN: TagSpec(_L, _("Deployment forgotten")),
    Tag.ADOPT_REQUESTED: TagSpec(_L, _("Adoption requested")),
    Tag.ADOPTED: TagSpec(_L, _("Machine adopted")),
    Tag.ADOPT_FAILED: TagSpec(_L, _("Adoption failed")),
    Tag.REAPPLY_REQUESTED: TagSpec(_L, _("Figures to be set again")),
    Tag.REAPPLIED: TagSpec(_L, _("Figures set again")),
    Tag.DRIFT_ACCEPTED: TagSpec(_L, _("Change from outside accepted")),
    Tag.VMID_RELEASED: TagSpec(_L, _("Machine number released")),
    Tag.LISTING_BELIEVED: TagSpec(Category.HEALTH, _("Doubtful listing believed")),
    Tag.NODE_CHANGED: TagSpec(Category.SETTINGS, _("Limits of a node changed")),
    Tag.STORAGE_CHANGED: TagSpec(Category.SETTINGS, _("Storage opened or closed")),
    Tag.MAINTENANCE_SET: TagSpec(Category.SETTINGS, _("Maintenance begun")),
    Tag.MAINTENANCE_CLEARED: TagSpec(Category.SETTINGS, _("Maintenance ended")),
    Tag.NAME_REQUESTED: TagSpec(_L, _("Name requested")),
    Tag.NAME_SET: TagSpec(_L, _("Name set")),
    Tag.NAME_REMOVAL: TagSpec(_L, _("Name to be removed")),
    Tag.NAME_REMOVED: TagSpec(_L, _("Name removed")),
    Tag.NAME_FAILED: TagSpec(Category.HEALTH, _("Name could not be set")),
    Tag.NAME_DRIFTED: TagSpec(Category.HEALTH, _("Name changed at the name server")),
    Tag.NAME_RIGHT_AGAIN: TagSpec(Category.HEALTH, _("Name right again")),
    Tag.NAME_LET_GO: TagSpec(_L, _("Name left to the name server")),
    Tag.NAME_STALE: TagSpec(Category.HEALTH, _("Name of a machine that is gone found")),
    Tag.ZONE_SAVED: TagSpec(Category.SETTINGS, _("Zone registered or changed")),
    Tag.ZONE_CHECK_REQUESTED: TagSpec(Category.HEALTH, _("Check of a zone requested")),
    Tag.NAME_SERVER_SAVED: TagSpec(Category.SETTINGS, _("Name server registered or changed")),
    Tag.NAME_SERVER_TEST_REQUESTED: TagSpec(
        Category.SETTINGS, _("Test of a name server requested")
    ),
    Tag.HEALTH_FAILED: TagSpec(Category.HEALTH, _("Machine found unwell")),
    Tag.HEALTH_RECOVERED: TagSpec(Category.HEALTH, _("Machine well again")),
    Tag.HEAL_REQUESTED: TagSpec(Category.HEALTH, _("Healing begun")),
    Tag.HEALED: TagSpec(Category.HEALTH, _("Machine healed")),
    Tag.HEAL_FAILED: TagSpec(Category.HEALTH, _("Healing failed")),
    Tag.HEAL_DROPPED: TagSpec(Category.HEALTH, _("Healing broken off")),
    Tag.HEAL_EXHAUSTED: TagSpec(Category.HEALTH, _("Healing given up")),
    Tag.HEAL_PAUSED: TagSpec(Category.HEALTH, _("Healing paused on a cluster")),
    Tag.HEAL_RESUMED: TagSpec(Category.HEALTH, _("Healing resumed on a cluster")),
    Tag.AUTO_HEAL_SET: TagSpec(Category.HEALTH, _("Healing switched on or off")),
    Tag.PROBE_SET: TagSpec(Category.HEALTH, _("Health probe changed")),
    Tag.CONSOLE_REQUESTED: TagSpec(Category.SECURITY, _("Console requested")),
    Tag.CONSOLE_OPENED: TagSpec(Category.SECURITY, _("Console opened")),
    Tag.CONSOLE_CLOSED: TagSpec(Category.SECURITY, _("Console closed")),
    Tag.CONSOLE_REFUSED: TagSpec(Category.SECURITY, _("Console refused")),
    Tag.BOOTSTRAP_REQUESTED: TagSpec(_L, _("Installation asked for again")),
    Tag.BOOTSTRAPPED: TagSpec(_L, _("Application installed")),
    Tag.BOOTSTRAP_FAILED: TagSpec(_L, _("Installation without success")),
    Tag.SECRETS_SHOWN: TagSpec(Category.SECURITY, _("Generated passwords shown")),
    Tag.OWNER_OFFERED: TagSpec(_L, _("Offered to a colleague")),
    Tag.OWNER_CHANGED: TagSpec(_L, _("Owner changed")),
    Tag.OWNER_DECLINED: TagSpec(_L, _("Offer declined")),
    Tag.OWNER_WITHDRAWN: TagSpec(_L, _("Offer withdrawn")),
    Tag.OWNER_EXPIRED: TagSpec(_L, _("Offer expired")),
    Tag.TENANT_LEFT: TagSpec(Category.QUOTA, _("Went to another organisation")),
    Tag.TENANT_JOINED: TagSpec(Category.QUOTA, _("Came from another organisation")),
    Tag.DISKS_DELETED: TagSpec(_L, _("Disks of nobody deleted")),
    Tag.NAMES_CLEARED: TagSpec(_L, _("Names of nobody removed")),
    Tag.FORGOTTEN_DESTROY: TagSpec(_L, _("End of a forgotten machine requested")),
    Tag.FORGOTTEN_DESTROYED: TagSpec(_L, _("Forgotten machine destroyed")),
    Tag.TEMPLATE_ACCEPTED: TagSpec(Category.SETTINGS, _("Changed template accepted")),
    Tag.WINDOW_PLANNED: TagSpec(Category.SETTINGS, _("Maintenance planned")),
    Tag.WINDOW_CANCELED: TagSpec(Category.SETTINGS, _("Planned maintenance canceled")),
    Tag.ALERT_FIRED: TagSpec(Category.HEALTH, _("Alert began")),
    Tag.ALERT_RESOLVED: TagSpec(Category.HEALTH, _("Alert is over")),
    Tag.ALERT_ACKNOWLEDGED: TagSpec(Category.HEALTH, _("Alert acknowledged")),
    Tag.ALERT_RULE_SAVED: TagSpec(Category.SETTINGS, _("Alert rule saved")),
    Tag.ALERT_RULE_DELETED: TagSpec(Category.SETTINGS, _("Alert rule deleted")),
    Tag.HOST_ADDED: TagSpec(Category.SETTINGS, _("Host added")),
    Tag.HOST_TOKEN_MADE: TagSpec(Category.SECURITY, _("Token for a probe made")),
    Tag.HOST_TOKEN_REVOKED: TagSpec(Category.SECURITY, _("Token of a probe revoked")),
    Tag.HOST_REMOVED: TagSpec(Category.SETTINGS, _("Host removed")),
    Tag.CLUSTER_SAVED: TagSpec(Category.SETTINGS, _("Cluster registered or changed")),
    Tag.SNAPSHOT_REQUESTED: TagSpec(_B, _("Snapshot requested")),
    Tag.SNAPSHOT_CREATED: TagSpec(_B, _("Snapshot taken")),
    Tag.SNAPSHOT_FAILED: TagSpec(_B, _("Work on a snapshot failed")),
    Tag.SNAPSHOT_ROLLBACK_REQUESTED: TagSpec(_B, _("Rollback requested")),
    Tag.SNAPSHOT_ROLLED_BACK: TagSpec(_B, _("Rolled back to a snapshot")),
    Tag.SNAPSHOT_DELETE_REQUESTED: TagSpec(_B, _("Deletion of a snapshot requested")),
    Tag.SNAPSHOT_DELETED: TagSpec(_B, _("Snapshot deleted")),
    Tag.BACKUP_REQUESTED: TagSpec(_B, _("Backup requested")),
    Tag.BACKUP_CREATED: TagSpec(_B, _("Backup complete")),
    Tag.BACKUP_FAILED: TagSpec(_B, _("Backup failed")),
    Tag.BACKUP_CHANGED: TagSpec(_B, _("Backup changed")),
    Tag.BACKUP_DELETE_REQUESTED: TagSpec(_B, _("Deletion of a backup requested")),
    Tag.BACKUP_DELETED: TagSpec(_B, _("Backup deleted")),
    Tag.BACKUP_MISSING: TagSpec(_B, _("Backup no longer on its storage")),
    Tag.BACKUP_FOUND: TagSpec(_B, _("Backup found on its storage")),
    Tag.BACKUP_FOREIGN: TagSpec(Category.SECURITY, _("Archive is not ours: nothing was touched")),
    Tag.BACKUP_PRUNED: TagSpec(_B, _("Old backups chosen for deletion")),
    Tag.RESTORE_REQUESTED: TagSpec(_B, _("Restore requested")),
    Tag.RESTORED: TagSpec(_B, _("Restored from a backup")),
    Tag.RESTORE_FAILED: TagSpec(_B, _("Restore failed")),
    Tag.BACKUP_SCHEDULE_SAVED: TagSpec(_B, _("Backup schedule saved")),
    Tag.BACKUP_SCHEDULE_DELETED: TagSpec(_B, _("Backup schedule deleted")),
    Tag.TEMPLATE_SAVED: TagSpec(Category.SETTINGS, _("Template registered or changed")),
    Tag.HOOK_CREATED: TagSpec(Category.SETTINGS, _("Hook created")),
    Tag.HOOK_CHANGED: TagSpec(Category.SETTINGS, _("Hook changed")),
    Tag.HOOK_DELETED: TagSpec(Category.SETTINGS, _("Hook deleted")),
    Tag.HOOK_ENDED: TagSpec(_L, _("Hook has run")),
    Tag.HOOK_FAILED: TagSpec(_L, _("Hook failed")),
    Tag.HOOK_SKIPPED: TagSpec(_L, _("Hook skipped by a person")),
    Tag.WEBHOOK_CREATED: TagSpec(Category.SETTINGS, _("Webhook created")),
    Tag.WEBHOOK_CHANGED: TagSpec(Category.SETTINGS, _("Webhook changed")),
    Tag.WEBHOOK_DELETED: TagSpec(Category.SETTINGS, _("Webhook deleted")),
    Tag.WEBHOOK_ROTATED: TagSpec(Category.SECURITY, _("Key of a webhook renewed")),
    Tag.WEBHOOK_PAUSED: TagSpec(Category.SETTINGS, _("Webhook paused")),
    Tag.WEBHOOK_RESUMED: TagSpec(Category.SETTINGS, _("Webhook resumed")),
    Tag.WEBHOOK_TESTED: TagSpec(Category.SETTINGS, _("Test message sent")),
    Tag.WEBHOOK_REPLAYED: TagSpec(Category.SETTINGS, _("Messages sent again")),
    Tag.WEBHOOK_LEFT: TagSpec(Category.SETTINGS, _("Messages left unsent")),
}
