"""The form of all system settings, made from the registry."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from portal.kernel.settings import SettingDefinition, ValueType
from portal.selectors.settings import SettingView, setting_views
from portal.web.zones import is_offered, zone_choices

_TITLES: Final[dict[str, str | Promise]] = {
    "cloudpods.audit": _("Audit"),
    "cloudpods.auto_heal": _("Healing"),
    "cloudpods.backup": _("Backups"),
    "cloudpods.bootstrap": _("Installation"),
    "cloudpods.clone": _("Clones"),
    "cloudpods.console": _("Console"),
    "cloudpods.disk": _("Disks"),
    "cloudpods.dns": _("Names"),
    "cloudpods.health": _("Health"),
    "cloudpods.hooks": _("Hooks"),
    "cloudpods.lease": _("Leases"),
    "cloudpods.metrics": _("Metrics"),
    "cloudpods.operations": _("Operations"),
    "cloudpods.placement": _("Placement"),
    "cloudpods.quota": _("Quotas"),
    "cloudpods.reconcile": _("Reconciliation"),
    "cloudpods.snapshot": _("Snapshots"),
    "cloudpods.transfer": _("Transfers"),
    "cloudpods.volumes": _("Volumes"),
    "cloudpods.webhooks": _("Webhooks"),
    "platform": _("Name, colour, time zone"),
    "platform.health": _("Health"),
    "platform.notifications": _("Notifications"),
    "platform.stuck": _("Stuck work"),
    "platform.system_events": _("System events"),
}
_COLOUR: Final = "platform.primary_color"
_ZONE: Final = "platform.timezone"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as the page shows it: `default` in the words of its editor, `audit_url` its history."""

    view: SettingView
    field: forms.BoundField
    default: str
    is_default: bool
    audit_url: str


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """Settings under one heading."""

    code: str
    title: str | Promise
    rows: tuple[SettingRow, ...]


class SettingsForm(forms.Form):
    """One field per setting; which one is wrong, the setting's own rule says when it is saved."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self._views = setting_views()
        for view in self._views:
            self.fields[self.field_of(view.id)] = _field(view)

    @staticmethod
    def field_of(name: str) -> str:
        """The field of a setting: dots are no part of HTML ids that scripts and styles can name."""
        return name.replace(".", "__")

    def changed_values(self) -> dict[str, Any]:
        """Settings whose value differs from the one in force."""
        given = {view.id: self._value(view.definition) for view in self._views}
        return {view.id: given[view.id] for view in self._views if given[view.id] != view.value}

    def groups(self) -> list[SettingGroup]:
        """Settings by namespace and first part of the key."""
        return [
            SettingGroup(code, _TITLES.get(code, code), tuple(map(self._row, views)))
            for code, views in groupby(sorted(self._views, key=_code), key=_code)
        ]

    def _row(self, view: SettingView) -> SettingRow:
        default = view.definition.default
        return SettingRow(
            view=view,
            field=self[self.field_of(view.id)],
            default=_shown(default),
            is_default=view.value == default,
            audit_url=f"/admin/audit/entry/?{urlencode({'q': view.id})}",
        )

    def _value(self, definition: SettingDefinition) -> Any:
        value = self.cleaned_data[self.field_of(definition.name)]
        if value is None and isinstance(definition.default, list):
            return []  # what was emptied
        is_whole = isinstance(value, float) and value.is_integer()
        return int(value) if is_whole else value


def _code(view: SettingView) -> str:
    parts = view.id.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 else parts[0]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("on") if value else _("off"))
    return str(value)


def _field(view: SettingView) -> forms.Field:
    definition = view.definition
    common: dict[str, Any] = {"label": definition.description, "initial": view.value}
    if view.id == _ZONE:
        choices = zone_choices(str(view.value))[1:]
        extra = [] if is_offered(str(view.value)) else [(view.value, view.value)]
        widget = UnfoldAdminSelectWidget(choices=[*extra, *choices])
        return forms.CharField(widget=widget, **common)
    if view.id == _COLOUR:
        return forms.CharField(widget=UnfoldAdminTextInputWidget(attrs={"type": "color"}), **common)
    match definition.value_type:
        case ValueType.BOOLEAN:
            return forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget(), **common)
        case ValueType.NUMBER:
            return forms.FloatField(widget=UnfoldAdminIntegerFieldWidget(), **common)
        case ValueType.JSON:
            return forms.JSONField(required=False, widget=UnfoldAdminTextareaWidget(), **common)
    return forms.CharField(
        required=definition.default != "", widget=UnfoldAdminTextInputWidget(), **common
    )
