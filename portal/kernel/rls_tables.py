"""Row-level security: which table belongs to whom.

The list is checked against the catalog by `portal.checks` and `verify_isolation`: a table that is missing
here, or whose policies differ, fails.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class TableKind(StrEnum):
    """Who sees a table's rows through the runtime role."""

    TENANT = "tenant"
    SELF = "self"
    PLATFORM = "platform"


TABLES: Final[dict[str, TableKind]] = {
    "audit_entry": TableKind.TENANT,
    "audit_seal": TableKind.TENANT,
    "audit_systemevent": TableKind.PLATFORM,
    "auditlog_logentry": TableKind.PLATFORM,
    "auth_group": TableKind.PLATFORM,
    "auth_group_permissions": TableKind.PLATFORM,
    "auth_permission": TableKind.PLATFORM,
    "axes_accessattempt": TableKind.PLATFORM,
    "axes_accessattemptexpiration": TableKind.PLATFORM,
    "axes_accessfailurelog": TableKind.PLATFORM,
    "axes_accesslog": TableKind.PLATFORM,
    "billing_quota": TableKind.TENANT,
    "billing_quotareservation": TableKind.TENANT,
    "billing_quotausage": TableKind.TENANT,
    "billing_tenant": TableKind.SELF,
    "django_admin_log": TableKind.PLATFORM,
    "django_content_type": TableKind.PLATFORM,
    "django_migrations": TableKind.PLATFORM,
    "django_session": TableKind.PLATFORM,
    "integrations_secretversion": TableKind.TENANT,
    "portal_idempotencyrecord": TableKind.SELF,
    "portal_liveevent": TableKind.TENANT,
    "portal_membership": TableKind.SELF,
    "portal_noticechoice": TableKind.PLATFORM,
    "portal_notification": TableKind.SELF,
    "portal_operation": TableKind.TENANT,
    "portal_operationattempt": TableKind.TENANT,
    "portal_queueminute": TableKind.PLATFORM,
    "portal_refreshtoken": TableKind.SELF,
    "portal_role": TableKind.PLATFORM,
    "portal_savedfilter": TableKind.TENANT,
    "portal_schedule": TableKind.PLATFORM,
    "portal_schedulefire": TableKind.PLATFORM,
    "portal_setting": TableKind.PLATFORM,
    "portal_settingsversion": TableKind.PLATFORM,
    "portal_tally": TableKind.PLATFORM,
    "portal_team": TableKind.TENANT,
    "portal_teammember": TableKind.TENANT,
    "portal_user": TableKind.PLATFORM,
    "portal_websession": TableKind.PLATFORM,
    "portal_worker": TableKind.PLATFORM,
    "provisioning_alert": TableKind.TENANT,
    "provisioning_alertrule": TableKind.TENANT,
    "provisioning_apihost": TableKind.PLATFORM,
    "provisioning_backup": TableKind.TENANT,
    "provisioning_backupschedule": TableKind.TENANT,
    "provisioning_backupstore": TableKind.PLATFORM,
    "provisioning_bootstrap": TableKind.TENANT,
    "provisioning_cluster": TableKind.PLATFORM,
    "provisioning_consolesession": TableKind.TENANT,
    "provisioning_deployment": TableKind.TENANT,
    "provisioning_dnsrecord": TableKind.TENANT,
    "provisioning_dnsserver": TableKind.PLATFORM,
    "provisioning_dnszone": TableKind.PLATFORM,
    "provisioning_extensionrequest": TableKind.TENANT,
    "provisioning_finding": TableKind.TENANT,
    "provisioning_guestobservation": TableKind.PLATFORM,
    "provisioning_healattempt": TableKind.TENANT,
    "provisioning_healthobservation": TableKind.TENANT,
    "provisioning_healthstate": TableKind.TENANT,
    "provisioning_hook": TableKind.TENANT,
    "provisioning_hookrun": TableKind.TENANT,
    "provisioning_leasewarning": TableKind.TENANT,
    "provisioning_maintenancewindow": TableKind.PLATFORM,
    "provisioning_metric1h": TableKind.TENANT,
    "provisioning_metric5m": TableKind.TENANT,
    "provisioning_metricdue": TableKind.PLATFORM,
    "provisioning_metricsample": TableKind.TENANT,
    "provisioning_metricsubject": TableKind.TENANT,
    "provisioning_monitoredhost": TableKind.TENANT,
    "provisioning_node": TableKind.PLATFORM,
    "provisioning_ownershiptransfer": TableKind.TENANT,
    "provisioning_slot": TableKind.PLATFORM,
    "provisioning_snapshot": TableKind.TENANT,
    "provisioning_storage": TableKind.PLATFORM,
    "provisioning_template": TableKind.PLATFORM,
    "provisioning_templatecopy": TableKind.PLATFORM,
    "provisioning_vmidallocation": TableKind.PLATFORM,
    "provisioning_volume": TableKind.TENANT,
    "provisioning_volumeshelf": TableKind.PLATFORM,
    "provisioning_webhook": TableKind.TENANT,
    "provisioning_webhookdelivery": TableKind.TENANT,
}
