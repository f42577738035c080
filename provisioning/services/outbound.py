"""How uHub speaks with hosts that an organisation named: the one policy of all of them."""

from __future__ import annotations

from ipaddress import ip_network

from integrations.base.http import HttpPolicy
from portal.services.settings import setting_get
from provisioning.logic.hook_settings import ALLOWED_NETWORKS


def outbound_policy(*, timeout_s: float, max_bytes: int = 64 * 1024) -> HttpPolicy:
    """Public addresses, and the networks that the platform's settings except."""
    networks = tuple(ip_network(text) for text in setting_get(ALLOWED_NETWORKS))
    return HttpPolicy(allowed_networks=networks, timeout_s=timeout_s, max_bytes=max_bytes)
