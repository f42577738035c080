"""System settings of figures over time, and of the links to a Grafana beside uHub."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.kernel.settings import SettingDefinition, ValueType, between

INTERVAL: Final = "cloudpods.metrics.sample_interval_seconds"
OFFLINE_AFTER: Final = "cloudpods.metrics.offline_after_intervals"
GRAFANA_DEPLOYMENT: Final = "platform.grafana_url"
GRAFANA_HOST: Final = "platform.grafana_host_url"


def _address(value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme in {"http", "https"} and parts.netloc and "{" not in parts.netloc:
        return None
    return gettext("An address that begins with https:// or http://, or nothing.")


MEASURES_SETTINGS = (
    SettingDefinition(
        namespace="cloudpods",
        key="metrics.sample_interval_seconds",
        value_type=ValueType.NUMBER,
        default=60,
        description=_(
            "How often figures of machines, nodes and our own hosts are kept, in seconds."
        ),
        rule=between(10, 3600),
        unit="s",
    ),
    SettingDefinition(
        namespace="cloudpods",
        key="metrics.offline_after_intervals",
        value_type=ValueType.NUMBER,
        default=3,
        description=_("After how many intervals without a word a host counts as offline."),
        rule=between(2, 100),
    ),
    SettingDefinition(
        namespace="platform",
        key="grafana_url",
        value_type=ValueType.STRING,
        default="",
        description=_(
            "Address of a Grafana panel per machine; {deployment_id} stands for the machine."
        ),
        rule=_address,
    ),
    SettingDefinition(
        namespace="platform",
        key="grafana_host_url",
        value_type=ValueType.STRING,
        default="",
        description=_("Address of a Grafana panel per host; {host} stands for its name."),
        rule=_address,
    ),
)
