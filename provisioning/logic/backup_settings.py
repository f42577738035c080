"""System settings of snapshots and backups."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import Rule, SettingDefinition, ValueType
from provisioning.logic.lease_settings import whole


def _number(key: str, default: int, text: Any, rule: Rule, unit: str = "") -> SettingDefinition:
    return SettingDefinition("cloudpods", key, ValueType.NUMBER, default, text, rule, unit=unit)


BACKUP_SETTINGS: Final = (
    _number(
        "backup.default_retention_count",
        7,
        _("How many backups a new schedule keeps"),
        whole(1, 365),
    ),
    SettingDefinition(
        "cloudpods",
        "backup.storage",
        ValueType.STRING,
        "",
        _("Storage that backups go to; empty: the cluster's first one that takes backups"),
    ),
    _number(
        "backup.max_per_deployment",
        60,
        _("How many backups a deployment may have, protected ones included"),
        whole(1, 1000),
    ),
    _number(
        "backup.max_per_storage",
        4,
        _("Backups and restores at a time on one storage"),
        whole(1, 100),
    ),
    _number(
        "backup.max_per_node",
        1,
        _("Backups and restores at a time on one node"),
        whole(1, 20),
    ),
    _number(
        "backup.sweep_interval_seconds",
        300,
        _("How often storages are asked which backups they hold"),
        whole(10, 86400),
        "s",
    ),
    SettingDefinition(
        "cloudpods",
        "backup.final_before_lease_deletion",
        ValueType.BOOLEAN,
        False,
        _("Whether a deployment is backed up once more before the end of its lease deletes it"),
    ),
    _number(
        "snapshot.max_per_deployment",
        5,
        _("How many snapshots a deployment may have"),
        whole(1, 50),
    ),
    _number(
        "snapshot.max_age_hours",
        168,
        _("After how long a snapshot is deleted"),
        whole(1, 8760),
        "h",
    ),
)
