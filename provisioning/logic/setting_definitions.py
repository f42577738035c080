"""System settings of provisioning: slots and placement."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between


def _number(
    key: str, default: float, description: str | Promise, low: float, high: float
) -> SettingDefinition:
    return SettingDefinition(
        namespace="cloudpods",
        key=key,
        value_type=ValueType.NUMBER,
        default=default,
        description=description,
        rule=between(low, high),
    )


SETTINGS = (
    _number(
        "clone.max_per_storage",
        4,
        _("How many machines are cloned onto one storage at once; the others wait."),
        1,
        50,
    ),
    _number(
        "clone.max_per_node",
        4,
        _("How many machines are cloned from one node at once; the others wait."),
        1,
        50,
    ),
    _number(
        "disk.max_per_storage",
        4,
        _("How many disks are grown or destroyed on one storage at once; the others wait."),
        1,
        50,
    ),
    _number(
        "placement.cpu_overcommit",
        4.0,
        _("How many times a node's processors may be given away."),
        0.1,
        20,
    ),
    _number(
        "placement.memory_overcommit",
        1.0,
        _("How many times a node's memory may be given away."),
        0.1,
        5,
    ),
    _number(
        "placement.storage_overcommit",
        1.0,
        _("How many times a storage's space may be given away."),
        0.1,
        20,
    ),
    _number(
        "placement.listing_max_age_s",
        300,
        _("How old a cluster's last listing may be when a machine is placed there, in seconds."),
        30,
        86_400,
    ),
)
