"""Every address: pages, API, Django admin, probes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("config.api_urls")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("", include("portal.web.urls")),
    path("", include("audit.web.urls")),
    path("", include("provisioning.web.urls")),
]
handler500 = "portal.web.failures.server_error"
