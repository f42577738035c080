from __future__ import annotations

import socket
import ssl
import time

import pytest
import requests

from tests.simulator import TOKENS, SimulatorProcess

PVE1 = "/nodes/pve1/qemu"


def _plain(simulator: SimulatorProcess, head: str) -> str:
    with socket.create_connection((simulator.host, simulator.port), timeout=60) as sock:
        sock.sendall(f"{head}\r\nHost: pve.example:8006\r\n\r\n".encode())
        return sock.recv(4096).decode()


@pytest.mark.parametrize(
    ("method", "status"), [("GET", "301 Moved Permanently"), ("POST", "308 Permanent Redirect")]
)
def test_plain_http_is_sent_to_https(demo: SimulatorProcess, method: str, status: str) -> None:
    answer = _plain(demo, f"{method} /api2/json/version HTTP/1.1")

    assert answer.startswith(f"HTTP/1.1 {status}\r\n")
    assert "Location: https://pve.example:8006/api2/json/version\r\n" in answer


def test_the_certificate_is_trusted_through_its_authority(demo: SimulatorProcess) -> None:
    context = ssl.create_default_context(cafile=demo.ca_file)

    with (
        socket.create_connection((demo.host, demo.port), timeout=60) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as secured,
    ):
        assert secured.version() == "TLSv1.3"


def test_nodes_show_the_fingerprint_a_client_can_pin(demo: SimulatorProcess) -> None:
    rows = demo.api("GET", "/nodes").json()["data"]

    assert {row["ssl_fingerprint"] for row in rows} == {demo.fingerprint}


def test_success_keeps_the_connection_and_says_who_answers(demo: SimulatorProcess) -> None:
    answer = demo.api("GET", "/version", headers={"Connection": "keep-alive"})

    assert answer.headers["Server"] == "pve-api-daemon/3.0"
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.headers["Connection"] == "Keep-Alive"


def test_every_error_closes_the_connection(demo: SimulatorProcess) -> None:
    answer = demo.api("GET", f"{PVE1}/777/config", headers={"Connection": "keep-alive"})

    assert answer.headers["Connection"] == "close"


def test_large_answers_are_compressed_on_request(demo: SimulatorProcess) -> None:
    answer = demo.api("GET", "/cluster/resources", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert {row["type"] for row in answer.json()["data"]} == {"pool", "qemu", "node", "storage"}


def test_a_refusal_takes_three_seconds(demo: SimulatorProcess) -> None:
    demo.control("POST", "/clock", {"scale": 10})
    started = time.monotonic()

    answer = demo.api("GET", "/version", token="")

    assert answer.status_code == 401
    assert time.monotonic() - started >= 0.29


def test_a_chunked_body_is_not_implemented(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", f"{PVE1}/9005/clone", data=iter([b"newid=500"]))

    assert (answer.status_code, answer.reason) == (501, "chunked transfer encoding not supported")


def test_a_body_above_512_kib_is_refused(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", f"{PVE1}/9005/clone", data="x=" + "y" * (512 * 1024))

    assert (answer.status_code, answer.reason) == (501, "for data too large")


def test_an_unescaped_equals_sign_cuts_the_value(demo: SimulatorProcess) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = demo.api("POST", PVE1, data="vmid=600&net0=virtio,bridge=vmbr0", headers=form)

    words = "invalid format - duplicate key in comma-separated list property: model\n"
    assert answer.json()["errors"] == {"net0": words}


def test_the_query_wins_over_the_body(demo: SimulatorProcess) -> None:
    answer = demo.api("POST", f"{PVE1}/9005/clone?newid=abc", {"newid": 500})

    assert answer.json()["errors"] == {"newid": "type check ('integer') failed - got 'abc'"}


def test_an_unreachable_node_answers_595_with_an_empty_body(wire: SimulatorProcess) -> None:
    answer = wire.api("GET", "/nodes/pve2/qemu", token="prov@pve!full")

    assert (answer.status_code, answer.reason, answer.text) == (595, "No route to host", "")


def test_a_machine_does_not_exist_on_another_node(demo: SimulatorProcess) -> None:
    answer = demo.api("GET", "/nodes/pve2/qemu/9005/config")

    assert answer.status_code == 500
    assert answer.reason == "Configuration file 'nodes/pve2/qemu-server/9005.conf' does not exist"


def test_a_token_without_rights_sees_an_empty_list(wire: SimulatorProcess) -> None:
    wire.foreign_vm(300)

    answer = wire.api("GET", PVE1, token="prov@pve!sim")

    assert (answer.status_code, answer.json()["data"]) == (200, [])


def test_an_unknown_pool_counts_as_a_missing_permission(wire: SimulatorProcess) -> None:
    answer = wire.api("POST", PVE1, {"vmid": 400, "pool": "nope"}, token="prov@pve!full")

    assert answer.reason == "Permission check failed (pool 'nope' does not exist)"


def test_a_token_may_read_its_own_permissions(demo: SimulatorProcess) -> None:
    held = demo.api("GET", "/access/permissions").json()["data"]

    assert "/" in held
    assert {"VM.Clone", "VM.Allocate", "VM.PowerMgmt", "Datastore.AllocateSpace"} <= set(held["/"])


def test_a_connection_serves_a_hundred_requests(demo: SimulatorProcess) -> None:
    token = {"Authorization": f"PVEAPIToken=uhub@pve!portal={TOKENS['uhub@pve!portal']}"}
    with requests.Session() as session:
        session.headers.update(token)
        answers = [
            session.get(f"{demo.url}/api2/json/version", verify=demo.ca_file) for _ in range(100)
        ]

    closing = [n for n, a in enumerate(answers, 1) if a.headers.get("Connection") == "close"]
    assert closing == [100]


def test_a_clone_needs_a_place_on_the_bridge(wire: SimulatorProcess) -> None:
    values = {"vmid": 9000, "net0": "virtio,bridge=vmbr0"}
    wire.run("POST", PVE1, values, token="prov@pve!full")

    answer = wire.api("PUT", f"{PVE1}/9000/config", {"net0": values["net0"]}, token="prov@pve!sim")

    words = "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"
    assert (answer.status_code, answer.reason) == (403, words)
