"""All settings as they stand: what the registry defines with what the table says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.errors import UnknownSetting
from portal.kernel.settings import SettingDefinition, setting_definitions
from portal.models import Setting


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting: its definition, its value and who gave it that."""

    id: str
    definition: SettingDefinition
    value: Any
    updated_by: str | None
    created_at: datetime | None
    updated_at: datetime | None


def setting_views() -> list[SettingView]:
    """Every registered setting by name."""
    rows = {row.name: row for row in Setting.objects.select_related("updated_by")}
    return [_view(item, rows.get(item.name)) for item in setting_definitions()]


def setting_view(name: str) -> SettingView:
    """One setting. Raises UnknownSetting."""
    found = [view for view in setting_views() if view.id == name]
    if not found:
        raise UnknownSetting
    return found[0]


def _view(definition: SettingDefinition, row: Setting | None) -> SettingView:
    return SettingView(
        id=definition.name,
        definition=definition,
        value=row.value if row else definition.default,
        updated_by=row.updated_by.username if row and row.updated_by else None,
        created_at=row.created_at if row else None,
        updated_at=row.updated_at if row else None,
    )
