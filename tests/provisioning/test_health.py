"""Looks at machines: three values, counted only when known, in sets whatever their number."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from integrations.proxmox.interface import PowerState
from portal.kernel import clock
from portal.models import Notification, Operation
from provisioning.models import Cluster, Deployment, HealthObservation, HealthState, Node
from provisioning.services import health_checks, health_rows
from provisioning.services.observation import observation_schedule
from tests.conftest import World
from tests.provisioning.scenes import reloaded
from tests.provisioning.ward import Ward, health


@pytest.fixture
def ward(world: World) -> Ward:
    built = Ward(world)
    built.rule("auto_heal.enabled", False)
    return built


class Answers(BaseHTTPRequestHandler):
    """Answers the status that its server was told to."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's word
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.status = 200  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def probed(ward: Ward, port: int, **more: object) -> Deployment:
    """A machine whose service listens on this very host, in a network that may be asked."""
    ward.rule("health.networks", ["127.0.0.0/8"])
    probe = {"kind": "http", "port": port, "path": "/healthz", "timeout_s": 10} | more
    return ward.deployment(ip_addresses=["127.0.0.1"], health_probe=probe)


def test_a_machine_that_runs_is_well(ward: Ward) -> None:
    row = ward.deployment(health="unknown")
    ward.look()
    assert (health(row), ward.state(row).reason) == ("ok", "It runs.")


def test_a_machine_that_is_off_and_is_to_run_is_unwell_from_the_third_look_on(ward: Ward) -> None:
    row = ward.deployment()
    ward.fails(row)
    seen = []
    for _ in range(3):
        ward.look()
        seen.append((health(row), ward.state(row).bad_count))
    assert seen == [("degraded", 1), ("degraded", 2), ("failed", 3)]
    entry = Entry.objects.using("platform").get(tag="pod.health_failed")
    assert (entry.category, entry.detail) == ("health", {"message": "It is off, but it is to run."})
    notice = Notification.objects.using("platform").get(kind="health.failed")
    assert notice.user_id == row.owner_id


def test_a_machine_that_people_stopped_is_neither_well_nor_unwell(ward: Ward) -> None:
    row = ward.deployment(status="stopped", desired_power="stopped", health="ok")
    ward.look(4)
    assert (health(row), ward.state(row).verdict, ward.state(row).bad_count) == (
        "unknown",
        "idle",
        0,
    )


def test_unknown_never_counts_and_never_resets(ward: Ward) -> None:
    row = ward.deployment()
    ward.fails(row)
    ward.look(2)
    ward.power(row, PowerState.UNKNOWN)
    ward.look(5)
    assert (ward.state(row).bad_count, health(row)) == (2, "unknown")
    ward.fails(row)
    ward.look()
    assert (ward.state(row).bad_count, health(row)) == (3, "failed")


def test_a_machine_that_is_well_again_says_so_once(ward: Ward) -> None:
    row = ward.deployment()
    ward.fails(row)
    ward.look(4)
    ward.power(row, PowerState.RUNNING)
    ward.look(3)
    assert (health(row), ward.state(row).bad_count) == ("ok", 0)
    tags = Entry.objects.using("platform").filter(tag__startswith="pod.health_").order_by("pk")
    assert list(tags.values_list("tag", flat=True)) == ["pod.health_failed", "pod.health_recovered"]


@pytest.mark.parametrize("doubt", ["error", "old", "maintenance", "node", "busy"])
def test_what_cannot_be_believed_is_unknown(ward: Ward, doubt: str) -> None:
    row = ward.deployment()
    ward.look()
    ward.fails(row)
    ward.listed()
    clusters = Cluster.objects.using("platform").filter(pk=ward.cluster.pk)
    if doubt == "error":
        clusters.update(last_error="no answer")
    elif doubt == "old":
        clusters.update(last_seen_at=clock.now() - timedelta(minutes=5))
    elif doubt == "maintenance":
        clusters.update(is_in_maintenance=True)
    elif doubt == "node":
        Node.objects.using("platform").filter(name=row.node).update(is_in_maintenance=True)
    else:
        later = clock.now() + timedelta(hours=1)
        Operation.across_tenants.create(
            tenant_id=row.tenant_id,
            type="pod.resize",
            queue="cloudpods",
            target_id=row.pk,
            scheduled_at=later,
        )
    ward.look(4, is_listed=False)
    assert (ward.state(row).verdict, ward.state(row).bad_count, health(row)) == (
        "unknown",
        0,
        "unknown",
    )


def test_an_agent_counts_only_once_it_has_answered(ward: Ward) -> None:
    row = ward.deployment()
    ward.fake.agents[row.vmid] = False
    ward.look(4)
    assert health(row) == "ok"
    ward.fake.agents[row.vmid] = True
    old = [{**part, "at": "2020-01-01T00:00:00+00:00"} for part in ward.state(row).checks]
    HealthState.objects.using("platform").update(checks=old)
    ward.look()
    ward.fake.agents[row.vmid] = False
    ward.look(3)
    assert (health(row), ward.state(row).reason) == ("failed", "The guest agent has fallen silent.")


