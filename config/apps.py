"""Two of Django's own apps, told what is ours."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class PlatformAdminConfig(AdminConfig):
    """Django admin on the platform role."""

    default_site = "portal.web.admin_site.PlatformAdminSite"


class CollectedFilesConfig(StaticFilesConfig):
    """Leaves out what the API's documentation page never loads: compressing it takes half a minute."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "*es-bundle*", "swagger-ui.js*"]
