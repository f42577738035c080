"""Who may read `/metrics`."""

from __future__ import annotations

from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured

from config import env

METRICS_TOKEN = env.secret("METRICS_TOKEN", "")
METRICS_NETWORKS = env.words("METRICS_NETWORKS", ["127.0.0.0/8", "::1/128"])

for _network in METRICS_NETWORKS:
    try:
        ip_network(_network)
    except ValueError as _error:
        raise ImproperlyConfigured(f"METRICS_NETWORKS: {_error}") from _error
