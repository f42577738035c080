from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.base.errors import Ambiguous, NotExecuted, Permanent, Unavailable
from integrations.base.registry import GateClosed
from integrations.proxmox.errors import HostUnreachable
from integrations.proxmox.transport import ProxmoxTransport
from tests.integrations.proxmox.conftest import HASTY, transport_make
from tests.integrations.proxmox.scripted import (
    Reply,
    Request,
    ScriptedApi,
    always,
    once,
    unused_address,
)
from tests.simulator import wait_until


def test_token_goes_into_the_header(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    transport.read("version")
    assert api.requests[0].authorization == (
        "PVEAPIToken=prov@pve!full=22222222-2222-2222-2222-222222222222"
    )


def test_delete_sends_its_parameters_in_the_query(
    api: ScriptedApi, transport: ProxmoxTransport
) -> None:
    transport.write("DELETE", "nodes", "pve1", "qemu", 101, params={"purge": True, "skip": None})
    assert api.requests == [
        Request("DELETE", "/nodes/pve1/qemu/101", {"purge": "1"}, api.requests[0].authorization)
    ]


def test_booleans_are_sent_as_one_and_zero(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    transport.write("POST", "x", params={"full": True, "force": False})
    assert api.requests[0].params == {"full": "1", "force": "0"}


def test_equal_signs_in_values_arrive_whole(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    transport.write("PUT", "x", params={"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"})
    assert api.requests[0].params == {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}


@pytest.mark.parametrize("part", ["../../access", "a/b", "..%2f"])
def test_no_value_can_leave_its_part_of_the_path(
    part: str, api: ScriptedApi, transport: ProxmoxTransport
) -> None:
    transport.read("nodes", part, "status")
    assert api.requests[0].path.count("/") == 3


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_empty_part_of_a_path_is_refused_unsent(
    part: str, api: ScriptedApi, transport: ProxmoxTransport
) -> None:
    with pytest.raises(Permanent):
        transport.read("nodes", part, "status")
    assert api.requests == []


def test_environment_proxies_are_ignored(
    api: ScriptedApi, transport: ProxmoxTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{unused_address()}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    assert transport.read("version") is None


def test_warm_calls_make_no_new_connection(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    for _ in range(20):
        transport.read("version")
        transport.write("POST", "x")
    assert (len(api.requests), api.connections) == (40, 1)


def test_each_thread_has_one_connection(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    together = threading.Barrier(3)

    def work() -> None:
        for _ in range(3):
            together.wait(10)
            transport.read("version")

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work) for _ in range(3)]:
            future.result()
    assert (len(api.requests), api.connections) == (9, 3)


def test_no_more_than_four_calls_are_in_flight_at_one_host(api: ScriptedApi) -> None:
    transport = transport_make(api)
    release = threading.Event()
    api.script = always(Reply(wait=release))
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(transport.write, "POST", "x") for _ in range(8)]
        try:
            wait_until(lambda: api.in_flight == 4)
        finally:
            release.set()
        for future in futures:
            future.result()
    assert (api.most_in_flight, len(api.requests)) == (4, 8)


def test_write_after_a_long_silence_gets_a_new_connection(
    api: ScriptedApi, transport: ProxmoxTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport.read("version")
    monkeypatch.setattr("integrations.proxmox.transport._FRESH_FOR_S", 0.0)
    transport.write("POST", "x")
    assert api.connections == 2


def test_read_is_repeated_once_when_the_connection_was_dropped(
    api: ScriptedApi, transport: ProxmoxTransport
) -> None:
    api.script = once(Reply(is_dropped=True), Reply(data=7))
    assert transport.read("version") == 7
    assert len(api.requests) == 2


def test_read_is_not_repeated_twice(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    api.script = always(Reply(is_dropped=True))
    with pytest.raises(Unavailable):
        transport.read("version")
    assert len(api.requests) == 2


def test_write_on_a_dropped_connection_is_ambiguous_and_never_repeated(
    api: ScriptedApi, transport: ProxmoxTransport
) -> None:
    api.script = always(Reply(is_dropped=True))
    with pytest.raises(Ambiguous):
        transport.write("POST", "x")
    assert len(api.requests) == 1


def test_write_without_an_answer_in_time_is_ambiguous(api: ScriptedApi) -> None:
    transport = transport_make(api, timeouts=HASTY)
    release = threading.Event()
    api.script = always(Reply(wait=release))
    with pytest.raises(Ambiguous):
        transport.write("POST", "x")
    wait_until(lambda: len(api.requests) > 0)
    release.set()
    assert len(api.requests) == 1


def test_read_without_an_answer_in_time_is_unavailable(api: ScriptedApi) -> None:
    transport = transport_make(api, timeouts=HASTY)
    release = threading.Event()
    api.script = always(Reply(wait=release))
    with pytest.raises(Unavailable):
        transport.read("version")
    release.set()


def test_slow_probes_do_not_open_the_circuit(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    release = threading.Event()
    api.script = always(Reply(wait=release))
    for _ in range(4):
        with pytest.raises(HostUnreachable):
            transport.read("agent", timeout_s=0.25)
    release.set()
    api.script = always(Reply(data=1))
    assert transport.read("version") == 1


def test_connection_refused_means_not_executed() -> None:
    certificate = {"fingerprints": ("AA:" * 31 + "AA",)}
    transport = transport_make(unused_address(), **certificate)
    with pytest.raises(NotExecuted):
        transport.write("POST", "x")


def test_circuit_opens_after_three_refused_connections() -> None:
    transport = transport_make(unused_address(), fingerprints=("AA:" * 31 + "AA",))
    for _ in range(3):
        with pytest.raises(HostUnreachable):
            transport.write("POST", "x")
    with pytest.raises(GateClosed):
        transport.write("POST", "x")


def test_error_answers_keep_the_circuit_closed(
    api: ScriptedApi, transport: ProxmoxTransport
) -> None:
    api.script = always(Reply(status=596, reason="Connection timed out", body=b""))
    for _ in range(5):
        with pytest.raises(Ambiguous):
            transport.write("POST", "x")
    assert len(api.requests) == 5
