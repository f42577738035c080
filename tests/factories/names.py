"""Zones and names to look at, without a name server behind them."""

from __future__ import annotations

from billing.models import Tenant
from portal.kernel import clock
from provisioning.models import Deployment, DnsRecord, DnsZone
from tests.factories.provisioning import DnsServerFactory, DnsZoneFactory

CHANGED = {
    "code": "changed_at_server",
    "message": "The name was changed at the name server.",
    "command": "",
}


def zones_made(organisation: Tenant | None = None) -> list[DnsZone]:
    """One for names and one for addresses, compared a moment ago; offered to all, or somebody's."""
    server = DnsServerFactory(code="ns1", name="pdns-1")
    common = {"server": server, "organisation": organisation, "checked_at": clock.now()}
    return [
        DnsZoneFactory(name="demo.uhub.local", is_default=True, **common),
        DnsZoneFactory(name="10.in-addr.arpa", kind="reverse", **common),
    ]


def names_made(zones: list[DnsZone], machine: Deployment) -> list[DnsRecord]:
    """A name that is right, its pointer, one that waits and one that was changed outside."""
    forward, reverse = zones
    now = clock.now()
    common = {"deployment_id": machine.pk, "tenant_id": machine.tenant_id}
    named = common | {"zone": forward, "zone_name": forward.name, "claims_name": True}
    full = f"{machine.name}.{forward.name}"
    rows = [
        DnsRecord(
            **named, hostname=full, ip_address="10.20.0.7", status="active", last_checked_at=now
        ),
        DnsRecord(
            **common,
            zone=reverse,
            zone_name=reverse.name,
            hostname=full,
            ip_address="10.20.0.7",
            type="PTR",
            status="active",
            last_checked_at=now,
        ),
        DnsRecord(**named, hostname=f"www.{forward.name}"),
        DnsRecord(
            **named,
            hostname=f"api.{forward.name}",
            ip_address="10.20.0.7",
            status="error",
            attention=CHANGED,
            found=["192.0.2.1"],
            last_checked_at=now,
        ),
    ]
    return DnsRecord.objects.using("platform").bulk_create(rows)
