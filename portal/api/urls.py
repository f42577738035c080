"""The platform's part of the API."""

from __future__ import annotations

from typing import Any

from django.urls import path

from portal.api import schema  # noqa: F401 - registers itself with the schema generator
from portal.api.auth import RevokeView, TokenView
from portal.api.me import MeViewSet
from portal.api.notifications import NotificationViewSet
from portal.api.operations import OperationViewSet, QueueViewSet, WorkerViewSet
from portal.api.roles import PermissionViewSet, RoleViewSet
from portal.api.saved_filters import SavedFilterViewSet
from portal.api.sessions import SessionViewSet
from portal.api.settings import SettingViewSet
from portal.api.stuck import StuckViewSet
from portal.api.teams import TeamViewSet
from portal.api.users import UserViewSet

_LIST: dict[str, Any] = {"get": "list", "post": "create"}
_ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

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
    path("operations/replay", OperationViewSet.as_view({"post": "replay"})),
    path("operations/<str:pk>", OperationViewSet.as_view({"get": "retrieve"}), name="operation"),
    path("operations/<str:pk>/retry", OperationViewSet.as_view({"post": "retry"})),
    path("operations/<str:pk>/cancel", OperationViewSet.as_view({"post": "cancel"})),
    path("notifications", NotificationViewSet.as_view({"get": "list"}), name="notifications"),
    path("notifications/read-all", NotificationViewSet.as_view({"post": "read_all"})),
    path("notifications/<str:pk>/read", NotificationViewSet.as_view({"post": "read"})),
    path("sessions", SessionViewSet.as_view({"get": "list"}), name="sessions"),
    path("sessions/revoke-others", SessionViewSet.as_view({"post": "revoke_others"})),
    path("sessions/<str:pk>", SessionViewSet.as_view({"delete": "destroy"}), name="session"),
    path("permissions", PermissionViewSet.as_view({"get": "list"}), name="permissions"),
    path("roles", RoleViewSet.as_view(_LIST), name="roles"),
    path("roles/<str:code>", RoleViewSet.as_view(_ONE), name="role"),
    path("roles/<str:code>/reset", RoleViewSet.as_view({"post": "reset"})),
    path("users", UserViewSet.as_view(_LIST), name="users"),
    path("users/<str:pk>", UserViewSet.as_view(_ONE), name="user"),
    path("saved-filters", SavedFilterViewSet.as_view(_LIST), name="saved_filters"),
    path("saved-filters/<str:pk>", SavedFilterViewSet.as_view(_ONE), name="saved_filter"),
    path("teams", TeamViewSet.as_view(_LIST), name="teams"),
    path("teams/<str:pk>", TeamViewSet.as_view(_ONE), name="team"),
    path("teams/<str:pk>/members", TeamViewSet.as_view({"post": "add_member"})),
    path("teams/<str:pk>/members/<str:user_id>", TeamViewSet.as_view({"delete": "remove_member"})),
    path("stuck-work", StuckViewSet.as_view({"get": "list"}), name="stuck_work"),
    path("stuck-work/<str:subject>/retry", StuckViewSet.as_view({"post": "retry"})),
    path("stuck-work/<str:subject>/rollback", StuckViewSet.as_view({"post": "rollback"})),
    path("stuck-work/<str:subject>/dismiss", StuckViewSet.as_view({"post": "dismiss"})),
    path("stuck-work/<str:subject>/force", StuckViewSet.as_view({"post": "force"})),
    path("queues", QueueViewSet.as_view({"get": "list"}), name="queues"),
    path("workers", WorkerViewSet.as_view({"get": "list"}), name="workers"),
    path("workers/<str:pk>/drain", WorkerViewSet.as_view({"post": "drain"})),
    path("workers/<str:pk>/resume", WorkerViewSet.as_view({"post": "resume"})),
]
