"""Tokens, tickets, and what each of them may do."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.simulator import TOKENS, SimulatorProcess, wait_until

PVE1 = "/nodes/pve1/qemu"
LOGIN = {"username": "root@pam", "password": "simulator"}


def _signed_in(simulator: SimulatorProcess, **login: str) -> dict[str, Any]:
    answer = simulator.api("POST", "/access/ticket", {**LOGIN, **login}, token="")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["data"]
    return found


def _with(session: dict[str, Any], *, csrf: bool = True) -> dict[str, Any]:
    headers = {"Cookie": f"PVEAuthCookie={session['ticket']}"}
    if csrf:
        headers["CSRFPreventionToken"] = session["CSRFPreventionToken"]
    return {"token": "", "headers": headers}


def test_a_password_buys_a_ticket_and_a_token_against_forgery(demo: SimulatorProcess) -> None:
    session = _signed_in(demo)

    assert session["username"] == "root@pam"
    assert session["ticket"].startswith("PVE:root@pam:")
    assert sorted(session["cap"]) == ["access", "dc", "mapping", "nodes", "sdn", "storage", "vms"]


def test_the_realm_may_be_sent_apart(demo: SimulatorProcess) -> None:
    assert _signed_in(demo, username="root", realm="pam")["username"] == "root@pam"


def test_an_old_ticket_renews_itself_as_password(demo: SimulatorProcess) -> None:
    ticket = _signed_in(demo)["ticket"]

    assert _signed_in(demo, password=ticket)["username"] == "root@pam"


def test_a_ticket_reads_without_the_token_against_forgery(demo: SimulatorProcess) -> None:
    session = _signed_in(demo)

    assert demo.api("GET", PVE1, **_with(session, csrf=False)).status_code == 200


def test_a_ticket_writes_only_with_the_token_against_forgery(demo: SimulatorProcess) -> None:
    session = _signed_in(demo)

    without = demo.api("POST", PVE1, {"vmid": 700}, **_with(session, csrf=False))
    with_it = demo.api("POST", PVE1, {"vmid": 700}, **_with(session))

    assert (without.status_code, without.reason, without.text) == (
        401,
        "Permission denied - invalid csrf token",
        "",
    )
    assert with_it.status_code == 200


def test_a_ticket_wins_over_a_token(demo: SimulatorProcess) -> None:
    headers = {"Cookie": "PVEAuthCookie=PVE:root@pam:00000000::forged"}

    answer = demo.api("GET", "/version", headers=headers)

    assert (answer.status_code, answer.reason) == (401, "Authentication failed!")


def test_a_ticket_ends_after_two_simulated_hours(demo: SimulatorProcess) -> None:
    session = _signed_in(demo)
    demo.control("POST", "/clock", {"scale": 40_000})
    wait_until(lambda: demo.api("GET", "/version", **_with(session)).status_code != 200)

    answer = demo.api("GET", "/version", **_with(session))
    assert (answer.status_code, answer.reason) == (401, "Authentication failed!")


def test_root_in_person_is_bound_by_no_rights_and_its_token_is(demo: SimulatorProcess) -> None:
    demo.run("POST", PVE1, {"vmid": 700})
    session = _signed_in(demo)

    person = demo.api("PUT", f"{PVE1}/700/config", {"args": "-x"}, **_with(session))
    token = demo.api("PUT", f"{PVE1}/700/config", {"args": "-x"}, token="root@pam!adm")

    assert person.status_code == 200
    assert (token.status_code, token.reason) == (500, "only root can set 'args' config")


def test_root_in_person_gets_past_a_lock(demo: SimulatorProcess) -> None:
    demo.run("POST", PVE1, {"vmid": 700})
    session = _signed_in(demo)

    answer = demo.api("POST", f"{PVE1}/700/status/stop", {"skiplock": 1}, **_with(session))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["skiplock", "keepActive"])
def test_a_token_may_not_use_what_is_roots_alone(demo: SimulatorProcess, name: str) -> None:
    path = f"{PVE1}/9005/status/stop"

    answer = demo.api("POST", path, {name: 1}, token="root@pam!adm")

    assert answer.status_code == 400
    assert answer.json()["errors"] == {name: "Only root may use this option."}


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"expires": 1}])
def test_a_disabled_or_expired_user_takes_its_tokens_along(
    demo: SimulatorProcess, change: dict[str, Any]
) -> None:
    demo.control("POST", "/user", {"name": "uhub@pve", **change})

    answer = demo.api("GET", "/version")

    assert (answer.status_code, answer.reason) == (401, "Authentication failed!")


def test_a_rotated_token_is_refused(demo: SimulatorProcess) -> None:
    secret = demo.control("POST", "/rotate-token", {"token": "uhub@pve!portal"})["secret"]
    header = {"Authorization": f"PVEAPIToken=uhub@pve!portal={secret}"}

    assert demo.api("GET", "/version").status_code == 401
    assert demo.api("GET", "/version", token="", headers=header).status_code == 200


def test_an_expired_token_is_refused(demo: SimulatorProcess) -> None:
    secret = TOKENS["uhub@pve!portal"]
    demo.control(
        "POST", "/rotate-token", {"token": "uhub@pve!portal", "secret": secret, "expires": 1}
    )

    assert demo.api("GET", "/version").reason == "Authentication failed!"


def test_a_separated_token_has_what_both_have(wire: SimulatorProcess) -> None:
    held = wire.api("GET", "/access/permissions", token="prov@pve!sim").json()["data"]

    assert list(held) == ["/vms/9000"]
    assert "VM.Clone" in held["/vms/9000"]


def test_permissions_name_every_path_something_is_held_on(wire: SimulatorProcess) -> None:
    held = wire.api("GET", "/access/permissions", token="prov@pve!full").json()["data"]

    assert sorted(held) == [
        "/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms",
        "/vms/9000",
    ]  # fmt: skip


def test_the_permissions_of_others_are_for_auditors(wire: SimulatorProcess) -> None:
    params = {"userid": "root@pam"}

    answer = wire.api("GET", "/access/permissions", params, token="prov@pve!sim")

    assert answer.reason == "Permission check failed (/access, Sys.Audit)"


@pytest.mark.parametrize(
    ("method", "path", "params", "reason"),
    [
        ("GET", f"{PVE1}/101/config", {}, "Permission check failed (/vms/101, VM.Audit)"),
        ("POST", f"{PVE1}/9000/clone", {"newid": 101}, "Permission check failed"),
        (
            "POST",
            f"{PVE1}/101/agent/ping",
            {},
            "Permission check failed (/vms/101, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)",
        ),
        (
            "GET",
            "/nodes/pve1/storage/local/status",
            {},
            "Permission check failed (/storage/local, Datastore.Audit|Datastore.AllocateSpace)",
        ),
        ("POST", PVE1, {"vmid": 101}, "Permission check failed"),
    ],
)
def test_a_missing_privilege_is_worded_by_the_kind_of_its_rule(
    wire: SimulatorProcess, method: str, path: str, params: dict[str, Any], reason: str
) -> None:
    answer = wire.api(method, path, params, token="prov@pve!sim")

    assert (answer.status_code, answer.reason) == (403, reason)
    assert answer.json() == {"data": None, "message": f"{reason}\n"}


def test_an_unknown_pool_is_missing_only_where_it_is_used(wire: SimulatorProcess) -> None:
    answer = wire.api("GET", "/pools/nope", token="prov@pve!full")

    assert (answer.status_code, answer.reason) == (500, "pool 'nope' does not exist")


def test_the_form_of_the_page_to_sign_in_is_html(demo: SimulatorProcess) -> None:
    answer = requests.get(f"{demo.url}/api2/html/version", verify=demo.ca_file, timeout=60)

    assert (answer.status_code, answer.reason) == (401, "Login Required")
    assert answer.headers["Content-Type"] == "text/html"
