"""The platform's part of the API."""

from __future__ import annotations

from django.urls import path

from portal.api import schema  # noqa: F401 - registers itself with the schema generator
from portal.api.auth import RevokeView, TokenView
from portal.api.me import MeViewSet
from portal.api.operations import OperationViewSet, WorkerViewSet
from portal.api.settings import SettingViewSet

urlpatterns = [
    path("auth/token", TokenView.as_view(), name="token"),
    path("auth/revoke", RevokeView.as_view(), name="revoke"),
    path("me", MeViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="me"),
    path("me/password", MeViewSet.as_view({"post": "password"}), name="me_password"),
    path("settings", SettingViewSet.as_view({"get": "list"}), name="settings"),
    path(
        "settings/<str:name>",
        SettingViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="setting",
    ),
    path("operations", OperationViewSet.as_view({"get": "list"}), name="operations"),
    path("operations/<str:pk>", OperationViewSet.as_view({"get": "retrieve"}), name="operation"),
    path("operations/<str:pk>/retry", OperationViewSet.as_view({"post": "retry"})),
    path("operations/<str:pk>/cancel", OperationViewSet.as_view({"post": "cancel"})),
    path("workers", WorkerViewSet.as_view({"get": "list"}), name="workers"),
]
