"""Pages of the audit."""

from __future__ import annotations

from django.urls import path

from audit.web.entries import EntryDetail, EntryList

app_name = "audit"
urlpatterns = [
    path("audit", EntryList.as_view(), name="entry_list"),
    path("audit/<str:entry_id>", EntryDetail.as_view(), name="entry_detail"),
]
