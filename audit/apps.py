"""Registers what the app contributes; no logic."""

from __future__ import annotations

from django.apps import AppConfig

from audit.permissions import PERMISSIONS
from audit.tags import TAGS
from portal.kernel import audit_tags, authz


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        authz.register_permissions(PERMISSIONS)
        audit_tags.register_tags(TAGS)
