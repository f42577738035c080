"""Routes of the provisioning API."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from provisioning.api.alerts import AlertRuleViewSet, AlertViewSet, HostViewSet
from provisioning.api.bootstrap import BootstrapViewSet
from provisioning.api.cloud_pods import CloudPodAdminViewSet
from provisioning.api.copies import (
    BackupScheduleViewSet,
    BackupViewSet,
    DeploymentBackupViewSet,
    SnapshotViewSet,
)
from provisioning.api.dns import DnsRecordViewSet, DnsServerViewSet, DnsZoneViewSet
from provisioning.api.extensions import ExtensionRequestViewSet
from provisioning.api.findings import FindingViewSet
from provisioning.api.health import DeploymentConsoleViewSet, DeploymentHealthViewSet
from provisioning.api.hooks import HookRunViewSet, HookViewSet
from provisioning.api.infrastructure import (
    InfrastructureClusterViewSet,
    InfrastructureNodeViewSet,
    InfrastructureViewSet,
)
from provisioning.api.measures import (
    DeploymentMetricsViewSet,
    HostMetricsViewSet,
    NodeMetricsViewSet,
    ProbeSampleViewSet,
)
from provisioning.api.transfers import OwnershipTransferViewSet
from provisioning.api.views import DeploymentViewSet, TemplateViewSet
from provisioning.api.volumes import DeploymentVolumeViewSet, VolumeViewSet
from provisioning.api.webhooks import DeliveryViewSet, WebhookViewSet
from provisioning.api.windows import MaintenanceWindowViewSet

router = SimpleRouter(trailing_slash=False)
router.register("templates", TemplateViewSet, basename="template")
router.register("cloud-pods/templates", TemplateViewSet, basename="cloud_pod_template")
router.register("extension-requests", ExtensionRequestViewSet, basename="extension_request")
router.register("deployments", DeploymentViewSet, basename="deployment")
router.register("hooks", HookViewSet, basename="hook")
router.register("hook-runs", HookRunViewSet, basename="hook_run")
router.register("webhooks", WebhookViewSet, basename="webhook")
router.register(
    "webhooks/(?P<webhook_id>[^/]+)/deliveries", DeliveryViewSet, basename="webhook_delivery"
)
router.register("findings", FindingViewSet, basename="finding")
router.register(
    "infrastructure/clusters", InfrastructureClusterViewSet, basename="infrastructure_cluster"
)
router.register("infrastructure/nodes", InfrastructureNodeViewSet, basename="infrastructure_node")
router.register("infrastructure", InfrastructureViewSet, basename="infrastructure")
router.register("dns-zones", DnsZoneViewSet, basename="dns_zone")
router.register("dns-servers", DnsServerViewSet, basename="dns_server")
for machine, name in (("deployments", "dns_record"), ("cloud-pods", "pod_dns_record")):
    router.register(
        rf"{machine}/(?P<deployment_id>[^/]+)/dns-records", DnsRecordViewSet, basename=name
    )
router.register("ownership-transfers", OwnershipTransferViewSet, basename="ownership_transfer")
router.register("maintenance-windows", MaintenanceWindowViewSet, basename="maintenance_window")
router.register("volumes", VolumeViewSet, basename="volume")
router.register("backups", BackupViewSet, basename="backup")
router.register("backup-schedules", BackupScheduleViewSet, basename="backup_schedule")
for machine, prefix in (("deployments", ""), ("cloud-pods", "pod_")):
    router.register(
        rf"{machine}/(?P<deployment_id>[^/]+)/snapshots",
        SnapshotViewSet,
        basename=f"{prefix}snapshot",
    )
    router.register(
        rf"{machine}/(?P<deployment_id>[^/]+)/backups",
        DeploymentBackupViewSet,
        basename=f"{prefix}deployment_backup",
    )
    router.register(
        rf"{machine}/(?P<deployment_id>[^/]+)/volumes",
        DeploymentVolumeViewSet,
        basename=f"{prefix}deployment_volume",
    )
router.register("alerts", AlertViewSet, basename="alert")
router.register("alert-rules", AlertRuleViewSet, basename="alert_rule")
router.register("hosts", HostViewSet, basename="host")
router.register("probes/samples", ProbeSampleViewSet, basename="probe_sample")
urlpatterns = [
    path(
        "deployments/<str:deployment_id>/metrics",
        DeploymentMetricsViewSet.as_view({"get": "retrieve"}),
        name="deployment_metrics",
    ),
    path(
        "cloud-pods/<str:deployment_id>/metrics",
        DeploymentMetricsViewSet.as_view({"get": "retrieve"}),
        name="pod_metrics",
    ),
    path(
        "infrastructure/nodes/<str:subject_id>/metrics",
        NodeMetricsViewSet.as_view({"get": "retrieve"}),
        name="node_metrics",
    ),
    path(
        "hosts/<str:subject_id>/metrics",
        HostMetricsViewSet.as_view({"get": "retrieve"}),
        name="host_metrics",
    ),
    path(
        "deployments/<str:deployment_id>/bootstrap",
        BootstrapViewSet.as_view({"get": "retrieve"}),
        name="bootstrap",
    ),
    path(
        "deployments/<str:deployment_id>/bootstrap/retry",
        BootstrapViewSet.as_view({"post": "retry"}),
        name="bootstrap_retry",
    ),
    path(
        "deployments/<str:deployment_id>/bootstrap/reveal",
        BootstrapViewSet.as_view({"post": "reveal"}),
        name="bootstrap_reveal",
    ),
    path(
        "cloud-pods/admin/overview",
        CloudPodAdminViewSet.as_view({"get": "overview"}),
        name="admin_overview",
    ),
    path(
        "deployments/<str:pk>/health",
        DeploymentHealthViewSet.as_view({"get": "health"}),
        name="deployment_health",
    ),
    path(
        "deployments/<str:pk>/console",
        DeploymentConsoleViewSet.as_view({"get": "state", "post": "request_ticket"}),
        name="deployment_console",
    ),
    *router.urls,
]
