from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from integrations.base.errors import (
    AccessRefused,
    Ambiguous,
    NotExecuted,
    Permanent,
    ProviderError,
    Unavailable,
)
from integrations.base.registry import GateClosed, HostLimits, HostRegistry
from integrations.proxmox.errors import (
    CertificateRefused,
    GuestAbsent,
    HostUnreachable,
    InvalidInput,
    NodeUnreachable,
)
from integrations.proxmox.transport import ProxmoxEndpoint, ProxmoxTransport
from tests.integrations.proxmox.conftest import endpoint_make, transport_make
from tests.integrations.proxmox.scripted import (
    Certificate,
    Reply,
    Request,
    ScriptedApi,
    certificate_make,
    refusal,
    scripted_api,
    unused_address,
)


def always(reply: Reply):
    return lambda _: reply


def once(first: Reply, then: Reply):
    replies = iter([first])
    return lambda _: next(replies, then)


@pytest.fixture
def transport(api: ScriptedApi) -> ProxmoxTransport:
    return transport_make(api)


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
        deadline = time.monotonic() + 5
        while api.in_flight < 4 and time.monotonic() < deadline:
            time.sleep(0.005)
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


def test_write_without_an_answer_in_time_is_ambiguous(
    api: ScriptedApi, transport: ProxmoxTransport
) -> None:
    release = threading.Event()
    api.script = always(Reply(wait=release))
    with pytest.raises(Ambiguous):
        transport.write("POST", "x")
    release.set()
    assert len(api.requests) == 1


def test_read_without_an_answer_in_time_is_unavailable(
    api: ScriptedApi, transport: ProxmoxTransport
) -> None:
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
            transport.read("agent", timeout_s=0.02)
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


@pytest.mark.parametrize("method", ["read", "write"])
def test_next_host_is_asked_when_one_refuses_connections(method: str, api: ScriptedApi) -> None:
    transport = transport_make(unused_address(), api)
    api.script = always(Reply(data=5))
    answer = transport.read("version") if method == "read" else transport.write("POST", "x")
    assert (answer, len(api.requests)) == (5, 1)


