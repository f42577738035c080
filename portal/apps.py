"""Registers what the app contributes; no logic."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from portal.kernel import (
    answers,
    audit_tags,
    authz,
    commands,
    dashboard,
    exposition,
    live,
    settings,
    stuck,
    ui,
)
from portal.kernel.web.table_views import register_saved_views
from portal.kernel.web.tables import register_table
from portal.logic.setting_definitions import DEFINITIONS
from portal.permissions import PERMISSIONS, Permission
from portal.states import OPERATION_STYLES, WORKER_STYLES
from portal.tags import TAGS


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Platform")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from portal import checks, handlers, tasks  # noqa: PLC0415, F401 - models first; tasks connect the doorbell
        from portal.selectors.notifications import TOPIC, people_known  # noqa: PLC0415 - models first
        from portal.selectors.operations import operations_known  # noqa: PLC0415 - models first
        from portal.selectors.stuck import stuck_operations, stuck_schedules  # noqa: PLC0415 - models first
        from portal.services.exposition import platform_gauges  # noqa: PLC0415 - models first
        from portal.services.idempotency import RecordStore  # noqa: PLC0415 - models first
        from portal.web import cards, found, needs, platform_state  # noqa: PLC0415 - models first
        from portal.web import commands as palette  # noqa: PLC0415 - models first
        from portal.web.navigation import NAV  # noqa: PLC0415 - models first
        from portal.web.operation_table import OPERATIONS  # noqa: PLC0415 - models first
        from portal.web.saved_filters import saved_views  # noqa: PLC0415 - models first
        from portal.web.stuck import STUCK_STYLES  # noqa: PLC0415 - models first

        answers.register_store(RecordStore())
        register_saved_views(saved_views)
        register_table(OPERATIONS)

        authz.register_permissions(PERMISSIONS)
        audit_tags.register_tags(TAGS)
        settings.register_settings(*DEFINITIONS)
        ui.register_statuses("operation", OPERATION_STYLES)
        ui.register_statuses("worker", WORKER_STYLES)
        ui.register_statuses("stuck", STUCK_STYLES)
        for item in NAV:
            ui.register_nav(item)
        permission = Permission.OPERATIONS_VIEW
        live.register_topic(live.Topic("operation", permission, operations_known))
        commands.register_search(*found.PROVIDERS)
        commands.register_command(*palette.COMMANDS)
        live.register_topic(live.Topic(TOPIC, authz.SIGNED_IN, people_known, is_personal=True))
        ui.register_platform_sign(platform_state.SILENCE)
        for card in cards.CARDS:
            ui.register_card(card)
        for source in needs.NEEDS:
            dashboard.register_needs(source)
        stuck.register_stuck("operations", stuck_operations)
        stuck.register_stuck("schedules", stuck_schedules)
        exposition.register_exposition("portal", platform_gauges)
        handlers.register()
