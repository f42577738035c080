"""Pages of provisioning."""

from __future__ import annotations

from django.urls import path

from provisioning.web import deployments as views
from provisioning.web import findings, infrastructure
from provisioning.web.deployment_list import DeploymentList

app_name = "provisioning"
urlpatterns = [
    path("findings", findings.FindingList.as_view(), name="finding_list"),
    path("findings/<str:finding_id>", findings.FindingDetail.as_view(), name="finding_detail"),
    path(
        "findings/<str:finding_id>/<str:action>",
        findings.FindingAction.as_view(),
        name="finding_action",
    ),
    path("infrastructure", infrastructure.Infrastructure.as_view(), name="infrastructure"),
    path(
        "infrastructure/<str:kind>/<str:key>/<str:action>",
        infrastructure.InfrastructureMaintenance.as_view(),
        name="infrastructure_maintenance",
    ),
    path("templates", views.TemplateList.as_view(), name="template_list"),
    path("deployments", DeploymentList.as_view(), name="deployment_list"),
    path("deployments/new", views.DeploymentNew.as_view(), name="deployment_new"),
    path("deployments/plan", views.DeploymentPlanView.as_view(), name="deployment_plan"),
    path(
        "deployments/<str:deployment_id>",
        views.DeploymentDetail.as_view(),
        name="deployment_detail",
    ),
    path(
        "deployments/<str:deployment_id>/<str:action>",
        views.DeploymentAction.as_view(),
        name="deployment_action",
    ),
]
