"""The API's addresses, app by app; each answers with and without a slash at the end."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from portal.kernel.api.views import AbsentView

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("portal.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("provisioning.api.urls")),
    re_path(r"", AbsentView.as_view()),
]
