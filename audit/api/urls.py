"""The audit's part of the API."""

from __future__ import annotations

from django.urls import path

from audit.api.system_events import SystemEventViewSet
from audit.api.views import EntryViewSet

urlpatterns = [
    path("audit", EntryViewSet.as_view({"get": "list"}), name="audit"),
    path("audit/<str:pk>", EntryViewSet.as_view({"get": "retrieve"}), name="audit_entry"),
    path(
        "admin/system-events",
        SystemEventViewSet.as_view({"get": "list"}),
        name="system_events",
    ),
]
