"""System settings of provisioning."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between

SETTINGS = (
    SettingDefinition(
        namespace="cloudpods",
        key="clone.max_per_storage",
        value_type=ValueType.NUMBER,
        default=4,
        description=_("How many machines are cloned onto one storage at once; the others wait."),
        rule=between(1, 50),
    ),
)
