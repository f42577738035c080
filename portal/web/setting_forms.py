"""The form of all system settings, made from the registry."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from portal.kernel.settings import SettingDefinition, ValueType
from portal.selectors.settings import SettingView, setting_views


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

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Fields by namespace and first part of the key."""

        def heading(view: SettingView) -> str:
            return (
                ".".join(view.id.split(".")[:2])
                if view.id.count(".") > 1
                else view.id.split(".")[0]
            )

        return [
            (title, [self[self.field_of(view.id)] for view in views])
            for title, views in groupby(self._views, key=heading)
        ]

    def _value(self, definition: SettingDefinition) -> Any:
        value = self.cleaned_data[self.field_of(definition.name)]
        is_whole = isinstance(value, float) and value.is_integer()
        return int(value) if is_whole else value


def _field(view: SettingView) -> forms.Field:
    definition = view.definition
    unit = f" [{definition.unit}]" if definition.unit else ""
    common: dict[str, Any] = {
        "label": f"{view.id}{unit}",
        "help_text": f"{definition.description}. Default: {definition.default}",
        "initial": view.value,
    }
    match definition.value_type:
        case ValueType.BOOLEAN:
            return forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget(), **common)
        case ValueType.NUMBER:
            return forms.FloatField(widget=UnfoldAdminIntegerFieldWidget(), **common)
        case ValueType.JSON:
            return forms.JSONField(required=False, widget=UnfoldAdminTextareaWidget(), **common)
    return forms.CharField(widget=UnfoldAdminTextInputWidget(), **common)
