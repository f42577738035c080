from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import SimulatorProcess

ROOT = "root@pam!adm"
PORTAL = "uhub@pve!portal"
TOKENS = "/access/users/uhub@pve/token"


def _ask(simulator: SimulatorProcess, secret: str, *, token: str = "uhub@pve!second") -> int:
    header = {"Authorization": f"PVEAPIToken={token}={secret}"}
    return simulator.api("GET", "/version", token="", headers=header).status_code


def test_a_token_is_made_and_tells_its_secret_once(demo: SimulatorProcess) -> None:
    made = demo.api("POST", f"{TOKENS}/second", {"privsep": 0, "comment": "tests"}, token=ROOT)

    data = made.json()["data"]
    assert data["full-tokenid"] == "uhub@pve!second"
    assert data["info"] == {"privsep": 0, "expire": 0, "comment": "tests"}
    assert _ask(demo, data["value"]) == 200
    rows = demo.api("GET", TOKENS, token=ROOT).json()["data"]
    assert [row["tokenid"] for row in rows] == ["portal", "second"]
    again = demo.api("POST", f"{TOKENS}/second", token=ROOT)
    assert again.json()["errors"] == {"tokenid": "Token already exists."}


def test_a_regenerated_token_has_another_secret(demo: SimulatorProcess) -> None:
    old = demo.api("POST", f"{TOKENS}/second", token=ROOT).json()["data"]["value"]

    changed = demo.api("PUT", f"{TOKENS}/second", {"regenerate": 1}, token=ROOT).json()["data"]

    demo.control("POST", "/clock", {"scale": 500})
    assert (_ask(demo, old), _ask(demo, changed["value"])) == (401, 200)


def test_a_removed_token_is_refused(demo: SimulatorProcess) -> None:
    secret = demo.api("POST", f"{TOKENS}/second", token=ROOT).json()["data"]["value"]

    demo.api("DELETE", f"{TOKENS}/second", token=ROOT)

    demo.control("POST", "/clock", {"scale": 500})
    assert _ask(demo, secret) == 401
    missing = demo.api("GET", f"{TOKENS}/second", token=ROOT)
    assert missing.reason == "no such token 'second' for user 'uhub@pve'"


def test_a_role_is_given_and_taken(demo: SimulatorProcess) -> None:
    demo.api("POST", f"{TOKENS}/second", token=ROOT)
    right = {"path": "/vms/100", "tokens": "uhub@pve!second", "roles": "UHub"}

    demo.api("PUT", "/access/acl", right, token=ROOT)
    rows = demo.api("GET", "/access/acl", token=ROOT).json()["data"]
    demo.api("PUT", "/access/acl", {**right, "delete": 1}, token=ROOT)
    after = demo.api("GET", "/access/acl", token=ROOT).json()["data"]

    given = {
        "path": "/vms/100",
        "type": "token",
        "ugid": "uhub@pve!second",
        "roleid": "UHub",
        "propagate": 1,
    }
    assert given in rows
    assert given not in after


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"roles": "Nope", "users": "uhub@pve"}, "role 'Nope' does not exist"),
        ({"roles": "UHub", "users": "ghost@pve"}, "user 'ghost@pve' does not exist"),
        ({"roles": "UHub", "tokens": "uhub@pve!ghost"}, "token 'uhub@pve!ghost' does not exist"),
    ],
)
def test_nobody_gets_rights_that_do_not_exist(
    demo: SimulatorProcess, params: dict[str, Any], reason: str
) -> None:
    assert demo.api("PUT", "/access/acl", {"path": "/", **params}, token=ROOT).reason == reason


def test_the_portal_may_not_give_rights(demo: SimulatorProcess) -> None:
    right = {"path": "/", "users": "uhub@pve", "roles": "Administrator"}

    assert demo.api("PUT", "/access/acl", right).status_code == 403


def test_users_come_and_go_with_their_tokens(demo: SimulatorProcess) -> None:
    demo.api("POST", "/access/users", {"userid": "eve@pve", "comment": "new"}, token=ROOT)
    secret = demo.api("POST", "/access/users/eve@pve/token/one", token=ROOT).json()["data"]["value"]

    found = demo.api("GET", "/access/users/eve@pve", token=ROOT).json()["data"]
    demo.api("DELETE", "/access/users/eve@pve", token=ROOT)

    assert (found["comment"], list(found["tokens"])) == ("new", ["one"])
    demo.control("POST", "/clock", {"scale": 500})
    assert _ask(demo, secret, token="eve@pve!one") == 401
    names = [row["userid"] for row in demo.api("GET", "/access/users", token=ROOT).json()["data"]]
    assert names == ["root@pam", "uhub@pve"]


def test_one_sees_oneself_only(wire: SimulatorProcess) -> None:
    rows = wire.api("GET", "/access/users", token="prov@pve!sim").json()["data"]

    assert [row["userid"] for row in rows] == ["prov@pve"]


def test_roles_tell_their_privileges(demo: SimulatorProcess) -> None:
    names = [row["roleid"] for row in demo.api("GET", "/access/roles").json()["data"]]
    role = demo.api("GET", "/access/roles/UHub").json()["data"]

    assert names == ["Administrator", "NoAccess", "UHub"]
    assert role["VM.Clone"] == 1


@pytest.mark.parametrize(("form", "place"), [("old", "/pools/team"), ("new", "/pools")])
def test_pools_are_filled_and_emptied_in_both_forms(
    demo: SimulatorProcess, form: str, place: str
) -> None:
    named = {"poolid": "team"} if form == "new" else {}
    demo.api("POST", "/pools", {"poolid": "team", "comment": "a team"})

    demo.api("PUT", place, {**named, "vms": "100,101", "storage": "local"}, token=ROOT)
    found = demo.api("GET", "/pools", {"poolid": "team"}).json()["data"][0]
    full = demo.api("DELETE", place, named)
    demo.api("PUT", place, {**named, "vms": "100,101", "storage": "local", "delete": 1}, token=ROOT)

    assert found["comment"] == "a team"
    assert {row["id"] for row in found["members"] if row["type"] == "qemu"} == {
        "qemu/100",
        "qemu/101",
    }
    assert full.reason == "delete pool failed: pool 'team' is not empty"
    assert demo.api("DELETE", place, named).json() == {"data": None}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"vms": "777"}, "VM 777 does not exist"),
        ({"vms": "100"}, "VM 100 is already a pool member"),
        ({"vms": "101", "delete": 1}, "VM 101 is not a pool member"),
    ],
)
def test_wrong_members_are_refused(
    demo: SimulatorProcess, params: dict[str, Any], reason: str
) -> None:
    demo.api("PUT", "/pools/uhub", {"vms": "100"}, token=ROOT)

    assert demo.api("PUT", "/pools/uhub", params, token=ROOT).reason == reason


def test_a_machine_changes_its_pool_when_that_is_meant(demo: SimulatorProcess) -> None:
    demo.api("PUT", "/pools/uhub", {"vms": "100"}, token=ROOT)
    demo.api("POST", "/pools", {"poolid": "team"})

    refused = demo.api("PUT", "/pools/team", {"vms": "100"}, token=ROOT)
    demo.api("PUT", "/pools/team", {"vms": "100", "allow-move": 1}, token=ROOT)

    assert refused.reason == "VM 100 belongs already to pool 'uhub' and 'allow-move' is not set"
    assert (demo.vm(100) or {})["pool"] == "team"
