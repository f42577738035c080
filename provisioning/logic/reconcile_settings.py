"""System settings of reconciliation."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between

MISSING_AFTER: Final = "cloudpods.reconcile.missing_after_sweeps"
VANISH_PERCENT: Final = "cloudpods.reconcile.vanish_percent"
VANISH_MINIMUM: Final = "cloudpods.reconcile.vanish_minimum"
READS: Final = "cloudpods.reconcile.reads_per_sweep"
WATCH_DAYS: Final = "cloudpods.reconcile.watch_days"

RECONCILE_SETTINGS = (
    SettingDefinition(
        namespace="cloudpods",
        key="reconcile.missing_after_sweeps",
        value_type=ValueType.NUMBER,
        default=3,
        description=_(
            "How many listings in a row must lack a machine before its absence is proven."
        ),
        rule=between(1, 100),
    ),
    SettingDefinition(
        namespace="cloudpods",
        key="reconcile.vanish_percent",
        value_type=ValueType.NUMBER,
        default=30,
        description=_(
            "From how many percent of missing machines on a listing is doubted as a whole."
        ),
        rule=between(1, 100),
    ),
    SettingDefinition(
        namespace="cloudpods",
        key="reconcile.vanish_minimum",
        value_type=ValueType.NUMBER,
        default=3,
        description=_("How many machines must lack at least for a listing to be doubted."),
        rule=between(1, 10_000),
    ),
    SettingDefinition(
        namespace="cloudpods",
        key="reconcile.reads_per_sweep",
        value_type=ValueType.NUMBER,
        default=20,
        description=_("How many configurations one comparison of a cluster may read."),
        rule=between(1, 500),
    ),
    SettingDefinition(
        namespace="cloudpods",
        key="reconcile.watch_days",
        value_type=ValueType.NUMBER,
        default=30,
        description=_("For how many days a forgotten machine is watched: it may come back."),
        rule=between(1, 365),
    ),
)
