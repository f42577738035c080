"""The daemon's limits, its formatters, and what it does with odd requests."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
import requests

from tests.simulator import PATIENCE_S, TOKENS, SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
AUTH = {"Authorization": f"PVEAPIToken=uhub@pve!portal={TOKENS['uhub@pve!portal']}"}
RELAXED = {
    "keep_alive_requests": 100, "worker_requests": 1000, "workers": 3, "max_connections": 500,
    "idle_s": 5.0, "daemon_workers": 0,
}  # fmt: skip


@pytest.fixture
def limited() -> Iterator[SimulatorProcess]:
    """A daemon of its own: nobody else's connections count."""
    with SimulatorProcess(fixture="demo", time_scale=50) as process:
        yield process


def _secured(simulator: SimulatorProcess) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=simulator.ca_file)
    plain = socket.create_connection((simulator.host, simulator.port), timeout=PATIENCE_S)
    return context.wrap_socket(plain, server_hostname="localhost")


def _raw(simulator: SimulatorProcess, head: str, body: str = "") -> HTTPResponse:
    """A request the client library would never send."""
    with _secured(simulator) as secured:
        secured.sendall(f"{head}\r\nHost: x\r\n{body}".encode())
        answer = HTTPResponse(secured)
        answer.begin()
        answer.body = answer.read().decode()  # type: ignore[attr-defined]
        return answer


def _version(connection: HTTPConnection) -> tuple[int, str | None]:
    connection.request("GET", "/api2/json/version", headers=AUTH)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers["Connection"]


def _connected(simulator: SimulatorProcess) -> HTTPConnection:
    connection = HTTPConnection(simulator.host, simulator.port, timeout=PATIENCE_S)
    connection.sock = _secured(simulator)
    connection.auto_open = 0
    return connection


def test_the_limits_are_those_of_the_original(demo: SimulatorProcess) -> None:
    assert demo.control("POST", "/limits", {}) == RELAXED


def test_an_unknown_limit_is_refused(demo: SimulatorProcess) -> None:
    answer = requests.post(f"{demo.control_url}/limits", json={"bogus": 1}, timeout=PATIENCE_S)

    assert (answer.status_code, answer.json()) == (400, {"error": "unknown limits: bogus"})


def test_a_worker_goes_after_its_share_and_takes_idle_connections_along(
    limited: SimulatorProcess,
) -> None:
    limited.control("POST", "/limits", {"worker_requests": 4, "workers": 1})
    idle, busy = _connected(limited), _connected(limited)
    assert _version(idle) == (200, "Keep-Alive")
    seen = [_version(busy)[1] for _ in range(3)]

    assert seen == ["Keep-Alive", "Keep-Alive", "close"]
    assert idle.sock.recv(1) == b""


def test_an_idle_connection_is_closed_without_a_word(limited: SimulatorProcess) -> None:
    limited.control("POST", "/limits", {"idle_s": 0.2})
    connection = _connected(limited)
    started = time.monotonic()
    assert _version(connection) == (200, "Keep-Alive")

    assert connection.sock.recv(1) == b""
    assert time.monotonic() - started >= 0.2


def test_a_connection_in_use_is_not_idle(limited: SimulatorProcess) -> None:
    """Asked again within the time, it outlives the end of the time after its first answer."""
    limited.control("POST", "/limits", {"idle_s": 1.0})
    connection = _connected(limited)
    assert _version(connection)[0] == 200
    limited.control("POST", "/limits", {"idle_s": 60})
    ended = time.monotonic() + 1.1
    assert _version(connection)[0] == 200
    wait_until(lambda: time.monotonic() > ended)

    assert _version(connection)[0] == 200


def test_connections_beyond_the_limit_wait_for_a_place(limited: SimulatorProcess) -> None:
    limited.control("POST", "/limits", {"max_connections": 2, "idle_s": 0.5})
    first = _connected(limited)
    started = time.monotonic()
    assert _version(first) == (200, "Keep-Alive")
    _held = _connected(limited)

    assert _version(_connected(limited))[0] == 200
    assert time.monotonic() - started >= 0.5


