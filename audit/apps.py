"""Registers what the app contributes; no logic."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from audit.permissions import PERMISSIONS, Permission
from audit.tags import TAGS
from portal.kernel import audit_tags, authz, commands, ui
from portal.kernel.web.exports import register_recorder
from portal.kernel.web.tables import register_table


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import handlers  # noqa: PLC0415 - models must be loaded first
        from audit.services.exports import export_recorded  # noqa: PLC0415 - models first
        from audit.web import cards  # noqa: PLC0415 - models first
        from audit.web import commands as palette  # noqa: PLC0415 - models first
        from audit.web.entry_table import ENTRIES  # noqa: PLC0415 - models first
        from audit.web.event_table import SYSTEM_EVENTS  # noqa: PLC0415 - models first

        register_recorder(export_recorded)
        register_table(ENTRIES)
        register_table(SYSTEM_EVENTS)

        authz.register_permissions(PERMISSIONS)
        audit_tags.register_tags(TAGS)
        ui.register_statuses(
            "audit",
            {
                "success": ui.StatusStyle(_("Done"), "check", ui.Tone.OK),
                "refused": ui.StatusStyle(_("Refused"), "ban", ui.Tone.WARN),
                "failed": ui.StatusStyle(_("Failed"), "x", ui.Tone.DANGER),
            },
        )
        ui.register_statuses(
            "event_level",
            {
                "info": ui.StatusStyle(_("Info"), "info", ui.Tone.INFO),
                "warn": ui.StatusStyle(_("Warning"), "triangle-alert", ui.Tone.WARN),
                "error": ui.StatusStyle(_("Error"), "octagon-x", ui.Tone.DANGER),
            },
        )
        ui.register_nav(
            ui.NavItem(
                key="audit",
                label=_("Audit"),
                url="/audit",
                icon="scroll-text",
                permission=Permission.AUDIT_VIEW,
                section=ui.Section.ORGANISATION,
                order=80,
                shortcut="a",
            )
        )
        commands.register_command(*palette.COMMANDS)
        for card in cards.CARDS:
            ui.register_card(card)
        handlers.register()
