"""Pages of provisioning."""

from __future__ import annotations

from django.urls import path

from provisioning.web import deployments as views

app_name = "provisioning"
urlpatterns = [
    path("templates", views.TemplateList.as_view(), name="template_list"),
    path("deployments", views.DeploymentList.as_view(), name="deployment_list"),
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
