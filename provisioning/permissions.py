"""What roles may do with templates, clusters and deployments."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.authz import ROLES, PermissionSpec, spec


class Permission(StrEnum):
    """Permissions of provisioning; without `cloudpods.manage` one operates one's own deployments only."""

    VIEW = "cloudpods.view"
    CREATE = "cloudpods.create"
    OPERATE = "cloudpods.operate"
    DELETE = "cloudpods.delete"
    MANAGE = "cloudpods.manage"
    APPROVE = "cloudpods.approve"
    MOVE = "cloudpods.move"
    BACKUPS_VIEW = "cloudpods.backups.view"
    BACKUPS_MANAGE = "cloudpods.backups.manage"
    TEMPLATES_VIEW = "templates.view"
    HEALTH_VIEW = "health.view"
    CLUSTERS_MANAGE = "clusters.manage"
    INFRASTRUCTURE_VIEW = "infrastructure.view"
    INFRASTRUCTURE_MANAGE = "infrastructure.manage"
    HOSTS_MANAGE = "hosts.manage"
    ALERTS_VIEW = "alerts.view"
    ALERTS_MANAGE = "alerts.manage"
    OVERVIEW = "platform.overview"
    FINDINGS_VIEW = "findings.view"
    FINDINGS_MANAGE = "findings.manage"
    VOLUMES_MANAGE = "cloudpods.volumes.manage"
    DNS_VIEW = "cloudpods.dns.view"
    DNS_MANAGE = "cloudpods.dns.manage"
    ZONES_MANAGE = "dns.zones.manage"
    HOOKS_VIEW = "hooks.view"
    HOOKS_MANAGE = "hooks.manage"
    WEBHOOKS_VIEW = "webhooks.view"
    WEBHOOKS_MANAGE = "webhooks.manage"


_OPERATORS = ("admin", "ops", "support")
PERMISSIONS: dict[str, PermissionSpec] = {
    Permission.VIEW: spec(_("See deployments"), ROLES),
    Permission.CREATE: spec(_("Create deployments"), _OPERATORS),
    Permission.OPERATE: spec(_("Start, stop, resize and extend deployments"), _OPERATORS),
    Permission.DELETE: spec(_("Delete deployments"), _OPERATORS),
    Permission.MANAGE: spec(_("Operate other people's deployments, put on hold"), ("admin", "ops")),
    Permission.APPROVE: spec(_("Decide on extensions beyond the rules"), ("admin", "ops")),
    Permission.MOVE: spec(_("Give deployments to another organisation"), is_platform=True),
    Permission.BACKUPS_VIEW: spec(_("See snapshots and backups"), ROLES),
    Permission.BACKUPS_MANAGE: spec(
        _("Make, restore and delete snapshots and backups"), _OPERATORS
    ),
    Permission.TEMPLATES_VIEW: spec(_("See templates"), ROLES),
    Permission.HEALTH_VIEW: spec(_("See health"), ("admin", "ops", "projets", "dev", "support")),
    Permission.INFRASTRUCTURE_VIEW: spec(_("See clusters, nodes and storages"), ("admin", "ops")),
    Permission.INFRASTRUCTURE_MANAGE: spec(
        _("Put nodes and clusters into maintenance"), is_platform=True
    ),
    Permission.OVERVIEW: spec(_("See all organisations together"), is_platform=True),
    Permission.CLUSTERS_MANAGE: spec(_("Manage clusters and templates"), is_platform=True),
    Permission.HOSTS_MANAGE: spec(
        _("Add hosts outside the clusters and make tokens for their probes"), ("admin", "ops")
    ),
    Permission.ALERTS_VIEW: spec(_("See alerts"), ROLES, is_platform=True),
    Permission.ALERTS_MANAGE: spec(
        _("Set thresholds and acknowledge alerts"), ("admin", "ops"), is_platform=True
    ),
    Permission.FINDINGS_VIEW: spec(
        _("See what differs on the clusters"), ("admin", "ops"), is_platform=True
    ),
    Permission.FINDINGS_MANAGE: spec(
        _("Decide on what differs on the clusters"), ("admin", "ops"), is_platform=True
    ),
    Permission.VOLUMES_MANAGE: spec(
        _("Create, attach, grow and delete volumes of one's own deployments"), _OPERATORS
    ),
    Permission.DNS_VIEW: spec(_("See names and zones"), ROLES),
    Permission.DNS_MANAGE: spec(_("Give machines names, and take them away"), _OPERATORS),
    Permission.ZONES_MANAGE: spec(
        _("Manage the zones of the organisation"), ("admin",), is_platform=True
    ),
    Permission.HOOKS_VIEW: spec(_("See hooks and their runs"), ("admin", "ops")),
    Permission.HOOKS_MANAGE: spec(
        _("Set up hooks, and skip one that holds up a deletion"), ("admin", "ops")
    ),
    Permission.WEBHOOKS_VIEW: spec(_("See webhooks and their messages"), ("admin", "ops")),
    Permission.WEBHOOKS_MANAGE: spec(_("Set up webhooks, send messages again"), ("admin", "ops")),
}
