"""Prices of templates."""

from __future__ import annotations

from decimal import Decimal

from billing.logic.pricing import hourly_price
from provisioning.models import Template


def default_price_hour(template: Template) -> Decimal:
    """One hour of the template's defaults."""
    return hourly_price(
        template.rates,
        cpu_cores=template.cpu_cores_default,
        memory_mb=template.memory_mb_default,
        disk_gb=template.disk_gb_default,
    )
