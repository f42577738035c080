"""Registers what the app contributes; no logic."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from portal.kernel import audit_tags, authz, live, settings, ui
from provisioning.logic.lease_settings import LEASE_SETTINGS
from provisioning.logic.reconcile_settings import RECONCILE_SETTINGS
from provisioning.logic.setting_definitions import SETTINGS
from provisioning.permissions import PERMISSIONS, Permission
from provisioning.states import (
    DEPLOYMENT_STYLES,
    FINDING_KIND_STYLES,
    FINDING_STYLES,
    HEALTH_STYLES,
    NODE_STYLES,
    REQUEST_STYLES,
)
from provisioning.tags import TAGS


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from provisioning import handlers  # noqa: PLC0415 - models must be loaded first
        from provisioning.web import cards  # noqa: PLC0415

        authz.register_permissions(PERMISSIONS)
        audit_tags.register_tags(TAGS)
        settings.register_settings(*SETTINGS, *LEASE_SETTINGS, *RECONCILE_SETTINGS)
        ui.register_statuses("deployment", DEPLOYMENT_STYLES)
        ui.register_statuses("health", HEALTH_STYLES)
        ui.register_statuses("extension_request", REQUEST_STYLES)
        ui.register_statuses("finding", FINDING_STYLES)
        ui.register_statuses("finding_kind", FINDING_KIND_STYLES)
        ui.register_statuses("node", NODE_STYLES)
        ui.register_nav(
            ui.NavItem(
                key="deployments",
                label=_("Deployments"),
                url="/deployments",
                icon="server",
                permission=Permission.VIEW,
                order=20,
                count=cards.deployments_count,
                in_mobile_bar=True,
            )
        )
        ui.register_nav(
            ui.NavItem(
                key="templates",
                label=_("Templates"),
                url="/templates",
                icon="layers",
                permission=Permission.TEMPLATES_VIEW,
                order=30,
                in_mobile_bar=True,
            )
        )
        ui.register_nav(
            ui.NavItem(
                key="infrastructure",
                label=_("Infrastructure"),
                url="/infrastructure",
                icon="server-cog",
                permission=Permission.INFRASTRUCTURE_VIEW,
                order=35,
            )
        )
        ui.register_nav(
            ui.NavItem(
                key="findings",
                label=_("Findings"),
                url="/findings",
                icon="scan-search",
                permission=Permission.FINDINGS_VIEW,
                order=45,
            )
        )
        ui.register_target("deployment", cards.deployment_links)
        ui.register_target("lease_warning", cards.warning_links)
        live.register_topic(live.Topic("deployment", Permission.VIEW, cards.deployment_links))
        for card in cards.CARDS:
            ui.register_card(card)
        handlers.register()
