"""A name server with two zones, as tests of names have it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from django.db import transaction

from integrations.base.registry import HostLimits, HostRegistry
from integrations.base.retry import Backoff
from integrations.powerdns.transport import NameServerTransport
from integrations.services import name_servers
from integrations.services.name_servers import name_servers_forget
from integrations.services.secrets import secret_put
from portal.kernel import events
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from provisioning.events import AddressesFound
from provisioning.models import Deployment, DnsRecord, DnsServer
from tests.conftest import Cloud, World
from tests.factories.provisioning import DnsServerFactory, DnsZoneFactory
from tests.name_server import NameServerProcess
from tests.provisioning.scenes import requested

ZONE, REVERSE = "demo.test", "10.in-addr.arpa"


class Names:
    """The zones in the database, and the real server behind them."""

    def __init__(self, world: World, process: NameServerProcess, server: DnsServer) -> None:
        self.world = world
        self.process = process
        self.server = server
        self.zone = DnsZoneFactory(server=server, name=ZONE, is_default=True)
        self.reverse = DnsZoneFactory(server=server, name=REVERSE, kind="reverse")
        for zone in (ZONE, REVERSE):
            body = {"name": f"{zone}.", "kind": "Native", "nameservers": ["ns1.demo.test."]}
            process.api("POST", "/zones", body)

    def asked(self, name: str, type_: str = "A") -> tuple[str, ...]:
        return self.process.asked(name, type_)

    def records(self, deployment: Deployment) -> dict[str, DnsRecord]:
        """The newest record of each type."""
        return self.records_of(deployment)

    @staticmethod
    def records_of(deployment: Deployment) -> dict[str, DnsRecord]:
        rows = DnsRecord.across_tenants.filter(deployment_id=deployment.pk).order_by("created_at")
        return {row.type: row for row in rows}

    def states(self, deployment: Deployment) -> dict[str, str]:
        return {type_: row.status for type_, row in self.records(deployment).items()}

    def addressed(self, deployment: Deployment, *addresses: str) -> None:
        """The machine tells its addresses, as the guest agent would."""
        self.addressed_only(deployment, *addresses)

    @staticmethod
    def addressed_only(deployment: Deployment, *addresses: str) -> None:
        with tenant_scope(deployment.tenant_id), transaction.atomic():
            rows = Deployment.objects.filter(pk=deployment.pk)
            rows.update(ip_addresses=list(addresses))
            events.publish(AddressesFound(deployment.pk, deployment.tenant_id, addresses))


def machine_named(cloud: Cloud, name: str) -> Deployment:
    """A machine that no worker has made; its name waits for an address."""
    deployment = requested(cloud, name)
    with tenant_scope(deployment.tenant_id), transaction.atomic():
        Operation.objects.all().update(scheduled_at="2100-01-01T00:00Z")
    return deployment


@pytest.fixture(scope="session")
def name_server_process() -> Iterator[NameServerProcess]:
    with NameServerProcess() as process:
        yield process


@pytest.fixture
def names(
    world: World, name_server_process: NameServerProcess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Names]:
    process = name_server_process
    process.reset()
    limits = HostLimits(cooldown=Backoff(first_s=0.01, limit_s=0.05))
    transport = partial(NameServerTransport, registry=HostRegistry(limits))
    monkeypatch.setattr(name_servers, "NameServerTransport", transport)
    name_servers_forget()
    secret_put("platform/name-servers/test", {"key": process.server.key})
    server = DnsServerFactory(
        code="test",
        url=process.url,
        resolver=process.server.resolver,
        nameservers=["ns1.demo.test"],
    )
    yield Names(world, process, server)
    name_servers_forget()
