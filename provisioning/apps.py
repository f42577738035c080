"""Registers what the app contributes; no logic."""

from __future__ import annotations

from typing import Final

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from portal.kernel import (
    audit_tags,
    authz,
    commands,
    dashboard,
    live,
    settings,
    ui,
)
from portal.kernel.web.tables import register_table
from provisioning.logic.alerting import ALERT_STYLES, SEVERITY_STYLES
from provisioning.logic.backup_settings import BACKUP_SETTINGS
from provisioning.logic.copy_states import (
    BACKUP_STYLES,
    SNAPSHOT_STYLES,
    VERIFICATION_STYLES,
)
from provisioning.logic.dns_settings import DNS_SETTINGS
from provisioning.logic.fleet_settings import FLEET_SETTINGS
from provisioning.logic.health_settings import HEALTH_SETTINGS
from provisioning.logic.hook_settings import HOOK_SETTINGS
from provisioning.logic.hook_states import DELIVERY_STYLES, RUN_STYLES, WEBHOOK_STYLES
from provisioning.logic.lease_settings import LEASE_SETTINGS
from provisioning.logic.measures_settings import MEASURES_SETTINGS
from provisioning.logic.reconcile_settings import RECONCILE_SETTINGS
from provisioning.logic.setting_definitions import SETTINGS
from provisioning.logic.styles import (
    BOOTSTRAP_STYLES,
    DEPLOYMENT_STYLES,
    DNS_STYLES,
    FINDING_KIND_STYLES,
    FINDING_STYLES,
    HEAL_STYLES,
    HEALTH_STYLES,
    NODE_STYLES,
    REQUEST_STYLES,
    TRANSFER_STYLES,
    VERDICT_STYLES,
    VOLUME_ACTION_STYLES,
    VOLUME_STYLES,
)
from provisioning.logic.volume_settings import VOLUME_SETTINGS
from provisioning.logic.volumes import VOLUME_TAGS
from provisioning.permissions import PERMISSIONS, Permission
from provisioning.tags import TAGS

_SETTINGS: Final = (
    *SETTINGS,
    *BACKUP_SETTINGS,
    *DNS_SETTINGS,
    *FLEET_SETTINGS,
    *HEALTH_SETTINGS,
    *HOOK_SETTINGS,
    *LEASE_SETTINGS,
    *MEASURES_SETTINGS,
    *RECONCILE_SETTINGS,
    *VOLUME_SETTINGS,
)
_STYLES: Final = {
    "alert": ALERT_STYLES,
    "severity": SEVERITY_STYLES,
    "deployment": DEPLOYMENT_STYLES,
    "health": HEALTH_STYLES,
    "health_check": VERDICT_STYLES,
    "healing": HEAL_STYLES,
    "dns": DNS_STYLES,
    "extension_request": REQUEST_STYLES,
    "finding": FINDING_STYLES,
    "finding_kind": FINDING_KIND_STYLES,
    "node": NODE_STYLES,
    "snapshot": SNAPSHOT_STYLES,
    "backup": BACKUP_STYLES,
    "verification": VERIFICATION_STYLES,
    "bootstrap": BOOTSTRAP_STYLES,
    "volume": VOLUME_STYLES,
    "volume_action": VOLUME_ACTION_STYLES,
    "transfer": TRANSFER_STYLES,
    "hook_run": RUN_STYLES,
    "webhook": WEBHOOK_STYLES,
    "delivery": DELIVERY_STYLES,
}


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = _("Provisioning")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from provisioning import handlers  # noqa: PLC0415 - models must be loaded first
        from provisioning.web import (  # noqa: PLC0415 - models first
            backups,
            cards,
            fleet_commands,
            names,
            navigation,
            needs,
            platform_state,
            search,
            surroundings,
            volume_commands,
            volumes,
            webhooks,
        )
        from provisioning.web import commands as palette  # noqa: PLC0415 - models first
        from provisioning.web.alert_table import ALERTS  # noqa: PLC0415 - models first
        from provisioning.web.deployment_table import DEPLOYMENTS  # noqa: PLC0415 - models first
        from provisioning.web.finding_table import FINDINGS, WATCH_STYLES  # noqa: PLC0415 - models first

        authz.register_permissions(PERMISSIONS)
        audit_tags.register_tags(TAGS)
        audit_tags.register_tags(VOLUME_TAGS)
        settings.register_settings(*_SETTINGS)
        for domain, styles in _STYLES.items():
            ui.register_statuses(domain, styles)
        ui.register_statuses("watch", WATCH_STYLES)
        for table in (ALERTS, DEPLOYMENTS, FINDINGS):
            register_table(table)
        for item in navigation.NAV:
            ui.register_nav(item)
        ui.register_platform_sign(platform_state.CLUSTERS)
        ui.register_target("deployment", cards.deployment_links)
        ui.register_target("lease_warning", cards.warning_links)
        live.register_topic(live.Topic("deployment", Permission.VIEW, cards.deployment_links))
        for card in cards.CARDS:
            ui.register_card(card)
        commands.register_search(*search.PROVIDERS, *surroundings.PROVIDERS)
        commands.register_command(*palette.COMMANDS, *fleet_commands.FLEET_COMMANDS)
        commands.register_command(*surroundings.COMMANDS, *volume_commands.VOLUME_COMMANDS)
        for source in needs.NEEDS:
            dashboard.register_needs(source)
        dashboard.register_facts(cards.FACTS)
        volumes.volumes_register()
        names.names_register()
        backups.backups_register()
        webhooks.webhooks_register()
        handlers.register()
