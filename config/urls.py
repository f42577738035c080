"""Every address: pages, API, Django admin, probes."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("config.api_urls")),
    path("", include("portal.web.urls")),
    path("", include("audit.web.urls")),
    path("", include("provisioning.web.urls")),
]
