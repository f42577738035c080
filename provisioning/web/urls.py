"""Pages of provisioning."""

from __future__ import annotations

from django.urls import path

from provisioning.web import (
    alerts,
    application,
    backups,
    catalogue,
    creation,
    deployment_quick,
    findings,
    hooks,
    infrastructure,
    names,
    resizing,
    servers,
    transfers,
    volumes,
    webhooks,
    windows,
)
from provisioning.web import deployments as views
from provisioning.web.admin_overview import AdminOverviewPage
from provisioning.web.bulk import BulkResults, DeploymentsBulk
from provisioning.web.console import ConsolePage
from provisioning.web.deployment_list import DeploymentList

app_name = "provisioning"
urlpatterns = [
    path("admin-overview", AdminOverviewPage.as_view(), name="admin_overview"),
    path("servers", servers.ServerList.as_view(), name="server_list"),
    path("servers/new", servers.ServerNew.as_view(), name="server_new"),
    path("servers/host/<str:key>/token", servers.HostToken.as_view(), name="host_token"),
    path("servers/<str:kind>/<str:key>", servers.ServerDetail.as_view(), name="server_detail"),
    path("servers/host/<str:key>/<str:action>", servers.HostAction.as_view(), name="host_action"),
    path("alerts", alerts.AlertList.as_view(), name="alert_list"),
    path("alerts/rules", alerts.RuleList.as_view(), name="rule_list"),
    path("alerts/rules/new", alerts.RuleEdit.as_view(), name="rule_new"),
    path("alerts/rules/<str:rule_id>", alerts.RuleEdit.as_view(), name="rule_edit"),
    path(
        "alerts/rules/<str:rule_id>/<str:action>", alerts.RuleDelete.as_view(), name="rule_action"
    ),
    path(
        "alerts/<str:alert_id>/acknowledge",
        alerts.AlertAcknowledge.as_view(),
        name="alert_acknowledge",
    ),
    path("findings", findings.FindingList.as_view(), name="finding_list"),
    path("findings/<str:finding_id>", findings.FindingDetail.as_view(), name="finding_detail"),
    path(
        "findings/<str:finding_id>/<str:action>",
        findings.FindingAction.as_view(),
        name="finding_action",
    ),
    path(
        "infrastructure/windows",
        windows.MaintenanceWindows.as_view(),
        name="maintenance_windows",
    ),
    path("infrastructure/windows/new", windows.WindowNew.as_view(), name="window_new"),
    path(
        "infrastructure/windows/<str:window_id>/cancel",
        windows.WindowCancel.as_view(),
        name="window_cancel",
    ),
    path("transfers", transfers.TransferList.as_view(), name="transfer_list"),
    path(
        "transfers/<str:transfer_id>/<str:action>",
        transfers.TransferAction.as_view(),
        name="transfer_action",
    ),
    path("offboarding", transfers.Offboarding.as_view(), name="offboarding"),
    path("hooks", hooks.HookList.as_view(), name="hook_list"),
    path("hooks/new", hooks.HookEdit.as_view(), name="hook_new"),
    path("hooks/<str:hook_id>", hooks.HookDetail.as_view(), name="hook_detail"),
    path("hooks/<str:hook_id>/edit", hooks.HookEdit.as_view(), name="hook_edit"),
    path("hooks/<str:hook_id>/delete", hooks.HookDelete.as_view(), name="hook_delete"),
    path("hook-runs/<str:run_id>", hooks.HookRunDetail.as_view(), name="hook_run_detail"),
    path("hook-runs/<str:run_id>/skip", hooks.HookRunSkip.as_view(), name="hook_run_skip"),
    path("webhooks", webhooks.WebhookList.as_view(), name="webhook_list"),
    path("webhooks/new", webhooks.WebhookEdit.as_view(), name="webhook_new"),
    path("webhooks/<str:webhook_id>", webhooks.WebhookDetail.as_view(), name="webhook_detail"),
    path("webhooks/<str:webhook_id>/edit", webhooks.WebhookEdit.as_view(), name="webhook_edit"),
    path(
        "webhooks/<str:webhook_id>/rotate", webhooks.WebhookRotate.as_view(), name="webhook_rotate"
    ),
    path(
        "webhooks/<str:webhook_id>/deliveries/<str:delivery_id>",
        webhooks.DeliveryDetail.as_view(),
        name="webhook_delivery",
    ),
    path(
        "webhooks/<str:webhook_id>/<str:action>",
        webhooks.WebhookAction.as_view(),
        name="webhook_action",
    ),
    path("infrastructure", infrastructure.Infrastructure.as_view(), name="infrastructure"),
    path(
        "infrastructure/<str:kind>/<str:key>/<str:action>",
        infrastructure.InfrastructureMaintenance.as_view(),
        name="infrastructure_maintenance",
    ),
    path("templates", catalogue.TemplateList.as_view(), name="template_list"),
    path("templates/<str:code>", catalogue.TemplateDetail.as_view(), name="template_detail"),
    path("deployments", DeploymentList.as_view(), name="deployment_list"),
    path("deployments/bulk", DeploymentsBulk.as_view(), name="deployments_bulk"),
    path("deployments/bulk/<str:key>", BulkResults.as_view(), name="deployments_bulk_results"),
    path("deployments/new", creation.DeploymentNew.as_view(), name="deployment_new"),
    path(
        "deployments/new/<str:step>",
        creation.DeploymentNew.as_view(),
        name="deployment_new_step",
    ),
    path("deployments/plan", creation.DeploymentPlanView.as_view(), name="deployment_plan"),
    path(
        "deployments/quick",
        deployment_quick.DeploymentQuick.as_view(),
        name="deployment_quick",
    ),
    path(
        "deployments/<str:deployment_id>",
        views.DeploymentDetail.as_view(),
        name="deployment_detail",
    ),
    path("deployments/<str:deployment_id>/names", names.NameAdd.as_view(), name="name_add"),
    path("deployments/<str:deployment_id>/names/give", names.NameGive.as_view(), name="name_give"),
    path(
        "deployments/<str:deployment_id>/names/<str:record_id>/<str:action>",
        names.NameAction.as_view(),
        name="name_action",
    ),
    path("backups", backups.BackupList.as_view(), name="backup_list"),
    path("backups/schedules", backups.ScheduleAdd.as_view(), name="backup_schedule_add"),
    path(
        "backups/schedules/<str:schedule_id>/<str:action>",
        backups.ScheduleAction.as_view(),
        name="backup_schedule_action",
    ),
    path("backups/<str:backup_id>", backups.BackupDetail.as_view(), name="backup_detail"),
    path(
        "backups/<str:backup_id>/<str:action>",
        backups.BackupAction.as_view(),
        name="backup_action",
    ),
    path(
        "deployments/<str:deployment_id>/copies/<str:kind>",
        backups.CopyAsk.as_view(),
        name="copy_ask",
    ),
    path(
        "deployments/<str:deployment_id>/snapshots/<str:snapshot_id>/<str:action>",
        backups.SnapshotAction.as_view(),
        name="snapshot_action",
    ),
    path("dns", names.NameList.as_view(), name="name_list"),
    path("dns/zones/<str:zone_id>/<str:action>", names.ZoneAction.as_view(), name="zone_action"),
    path("volumes", volumes.VolumeList.as_view(), name="volume_list"),
    path("volumes/<str:volume_id>", volumes.VolumeDetail.as_view(), name="volume_detail"),
    path(
        "volumes/<str:volume_id>/<str:action>",
        volumes.VolumeActionView.as_view(),
        name="volume_action",
    ),
    path("deployments/<str:deployment_id>/volumes", volumes.VolumeAdd.as_view(), name="volume_add"),
    path(
        "deployments/<str:deployment_id>/volumes/plan",
        volumes.VolumePlanView.as_view(),
        name="volume_plan",
    ),
    path(
        "deployments/<str:deployment_id>/resize/plan",
        resizing.DeploymentResizePlan.as_view(),
        name="resize_plan",
    ),
    path(
        "deployments/<str:deployment_id>/transfer",
        transfers.DeploymentHandover.as_view(),
        name="deployment_transfer",
    ),
    path(
        "deployments/<str:deployment_id>/bootstrap",
        application.ApplicationRetry.as_view(),
        name="application_retry",
    ),
    path(
        "deployments/<str:deployment_id>/passwords",
        application.ApplicationPasswords.as_view(),
        name="application_passwords",
    ),
    path(
        "deployments/<str:deployment_id>/console",
        ConsolePage.as_view(),
        name="deployment_console",
    ),
    path(
        "deployments/<str:deployment_id>/<str:action>",
        views.DeploymentAction.as_view(),
        name="deployment_action",
    ),
]
