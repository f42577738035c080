"""Names of nobody under fire: killed workers, lost answers, silent servers, other hands at the server."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from audit.models import Entry
from integrations.base.errors import AccessRefused, Ambiguous, ProviderError
from integrations.powerdns.errors import MalformedAnswer, ServerUnreachable
from integrations.powerdns.fake import FakeNameServer
from integrations.powerdns.interface import RecordSet
from portal.kernel.authz import Actor
from portal.kernel.models import uuid7
from portal.kernel.tenancy import PLATFORM, platform_alias
from portal.models import Operation
from portal.services.drains import drain
from portal.services.operations import operation_retry
from provisioning.models import DnsZone
from provisioning.services.dns import stale
from tests.conftest import World
from tests.engine import TestDesk, run_until_idle, worker_process
from tests.factories.provisioning import DnsServerFactory, DnsZoneFactory
from tests.provisioning.names import Names, name_server_process, names
from tests.provisioning.scenes import leases_expire
from tests.provisioning.test_name_faults import Deadly, Killed
from tests.provisioning.twin import Twin, finding, kinds

__all__ = ["name_server_process", "names"]
STAFF = Actor.system("test")
FIRST, SECOND = "demo.test", "more.test"
# A look and a deletion for each of three names, and a look at each of two that were taken.
CALLS = 8


class Leftovers:
    """Two zones on one server with names of nobody, and beside them names that are somebody's."""

    def __init__(self, world: World, server: Any) -> None:
        self.twin = Twin(world)
        self.server = server

    def told(self, fake: FakeNameServer) -> None:
        """The names are there, the last comparison saw them, and somebody asked for their end."""
        for zone, lost in ((FIRST, ("a", "b")), (SECOND, ("c",))):
            rows = [self._marked(fake, f"{name}.{zone}") for name in lost]
            taken = self._marked(fake, f"taken.{zone}")
            self.write(fake, zone, f"taken.{zone}", "192.0.2.9", mark="mine")
            self.write(fake, zone, f"own.{zone}", "192.0.2.8")
            DnsZone.objects.using(PLATFORM).filter(name=zone).update(strange=[*rows, taken])
        self.twin.sweep()
        stale.names_remove(actor=STAFF, finding_id=finding("stale_record").pk)

    def _marked(self, fake: FakeNameServer, name: str) -> dict[str, Any]:
        deployment, record = str(uuid7()), str(uuid7())
        mark = f"uhub deployment={deployment} record={record}"
        self.write(fake, name.partition(".")[2], name, "192.0.2.1", mark=mark)
        return {
            "name": name,
            "type": "A",
            "contents": ["192.0.2.1"],
            "deployment_id": deployment,
            "record_id": record,
        }

    @staticmethod
    def write(fake: FakeNameServer, zone: str, name: str, address: str, mark: str = "") -> None:
        marks = (mark,) if mark else ()
        fake.zones[zone][name, "A"] = RecordSet(name, "A", 300, (address,), marks)

    @staticmethod
    def demand(fake: FakeNameServer) -> None:
        """Gone is what was nobody's; the rest stands, and it was told once."""
        left = {
            name: one.contents for zone in fake.zones.values() for (name, _), one in zone.items()
        }
        assert left == {
            f"{kind}.{zone}": (f"192.0.2.{number}",)
            for zone in (FIRST, SECOND)
            for kind, number in (("taken", 9), ("own", 8))
        }
        told = finding("stale_record")
        assert (last().status, told.status, told.resolution) == ("completed", "resolved", "deleted")
        entries = Entry.objects.using(PLATFORM).filter(tag="finding.names_cleared")
        assert entries.filter(target_id=str(told.pk)).count() == 1


def last() -> Operation:
    return Operation.across_tenants.filter(type="dns.clear").latest("pk")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeNameServer:
    server = FakeNameServer()
    for zone in (FIRST, SECOND):
        server.zone_ensure(zone, nameservers=())
    monkeypatch.setattr(stale, "name_server_of", lambda _zone: server)
    return server


@pytest.fixture
def leftovers(world: World) -> Leftovers:
    server = DnsServerFactory(code="test")
    for zone in (FIRST, SECOND):
        DnsZoneFactory(server=server, name=zone)
    return Leftovers(world, server)


def killed_at(
    monkeypatch: pytest.MonkeyPatch, fake: FakeNameServer, when: str, number: int
) -> bool:
    """Works until the n-th call to the name server kills the worker; says whether it got that far."""
    deadly = Deadly(fake, when, number)
    with monkeypatch.context() as patch:
        patch.setattr(stale, "name_server_of", lambda _zone: deadly)
        try:
            run_until_idle()
        except Killed:
            return True
    return False


@pytest.mark.parametrize(
    ("when", "number"),
    [
        pytest.param(when, number, marks=() if (when, number) == ("after", 4) else pytest.mark.soak)
        for when in ("before", "after")
        for number in range(1, CALLS + 1)
    ],
)
def test_killed_at_a_call_what_is_nobody_s_is_gone_and_nothing_else(
    leftovers: Leftovers,
    fake: FakeNameServer,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    number: int,
) -> None:
    leftovers.told(fake)
    assert killed_at(monkeypatch, fake, when, number)
    leases_expire()
    run_until_idle()
    leftovers.demand(fake)