def test_three_slow_calls_block_every_protected_call_of_the_node(
    limited: SimulatorProcess,
) -> None:
    limited.run("POST", PVE1, {"vmid": 600})
    limited.control("POST", "/limits", {"daemon_workers": 3})
    limited.control("POST", "/storage", {"name": "local", "alloc_s": 20.0})
    limited.control("POST", "/clock", {"scale": 0.001})

    def allocate(number: int) -> int:
        values = {f"scsi{number}": "local:1"}
        return limited.api("PUT", f"{PVE1}/600/config", values).status_code

    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(allocate, number) for number in range(3)]
        wait_until(lambda: sum(e["status"] is None for e in limited.mutations()) == 3)
        blocked = pool.submit(limited.api, "GET", PVE1)
        wait_until(lambda: limited.log()[-1]["path"] == PVE1)
        assert limited.api("GET", "/version").status_code == 200
        assert [entry["status"] for entry in limited.log()[-2:]] == [None, 200]

        limited.control("POST", "/clock", {"scale": 20})
        assert blocked.result().status_code == 200
        assert {future.result() for future in slow} <= {200, 500}


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "OPTIONS"])
def test_an_unknown_method_is_not_available(demo: SimulatorProcess, method: str) -> None:
    answer = demo.api(method, "/version", token="")

    assert (answer.status_code, answer.reason) == (501, f"method '{method}' not available")


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/api2/xml/version", 501, "no formatter for uri /version, xml"),
        ("/api2/", 501, "no such uri"),
        ("/nothing.js", 500, "no such file '/nothing.js'"),
    ],
)
def test_what_is_no_part_of_the_api_is_told_in_plain_text(
    demo: SimulatorProcess, path: str, status: int, reason: str
) -> None:
    answer = requests.get(demo.url + path, headers=AUTH, verify=demo.ca_file, timeout=PATIENCE_S)

    assert (answer.status_code, answer.reason, answer.text) == (status, reason, reason)


def test_who_asks_is_looked_at_before_the_formatter(demo: SimulatorProcess) -> None:
    answer = requests.get(f"{demo.url}/api2/xml/version", verify=demo.ca_file, timeout=PATIENCE_S)

    assert (answer.status_code, answer.reason) == (401, "No ticket")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_where_none_may_be_is_refused(demo: SimulatorProcess, method: str) -> None:
    answer = demo.api(method, f"{PVE1}/9005", data="purge=1")

    words = f"Unexpected content for method '{method}'"
    assert (answer.status_code, answer.reason, answer.text) == (501, words, words)


def test_a_body_of_an_unknown_kind_is_refused(demo: SimulatorProcess) -> None:
    headers = {"Content-Type": "text/xml; charset=utf-8"}

    answer = demo.api("POST", PVE1, data="<x/>", headers=headers)

    words = "upload 'Content-Type 'text/xml; charset=utf-8' not implemented"
    assert (answer.status_code, answer.reason, answer.text) == (506, words, words)


