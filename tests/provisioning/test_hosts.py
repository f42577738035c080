from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from provisioning.models import MetricSample, MetricSubject, MonitoredHost
from provisioning.selectors.servers import server_list
from provisioning.services.hosts import portal_host_measure
from tests.api.conftest import caller_of
from tests.conftest import World

PROBE = Path(settings.BASE_DIR) / "deploy" / "probe" / "uhub_probe.py"
SAMPLE: dict[str, Any] = {
    "cpu_percent": 12.5,
    "memory_used": 6_000,
    "memory_size": 8_000,
    "system": "Linux 6.1",
}


def added(world: World, **fields: Any) -> tuple[str, str]:
    """A host of `north`: its id and its token."""
    ask = caller_of(world.people["ops"])
    body = orjson.loads(ask("post", "hosts", {"name": "db-1", **fields}).content)
    return body["id"], body["token"]


def say(token: str, body: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return Client().post(
        "/api/probes/samples",
        raw,
        content_type="application/json",
        headers={"X-Probe-Token": token},
    )


def test_a_probe_is_heard_with_its_token(world: World) -> None:
    key, token = added(world)
    assert say(token, SAMPLE).status_code == 202
    row = MetricSubject.across_tenants.get(pk=key)
    assert (row.cpu, row.memory, row.tenant_id) == (12.5, 75.0, world.north.pk)
    host = MonitoredHost.across_tenants.get(pk=key)
    assert host.system == "Linux 6.1"
    assert token not in str(vars(host))


def test_a_second_word_too_soon_is_told_to_wait(world: World) -> None:
    _key, token = added(world)
    say(token, SAMPLE)
    answer = say(token, SAMPLE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert MetricSample.across_tenants.count() == 1


@pytest.mark.parametrize("token", ["", "uhp_", "uhp_" + "x" * 43, "x" * 5000])
def test_whoever_has_no_token_is_not_heard(world: World, token: str) -> None:
    added(world)
    assert [say(token, body).status_code for body in (SAMPLE, {})] == [401, 401]
    assert MetricSample.across_tenants.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([1, 2], "non_field_errors"),
        ({}, "cpu_percent"),
        ({**SAMPLE, "cpu_percent": 101}, "cpu_percent"),
        ({**SAMPLE, "cpu_percent": True}, "cpu_percent"),
        ({**SAMPLE, "cpu_percent": "12"}, "cpu_percent"),
        ({**SAMPLE, "memory_used": -1}, "memory_used"),
        ({**SAMPLE, "memory_used": 9_000}, "memory_used"),
        ({**SAMPLE, "memory_used": 1.5}, "memory_used"),
        ({**SAMPLE, "net_in_total": 2**63}, "net_in_total"),
        ({**SAMPLE, "net_in_total": {"a": 1}}, "net_in_total"),
        ({**SAMPLE, "cpu_cores": 10**9}, "cpu_cores"),
    ],
)
def test_nonsense_of_a_probe_is_refused(world: World, body: Any, field: str) -> None:
    _key, token = added(world)
    answer = say(token, body)
    assert answer.status_code == 400
    assert orjson.loads(answer.content)["errors"][0]["attr"] == field
    assert MetricSample.across_tenants.count() == 0


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b'{"cpu_percent": NaN}', b"{" + b" " * 9000 + b"}"]
)
def test_what_is_no_sample_at_all_is_refused(world: World, body: bytes) -> None:
    _key, token = added(world)
    assert say(token, body).status_code == 400
    assert MetricSample.across_tenants.count() == 0


def test_the_name_of_a_system_is_cut_and_cleaned(world: World) -> None:
    key, token = added(world)
    say(token, {**SAMPLE, "system": "Lin\x00ux\x1b[31m" + "x" * 500, "more": ["ignored"]})
    system = MonitoredHost.across_tenants.get(pk=key).system
    assert system.startswith("Linux[31m")
    assert len(system) == 120


def test_a_token_ends_when_it_is_revoked_or_replaced(world: World) -> None:
    key, first = added(world)
    ask = caller_of(world.people["ops"])
    second = orjson.loads(ask("post", f"hosts/{key}/token").content)["token"]
    assert say(first, SAMPLE).status_code == 401
    assert ask("post", f"hosts/{key}/revoke").status_code == 200
    assert say(second, SAMPLE).status_code == 401
    assert ask("post", f"hosts/{key}/revoke").status_code == 409
    tags = Entry.objects.using("platform").filter(tag__startswith="host.").order_by("seq")
    assert list(tags.values_list("tag", flat=True)) == [
        "host.added",
        "host.token_made",
        "host.token_revoked",
    ]


def test_others_and_those_who_may_not_change_nothing(world: World) -> None:
    key, token = added(world)
    for person, status in ((world.stranger, 403), (world.people["viewer"], 403)):
        assert caller_of(person)("delete", f"hosts/{key}").status_code == status
        assert caller_of(person)("get", f"hosts/{key}").status_code == status
    assert say(token, SAMPLE).status_code == 202


def test_a_silent_host_is_offline(world: World) -> None:
    key, token = added(world)
    states = [one.state for one in server_list(actor=world.actor("ops")) if str(one.pk) == key]
    say(token, SAMPLE)
    MetricSubject.across_tenants.filter(pk=key).update(at=clock.now() - timedelta(minutes=2))
    client = Client()
    client.force_login(world.people["ops"])
    assert "Online" in client.get(f"/servers/host/{key}").content.decode()
    MetricSubject.across_tenants.filter(pk=key).update(at=clock.now() - timedelta(minutes=4))
    assert "Offline" in client.get(f"/servers/host/{key}").content.decode()
    assert states == []


def test_the_host_of_a_worker_is_measured_once_per_interval(world: World) -> None:
    portal_host_measure()
    portal_host_measure()
    host = MonitoredHost.across_tenants.get()
    assert (host.tenant_id, host.kind) == (PLATFORM_TENANT_ID, "portal")
    row = MetricSample.across_tenants.get(subject_id=host.pk)
    assert row.memory is not None
    assert 0 < row.memory < 100


def test_the_probe_itself_speaks_and_says_why_it_was_not_heard(
    world: World, live_server: Any
) -> None:
    key, token = added(world)
    environment = {
        **os.environ,
        "UHUB_PROBE_URL": f"{live_server.url}/api/probes/samples",
        "UHUB_PROBE_TOKEN": token,
    }
    command = [sys.executable, "-I", str(PROBE), "--once"]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (first.returncode, first.stderr) == (0, "")
    assert (again.returncode, "429" in again.stderr) == (1, True)
    assert token not in again.stderr
    row = MetricSubject.across_tenants.get(pk=key)
    assert row.memory_size is not None
    assert row.net_in_total is not None