@pytest.mark.parametrize(
    ("error", "takes_effect", "method"),
    [
        pytest.param(error, takes_effect, method, marks=() if is_short else pytest.mark.soak)
        for method in ("record_set", "record_set_delete")
        for error, takes_effect, is_short in (
            (Ambiguous("lost"), True, method == "record_set_delete"),
            (Ambiguous("lost"), False, False),
            (MalformedAnswer("nonsense"), True, False),
            (ServerUnreachable("down"), False, False),
        )
        if method == "record_set_delete" or not takes_effect
    ],
)
@pytest.mark.parametrize("which", [pytest.param(0, marks=pytest.mark.soak), 1])
def test_a_faulty_call_is_looked_at_again(
    leftovers: Leftovers,
    fake: FakeNameServer,
    error: ProviderError,
    method: str,
    takes_effect: bool,
    which: int,
) -> None:
    leftovers.told(fake)
    for _ in range(which + 1):
        fake.fail_next(method, error, takes_effect=takes_effect)
    run_until_idle()
    leftovers.demand(fake)


def test_a_silent_server_is_waited_for_and_holds_up_no_other_zone(
    leftovers: Leftovers, fake: FakeNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftovers.told(fake)

    def server_of(zone: DnsZone) -> FakeNameServer:
        if zone.name == FIRST:
            raise ServerUnreachable("down")
        return fake

    with monkeypatch.context() as patch:
        patch.setattr(stale, "name_server_of", server_of)
        for _ in range(3):
            drain("cloudpods", desk=TestDesk())
    waiting = last()
    assert (waiting.status, waiting.attempts) == ("pending", 1)
    assert waiting.steps[0]["detail"] == "Name server test does not answer; it is asked again."
    assert (f"c.{SECOND}", "A") not in fake.zones[SECOND]
    run_until_idle()
    leftovers.demand(fake)
    assert last().steps[0]["detail"] == "3 names were removed"


def test_a_refused_key_is_told_and_what_was_left_is_removed_by_a_retry(
    leftovers: Leftovers, fake: FakeNameServer
) -> None:
    leftovers.told(fake)
    fake.fail_next("record_set", AccessRefused("the name server refuses the key"))
    run_until_idle()
    assert (last().status, last().last_error) == ("failed", "the name server refuses the key")
    assert kinds("open") == ["stale_record"]
    assert (f"a.{FIRST}", "A") in fake.zones[FIRST]
    with platform_alias(), transaction.atomic(using=PLATFORM):
        operation_retry(actor=STAFF, operation_id=last().pk)
    run_until_idle()
    leftovers.demand(fake)


def test_what_a_comparison_writes_meanwhile_is_kept(
    leftovers: Leftovers, fake: FakeNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zone is compared while its names are removed: what is news there is news for the next sweep."""
    leftovers.told(fake)
    news = {"name": f"new.{FIRST}", "type": "A", "contents": ["192.0.2.3"]}
    zone = DnsZone.objects.using(PLATFORM).get(name=FIRST)

    class Compared(FakeNameServer):
        def record_set_delete(self, *args: Any) -> None:
            if args[0] == FIRST:
                self._compare()
            super().record_set_delete(*args)

        def _compare(self) -> None:
            DnsZone.objects.using(PLATFORM).filter(pk=zone.pk).update(
                strange=[*(zone.strange or []), news]
            )

    compared = Compared()
    compared.zones = fake.zones
    monkeypatch.setattr(stale, "name_server_of", lambda _zone: compared)
    run_until_idle()
    zone.refresh_from_db(using=PLATFORM)
    assert [one["name"] for one in zone.strange or []] == [f"taken.{FIRST}", news["name"]]


@pytest.mark.soak
@pytest.mark.parametrize("failpoint", ["engine:claimed:1", "engine:settling:1"])
def test_a_worker_process_killed_for_real_is_survived(
    world: World, names: Names, failpoint: str
) -> None:
    twin = Twin(world)
    row = {"deployment_id": str(uuid7()), "record_id": str(uuid7())}
    mark = "uhub deployment={deployment_id} record={record_id}".format(**row)
    names.process.write("demo.test", "lost.demo.test", "A", "10.0.0.9", mark=mark)
    names.process.write("demo.test", "own.demo.test", "A", "10.0.0.8", mark="mine")
    row |= {"name": "lost.demo.test", "type": "A"}
    strange = [{**row, "contents": ["10.0.0.9"]}]
    DnsZone.objects.using(PLATFORM).filter(name="demo.test").update(strange=strange)
    twin.sweep()
    stale.names_remove(actor=STAFF, finding_id=finding("stale_record").pk)
    with worker_process(FAILPOINT=failpoint) as process:
        assert process.wait(timeout=60) == 137
    leases_expire()
    run_until_idle()
    asked = {name: names.asked(f"{name}.demo.test") for name in ("lost", "own")}
    assert asked == {"lost": ("NXDOMAIN",), "own": ("10.0.0.8",)}
    assert (last().status, finding("stale_record").resolution) == ("completed", "deleted")