def test_an_unknown_transfer_encoding_is_refused(demo: SimulatorProcess) -> None:
    answer = _raw(
        demo, "POST /api2/json/version HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )

    assert (answer.status, answer.reason) == (501, "chunked transfer encoding not supported")


def test_a_request_cut_off_in_its_body_does_nothing(demo: SimulatorProcess) -> None:
    position = demo.log_position()
    head = f"POST /api2/json{PVE1} HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTH['Authorization']}"
    with _secured(demo) as secured:
        secured.sendall(f"{head}\r\nContent-Length: 30\r\n\r\nvmid=600&name=cut".encode())
        wait_until(lambda: len(demo.mutations(position)) == 1)
    wait_until(lambda: demo.mutations(position)[0]["status"] is not None)

    entry = demo.mutations(position)[0]
    assert (entry["status"], entry["reason"]) == (0, "CutOffError")
    assert 600 not in {vm["vmid"] for vm in demo.state()["vms"]}


def test_too_many_header_lines_end_the_connection(demo: SimulatorProcess) -> None:
    with pytest.raises(requests.ConnectionError):
        demo.api("GET", "/version", headers={f"X-{number}": "1" for number in range(64)})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/version", {"success": 1}),
        (f"{PVE1}/555/config", {"success": 0, "status": 500}),
        (f"{PVE1}?bogus=1", {"success": 0, "status": 400}),
    ],
)
def test_extjs_always_answers_200(
    demo: SimulatorProcess, path: str, expected: dict[str, int]
) -> None:
    url = f"{demo.url}/api2/extjs{path}"

    answer = requests.get(url, headers=AUTH, verify=demo.ca_file, timeout=PATIENCE_S)

    assert (answer.status_code, answer.reason) == (200, "OK")
    assert {key: answer.json()[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("path", "status", "shown"),
    [
        ("/version", 200, "&quot;release&quot;"),
        (f"{PVE1}/555/config", 500, "Error 500: Configuration file"),
    ],
)
def test_html_is_a_page_for_people(
    demo: SimulatorProcess, path: str, status: int, shown: str
) -> None:
    url = f"{demo.url}/api2/html{path}"

    answer = requests.get(url, headers=AUTH, verify=demo.ca_file, timeout=PATIENCE_S)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html;charset=UTF-8"
    assert shown in answer.text


def test_png_is_a_picture_of_nothing(demo: SimulatorProcess) -> None:
    url = f"{demo.url}/api2/png/version"

    answer = requests.get(url, headers=AUTH, verify=demo.ca_file, timeout=PATIENCE_S)

    assert (answer.headers["Content-Type"], answer.content) == ("image/png", b"")


def test_answers_have_no_order_of_keys(demo: SimulatorProcess) -> None:
    seen = {demo.api("GET", "/version").text for _ in range(40)}

    assert len(seen) > 1


def test_answers_are_not_to_be_kept(demo: SimulatorProcess) -> None:
    headers = demo.api("GET", "/version").headers

    assert headers["Cache-Control"] == "max-age=0"
    assert headers["Pragma"] == "no-cache"
    assert "Expires" in headers
    assert "Date" in headers


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"newid": 500, "full": True, "bogus": 1}, {"bogus"}),
        ({"newid": "abc", "full": "yes"}, {"newid", "full"}),
        ({"newid": 500, "name": True, "bogus": 1}, {"bogus", "name"}),
        ({"newid": [500, 501]}, {"newid"}),
        ({"newid": None}, {"newid"}),
    ],
)
def test_a_json_body_keeps_its_types(
    demo: SimulatorProcess, body: dict[str, Any], errors: set[str]
) -> None:
    answer = demo.api("POST", f"{PVE1}/9005/clone", json=body)

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == errors


def test_a_repeated_key_is_a_list_where_none_may_be(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", f"{PVE1}/9005/clone?newid=500&newid=501")

    assert answer.json()["errors"] == {"newid": "type check ('integer') failed - got ARRAY"}


def test_conflicts_with_the_path_come_before_rights(wire: SimulatorProcess) -> None:
    answer = wire.api("POST", f"{PVE1}/101/clone", {"vmid": 5}, token="prov@pve!sim")

    words = "duplicate parameter (already defined in URI) with conflicting values!"
    assert (answer.status_code, answer.json()["errors"]) == (400, {"vmid": words})


def test_an_unknown_node_is_looked_up_before_parameters_are(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", "/nodes/pve9/qemu", {"bogus": 1})

    words = "failed to get address info for: pve9: Name or service not known"
    assert (answer.status_code, answer.reason) == (500, f"hostname lookup 'pve9' failed - {words}")


def test_before_8_3_errors_have_no_text_in_their_body() -> None:
    with SimulatorProcess(fixture="wire", options=("--pve-version", "8.2.4")) as old:
        answer = old.api("GET", f"{PVE1}/777/config", token="prov@pve!full")
        release = old.api("GET", "/version", token="prov@pve!full").json()["data"]["release"]

    assert (answer.json(), release) == ({"data": None}, "8.2")
    assert answer.reason == "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist"