def test_host_that_answered_is_asked_first_from_then_on(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        transport = transport_make(api, second)
        api.script = always(Reply(is_dropped=True))
        transport.read("version")
        transport.read("version")
        assert (len(api.requests), len(second.requests)) == (2, 2)


def test_lost_write_does_not_go_to_the_next_host(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        api.script = always(Reply(is_dropped=True))
        with pytest.raises(Ambiguous):
            transport_make(api, second).write("POST", "x")
        assert second.requests == []


def test_read_goes_to_the_next_host_when_a_gateway_has_no_api_behind_it(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        api.script = always(Reply(status=502, reason="Bad Gateway", body=b"<html>"))
        second.script = always(Reply(data=9))
        assert transport_make(api, second).read("version") == 9


def test_unreachable_node_is_not_asked_through_another_host(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        api.script = always(Reply(status=595, reason="No route to host", body=b""))
        with pytest.raises(NodeUnreachable, match="No route to host"):
            transport_make(api, second).write("POST", "x")
        assert second.requests == []


def test_ca_of_somebody_else_is_refused_before_anything_is_sent(
    api: ScriptedApi, tmp_path: Path
) -> None:
    other = certificate_make(tmp_path, "other")
    with pytest.raises(CertificateRefused):
        transport_make(api, ca_pem=other.ca_pem).write("POST", "x")
    assert api.requests == []


def test_pinned_certificate_is_accepted(api: ScriptedApi, certificate: Certificate) -> None:
    transport = transport_make(api, fingerprints=(certificate.fingerprint,))
    api.script = always(Reply(data=3))
    assert transport.read("version") == 3


def test_another_certificate_than_the_pinned_one_is_refused_unsent(api: ScriptedApi) -> None:
    with pytest.raises(CertificateRefused):
        transport_make(api, fingerprints=("AA:" * 31 + "AA",)).write("POST", "x")
    assert api.requests == []


def test_redirect_is_not_followed(
    api: ScriptedApi, transport: ProxmoxTransport, certificate: Certificate
) -> None:
    with scripted_api(certificate) as elsewhere:
        location = {"Location": f"https://{elsewhere.address}/"}
        api.script = always(Reply(status=302, reason="Found", headers=location))
        with pytest.raises(Permanent, match="redirects"):
            transport.write("POST", "x")
        assert elsewhere.requests == []


REFUSALS: list[tuple[Reply, type[ProviderError], str]] = [
    (Reply(status=401, reason="No ticket", body=b""), AccessRefused, "No ticket"),
    (refusal(403, "Permission check failed"), AccessRefused, "Permission check failed"),
    (refusal(500, "x", message="VM is locked (backup)\n"), NotExecuted, "locked \\(backup\\)"),
    (
        Reply(status=500, reason="VM is locked (backup)", body=b'{"data":null}'),
        NotExecuted,
        "locked \\(backup\\)",
    ),
    (Reply(status=500, reason="Oops", body=b"<html>"), Ambiguous, "Oops"),
    (Reply(status=200, body=b"<html>welcome</html>"), Ambiguous, "not from the API"),
    (Reply(status=200, body=b'{"message":"hi"}'), Ambiguous, "no data"),
    (Reply(status=200, body=b'["data"]'), Ambiguous, "no data"),
    (Reply(status=304, reason="Not Modified", body=b""), Ambiguous, "not from the API"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), REFUSALS)
def test_answer_to_a_write_becomes_an_error_class(
    reply: Reply,
    kind: type[ProviderError],
    words: str,
    api: ScriptedApi,
    transport: ProxmoxTransport,
) -> None:
    api.script = always(reply)
    with pytest.raises(kind, match=words):
        transport.write("POST", "x")


def test_field_errors_reach_the_caller(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    errors = {"newid": "type check ('integer') failed - got 'abc'"}
    api.script = always(refusal(400, "Parameter verification failed.", errors=errors))
    with pytest.raises(InvalidInput) as caught:
        transport.write("POST", "x")
    assert caught.value.fields == errors


def test_absence_is_recognised_on_the_wire(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    text = "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist"
    api.script = always(refusal(500, text))
    with pytest.raises(GuestAbsent):
        transport.read("nodes", "pve1", "qemu", 777, "config")


class Recorder:
    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []

    def before(self, method: str, path: str) -> None:
        self.events.append(("before", method, path))

    def after(self, method: str, path: str, outcome: str) -> None:
        self.events.append(("after", method, path, outcome))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(ProxmoxTransport, "observer", recorder)
    return recorder


def test_observer_sees_a_call_before_and_after(
    api: ScriptedApi, transport: ProxmoxTransport, recorder: Recorder
) -> None:
    transport.write("POST", "nodes", "pve1", "qemu", 101, "clone")
    path = "/nodes/pve1/qemu/101/clone"
    assert recorder.events == [("before", "POST", path), ("after", "POST", path, "ok")]


def test_observer_sees_the_class_of_a_failure(
    api: ScriptedApi, transport: ProxmoxTransport, recorder: Recorder
) -> None:
    api.script = always(Reply(status=596, reason="Connection timed out", body=b""))
    with pytest.raises(Ambiguous):
        transport.write("POST", "x")
    assert recorder.events[-1] == ("after", "POST", "/x", "Ambiguous")


def test_observer_that_raises_before_keeps_the_call_from_being_sent(
    api: ScriptedApi, transport: ProxmoxTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kill(Recorder):
        def before(self, method: str, path: str) -> None:
            raise SystemExit(9)

    monkeypatch.setattr(ProxmoxTransport, "observer", Kill())
    with pytest.raises(SystemExit):
        transport.write("POST", "x")
    assert api.requests == []


def test_registry_is_shared_by_transports_of_one_host(api: ScriptedApi) -> None:
    registry = HostRegistry(HostLimits(failures_to_open=1))
    api.script = always(Reply(is_dropped=True))
    with pytest.raises(Ambiguous):
        transport_make(api, registry=registry).write("POST", "x")
    with pytest.raises(GateClosed):
        transport_make(api, registry=registry).read("version")


@pytest.mark.parametrize(
    "changes",
    [
        {"hosts": ()},
        {"token_id": "root@pam"},
        {"token_id": "no realm!x"},
        {"ca_pem": None},
        {"fingerprints": ("AA:" * 31 + "AA",), "ca_pem": "both"},
        {"fingerprints": (), "ca_pem": ""},
        {"fingerprints": ("AA:" * 31 + "AA",) * 2},
    ],
)
def test_endpoint_that_cannot_work_is_refused(changes: dict[str, object], api: ScriptedApi) -> None:
    with pytest.raises(Permanent):
        endpoint_make(api, **changes)


def test_ca_that_is_none_is_refused(api: ScriptedApi) -> None:
    with pytest.raises(Permanent, match="CA certificate"):
        transport_make(api, ca_pem="-----BEGIN NONSENSE").read("version")


def test_fingerprint_that_is_none_is_refused(api: ScriptedApi) -> None:
    with pytest.raises(Permanent, match="SHA-256"):
        transport_make(api, fingerprints=("AA:BB",)).read("version")


def test_endpoint_hides_its_secret(api: ScriptedApi) -> None:
    assert "22222222" not in repr(endpoint_make(api))


def test_addresses_take_the_common_port_unless_they_name_one() -> None:
    endpoint = ProxmoxEndpoint(
        hosts=("pve1", "10.0.0.2:443", "pve3.example"),
        token_id="prov@pve!full",
        token_secret="c",
        ca_pem="x",
    )
    assert endpoint.addresses == ("pve1:8006", "10.0.0.2:443", "pve3.example:8006")
