"""Names under fire: killed workers, lost answers, silent servers, races, other hands at the server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from integrations.base.errors import AccessRefused, Ambiguous, ProviderError
from integrations.powerdns.errors import MalformedAnswer, ServerUnreachable
from integrations.powerdns.fake import FakeNameServer
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.models import Operation
from portal.services.drains import drain
from provisioning.models import Deployment, DnsZone
from provisioning.services.dns import records, servers, steps
from provisioning.services.dns.alignment import names_give_up
from provisioning.services.dns.checks import checks_schedule
from tests.conftest import Cloud, World
from tests.engine import TestDesk, run_until_idle, worker_process
from tests.factories.provisioning import DnsServerFactory, DnsZoneFactory
from tests.provisioning.names import Names, machine_named, name_server_process, names
from tests.provisioning.scenes import leases_expire, requested
from tests.provisioning.test_races import at_once

__all__ = ["name_server_process", "names"]
WEB = "web-1.north.demo.test"
SYSTEM = Actor.system("test")


class Killed(BaseException):
    """The worker is gone: nothing above may handle it."""


class Deadly:
    """A name server at whose n-th call the worker dies, before it is sent or after its answer."""

    def __init__(self, server: Any, when: str, number: int) -> None:
        self._server, self._when, self._left = server, when, number

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._server, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                raise Killed
            answer = method(*args, **kwargs)
            if self._left == 0:
                raise Killed
            return answer

        return call


@pytest.fixture
def machine(cloud: Cloud, names: Names) -> Deployment:
    return machine_named(cloud, "web-1")


def given_up(machine: Deployment) -> None:
    with tenant_scope(machine.tenant_id), transaction.atomic():
        names_give_up(machine.pk, actor=SYSTEM)


def killed_at(monkeypatch: pytest.MonkeyPatch, when: str, number: int) -> bool:
    """Works until the n-th call to the name server kills the worker; says whether it got that far."""
    with monkeypatch.context() as patch:
        deadly: dict[str, Deadly] = {}

        def server_of(zone: DnsZone) -> Any:
            found = deadly.get("one")
            if found is None:
                found = deadly["one"] = Deadly(servers.name_server_of(zone), when, number)
            return found

        patch.setattr(steps, "name_server_of", server_of)
        try:
            run_until_idle()
        except Killed:
            return True
    return False


# The first call (a look) and the first that writes; `make soak` plays all.
SHORT = {("before", 1), ("before", 2), ("after", 2)}


@pytest.mark.parametrize(
    ("when", "number"),
    [
        pytest.param(when, number, marks=() if (when, number) in SHORT else pytest.mark.soak)
        for when in ("before", "after")
        for number in (1, 2, 3, 4)
    ],
)
def test_killed_at_a_call_the_name_is_set_once_and_removed_whole(
    machine: Deployment,
    names: Names,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    number: int,
) -> None:
    names.addressed(machine, "10.0.0.7")
    assert killed_at(monkeypatch, when, number)
    leases_expire()
    run_until_idle()
    assert names.states(machine) == {"A": "active", "PTR": "active"}
    assert names.asked(WEB) == ("10.0.0.7",)

    given_up(machine)
    assert killed_at(monkeypatch, when, number)
    leases_expire()
    run_until_idle()
    assert names.states(machine) == {"A": "removed", "PTR": "removed"}
    assert names.asked(WEB) == ("NXDOMAIN",)


def test_a_worker_process_killed_for_real_is_survived(machine: Deployment, names: Names) -> None:
    names.addressed(machine, "10.0.0.7")
    with worker_process(FAILPOINT="engine:saved:1") as process:
        assert process.wait(timeout=60) == 137
    leases_expire()
    run_until_idle()
    assert names.asked(WEB) == ("10.0.0.7",)


def test_one_of_many_at_once_gets_a_name(cloud: Cloud, names: Names) -> None:
    results = at_once(8, lambda n: requested(cloud, f"web-{n}", hostname="app.demo.test"))
    assert results == {"ok": 1, "DeploymentInvalid": 7}
    assert Deployment.across_tenants.count() == 1


def test_a_silent_server_is_told_waited_for_and_costs_no_try(
    machine: Deployment, names: Names
) -> None:
    names.process.stop()
    try:
        names.addressed(machine, "10.0.0.7")
        for _ in range(3):
            drain("cloudpods", desk=TestDesk())
        record = names.records(machine)["A"]
        waiting = Operation.across_tenants.filter(type="dns.create", target_id=record.pk).get()
        assert (record.status, record.attention["code"]) == ("pending", "server_silent")
        assert (waiting.status, waiting.attempts) == ("pending", 1)
    finally:
        names.process.start()
    run_until_idle()
    assert (names.records(machine)["A"].attention, names.asked(WEB)) == (None, ("10.0.0.7",))


@pytest.fixture
def twin(world: World, monkeypatch: pytest.MonkeyPatch) -> FakeNameServer:
    """A server in memory behind the default zone."""
    DnsZoneFactory(server=DnsServerFactory(), name="demo.test", is_default=True)
    fake = FakeNameServer()
    fake.zone_ensure("demo.test", nameservers=())
    monkeypatch.setattr(steps, "name_server_of", lambda _zone: fake)
    return fake


def held(fake: FakeNameServer) -> tuple[str, ...]:
    found = fake.zones["demo.test"].get((WEB, "A"))
    return found.contents if found else ()


@pytest.mark.parametrize(
    ("error", "takes_effect"),
    [
        (Ambiguous("lost"), True),
        (Ambiguous("lost"), False),
        (MalformedAnswer("nonsense"), True),
        (ServerUnreachable("down"), False),
    ],
)
@pytest.mark.parametrize("method", ["record_set", "record_set_write"])
def test_a_faulty_call_ends_in_the_right_record(
    cloud: Cloud,
    twin: FakeNameServer,
    error: ProviderError,
    method: str,
    takes_effect: bool,
) -> None:
    machine = machine_named(cloud, "web-1")
    twin.fail_next(method, error, takes_effect=takes_effect and method != "record_set")
    Names.addressed_only(machine, "10.0.0.7")
    run_until_idle()
    assert held(twin) == ("10.0.0.7",)
    twin.fail_next("record_set_delete", error, takes_effect=takes_effect)
    given_up(machine)
    run_until_idle()
    assert held(twin) == ()


def test_a_refused_key_is_told_and_set_again_by_a_person(
    cloud: Cloud, twin: FakeNameServer
) -> None:
    machine = machine_named(cloud, "web-1")
    twin.fail_next("record_set", AccessRefused("the name server refuses the key"))
    Names.addressed_only(machine, "10.0.0.7")
    run_until_idle()
    record = Names.records_of(machine)["A"]
    assert (record.status, record.attention["code"]) == ("error", "refused_by_name_server")
    with tenant_scope(machine.tenant_id), transaction.atomic():
        records.record_set_again(
            actor=cloud.world.actor("ops"), deployment_id=machine.pk, record_id=record.pk
        )
    run_until_idle()
    assert held(twin) == ("10.0.0.7",)


def compared(*, minutes: int = 0) -> None:
    """A moment when zones are due, and workers after it."""
    with clock.travelled(timedelta(minutes=minutes)):
        checks_schedule()
        run_until_idle()


@pytest.fixture
def settled(machine: Deployment, names: Names) -> Deployment:
    """A machine whose name is set."""
    names.addressed(machine, "10.0.0.7")
    run_until_idle()
    return machine


def test_a_name_changed_at_the_server_is_found_and_set_again(
    settled: Deployment, names: Names
) -> None:
    record = names.records(settled)["A"]
    mark = f"uhub deployment={settled.pk} record={record.pk}"
    names.process.write("demo.test", WEB, "A", "192.0.2.1", mark=mark)
    compared()
    record = names.records(settled)["A"]
    assert (record.status, record.attention["code"], record.found) == (
        "error",
        "changed_at_server",
        ["192.0.2.1"],
    )
    with tenant_scope(settled.tenant_id), transaction.atomic():
        records.record_set_again(
            actor=names.world.actor("ops"), deployment_id=settled.pk, record_id=record.pk
        )
    run_until_idle()
    assert (names.states(settled)["A"], names.asked(WEB)) == ("active", ("10.0.0.7",))


@pytest.mark.parametrize(
    ("hand", "code"),
    [("erase", "missing_at_server"), ("write", "taken_at_server")],
)
def test_other_hands_at_the_server_are_found(
    settled: Deployment, names: Names, hand: str, code: str
) -> None:
    more = ("10.0.0.7",) if hand == "write" else ()
    getattr(names.process, hand)("demo.test", WEB, "A", *more)
    compared()
    assert names.records(settled)["A"].attention["code"] == code


def test_what_is_right_again_needs_nobody(settled: Deployment, names: Names) -> None:
    names.process.erase("demo.test", WEB, "A")
    compared()
    record = names.records(settled)["A"]
    wanted = steps.wanted_of(record)
    names.process.write("demo.test", WEB, "A", "10.0.0.7", mark=wanted.mark, ttl=300)
    compared(minutes=20)
    record = names.records(settled)["A"]
    assert (record.status, record.attention) == ("active", None)


def test_a_name_left_to_the_server_stays_there(settled: Deployment, names: Names) -> None:
    names.process.write("demo.test", WEB, "A", "192.0.2.1", mark="mine")
    compared()
    with tenant_scope(settled.tenant_id), transaction.atomic():
        records.record_let_go(
            actor=names.world.actor("ops"),
            deployment_id=settled.pk,
            record_id=names.records(settled)["A"].pk,
        )
    run_until_idle()
    assert (names.states(settled)["A"], names.asked(WEB)) == ("removed", ("192.0.2.1",))


def test_what_stayed_behind_of_a_gone_machine_is_removed(settled: Deployment, names: Names) -> None:
    record = names.records(settled)["A"]
    mark = steps.wanted_of(record).mark
    given_up(settled)
    run_until_idle()
    names.process.write("demo.test", WEB, "A", "10.0.0.7", mark=mark)
    compared()
    assert names.asked(WEB) == ("NXDOMAIN",)


def test_marks_nobody_knows_are_told_and_left(names: Names) -> None:
    mark = (
        "uhub deployment=01920000-0000-7000-8000-000000000001 "
        "record=01920000-0000-7000-8000-000000000002"
    )
    names.process.write("demo.test", "old.demo.test", "A", "10.0.0.9", mark=mark)
    compared()
    zone = DnsZone.objects.using("platform").get(name="demo.test")
    assert (zone.attention["code"], names.asked("old.demo.test")) == (
        "strange_marks",
        ("10.0.0.9",),
    )


def test_a_silent_resolver_changes_no_record(settled: Deployment, names: Names) -> None:
    names.server.resolver = "127.0.0.1:9"
    names.server.save(using="platform")
    compared()
    zone = DnsZone.objects.using("platform").get(name="demo.test")
    assert (zone.attention["code"], names.states(settled)["A"]) == ("resolver_silent", "active")


def test_a_zone_that_is_missing_is_made_by_its_check(names: Names) -> None:
    zone = DnsZoneFactory(server=names.server, name="new.test")
    compared()
    zone.refresh_from_db(using="platform")
    assert (zone.attention, names.asked("new.test", "NS")) == (None, ("ns1.demo.test.",))


def test_a_server_that_is_down_is_noted_and_nothing_is_concluded(
    settled: Deployment, names: Names
) -> None:
    names.process.stop()
    try:
        compared()
    finally:
        names.process.start()
    zone = DnsZone.objects.using("platform").get(name="demo.test")
    assert (zone.attention["code"], names.states(settled)["A"]) == ("not_compared", "active")
