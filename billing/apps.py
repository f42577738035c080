"""Registers what the app contributes; no logic."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from billing.permissions import PERMISSIONS
from billing.tags import TAGS
from portal.kernel import audit_tags, authz


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing import handlers  # noqa: PLC0415 - models must be loaded first

        authz.register_permissions(PERMISSIONS)
        audit_tags.register_tags(TAGS)
        handlers.register()