def test_an_agent_that_never_answered_is_asked_seldom(ward: Ward) -> None:
    ward.deployment()
    ward.look(5)
    asked = [call for call in ward.fake.calls if call.method == "agent_answers"]
    assert len(asked) == 1


def test_a_probe_that_is_answered_is_well(ward: Ward, service: ThreadingHTTPServer) -> None:
    row = probed(ward, service.server_port)
    ward.look()
    label = f"http :{service.server_port}/healthz answers."
    assert (health(row), ward.state(row).reason) == ("ok", label)


def test_a_wrong_status_is_unwell(ward: Ward, service: ThreadingHTTPServer) -> None:
    service.status = 503  # type: ignore[attr-defined]
    row = probed(ward, service.server_port)
    ward.look(3)
    label = f"http :{service.server_port}/healthz answers 503."
    assert (health(row), ward.state(row).reason) == ("failed", label)


def test_an_expected_status_is_the_only_right_one(ward: Ward, service: ThreadingHTTPServer) -> None:
    row = probed(ward, service.server_port, expected_status=204)
    ward.look()
    assert ward.state(row).verdict == "bad"


def test_a_service_that_answers_beside_a_silent_agent_is_degraded(
    ward: Ward, service: ThreadingHTTPServer
) -> None:
    row = probed(ward, service.server_port)
    ward.fake.agents[row.vmid] = True
    ward.look()
    ward.fake.agents[row.vmid] = False
    ward.look(4)
    assert (health(row), ward.state(row).bad_count) == ("degraded", 0)


def test_a_closed_port_is_unwell(ward: Ward) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        row = probed(ward, free.getsockname()[1])
        ward.look()
    assert ward.state(row).verdict == "bad"


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "8.8.8.8", "::1", "proxmox.local", "10.0.0.7"]
)
def test_an_address_outside_of_the_machines_networks_is_never_asked(
    ward: Ward, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> socket.socket:
        raise AssertionError("a connection was opened")

    row = probed(ward, 80)
    Deployment.across_tenants.filter(pk=row.pk).update(ip_addresses=[address])
    monkeypatch.setattr("integrations.base.http._connected", forbidden)
    ward.look(3)
    assert (ward.state(row).verdict, health(row)) == ("unknown", "unknown")


def test_looks_that_say_the_same_are_one_span(ward: Ward) -> None:
    row = ward.deployment()
    ward.look(3)
    ward.fails(row)
    ward.look(2)
    spans = HealthObservation.across_tenants.filter(deployment=row).order_by("pk")
    assert list(spans.values_list("verdict", "count")) == [("ok", 3), ("bad", 2)]


def test_spans_are_forgotten_after_their_time(ward: Ward) -> None:
    row = ward.deployment()
    ward.look()
    old = clock.now() - timedelta(hours=49)
    HealthObservation.objects.using("platform").update(seen_at=old)
    ward.fails(row)
    ward.look()
    assert health_rows.health_purge() == 1
    assert list(HealthObservation.across_tenants.values_list("verdict", flat=True)) == ["bad"]


@pytest.mark.usefixtures("lasting_memory")
def test_a_set_costs_the_same_statements_whatever_its_size(ward: Ward) -> None:
    def statements() -> int:
        ward.listed()
        health_checks.states_make(ward.cluster_now())
        with CaptureQueriesContext(connections["platform"]) as caught:
            health_checks.set_check(ward.cluster_now())
        return len(caught)

    ward.deployment("web-1", health="ok")
    first = statements()
    for number in range(2, 9):
        ward.deployment(f"web-{number}", health="ok")
    assert statements() == first


def test_one_operation_looks_at_all_machines_of_a_cluster_and_lists_nothing(ward: Ward) -> None:
    for number in range(5):
        ward.deployment(f"web-{number}")
    ward.listed()
    ward.fake.calls.clear()
    ward.look(is_listed=False)
    assert Operation.across_tenants.filter(type="pod.health.check").count() == 1
    assert {call.method for call in ward.fake.calls} == {"agent_answers"}


def test_a_look_under_way_does_not_hold_up_the_listing_of_its_cluster(ward: Ward) -> None:
    ward.deployment()
    health_checks.health_schedule()
    observation_schedule()
    types = Operation.across_tenants.order_by("type").values_list("type", flat=True)
    assert list(types) == ["cluster.observe", "pod.health.check"]


def test_a_machine_nobody_has_said_anything_of_is_wanted_to_run_once_it_was_seen_so(
    ward: Ward,
) -> None:
    row = ward.deployment(desired_power="")
    other = ward.deployment("web-2", status="stopped", desired_power="")
    ward.look()
    assert (reloaded(row).desired_power, reloaded(other).desired_power) == ("running", "")


def test_a_machine_that_is_missing_is_left_to_reconciliation(ward: Ward) -> None:
    alarm = {"code": "guest_missing", "message": "", "command": ""}
    row = ward.deployment(attention=alarm, health="failed")
    ward.look()
    assert health(row) == "failed"
