"""The whole life of a deployment over real HTTP: a web server, a worker and the simulator as processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.conftest import Cloud
from tests.engine import started, wait_until, worker_process
from tests.factories.accounts import PASSWORD
from tests.ports import port_hold


class Portal:
    """What a program outside does: one session, one bearer token, JSON."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def is_up(self) -> bool:
        try:
            return self.session.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def sign_in(self, username: str) -> dict[str, Any]:
        form = {"grant_type": "password", "username": username, "password": PASSWORD}
        answer = self.session.post(f"{self.url}/api/auth/token", data=form, timeout=10)
        tokens: dict[str, Any] = answer.json()
        self.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return tokens

    def call(self, method: str, path: str, status: int, body: Any = None) -> Any:
        answer = self.session.request(method, f"{self.url}/api/{path}", json=body, timeout=30)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def follow(self, accepted: dict[str, Any]) -> dict[str, Any]:
        """Waits for the operation of an answer 202 and answers it."""
        path = accepted["operation"]["href"].removeprefix("/api/")
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.call("GET", path, 200))
            return found["status"] not in {"pending", "running"}

        wait_until(has_ended)
        return found


@pytest.fixture
def portal(cloud: Cloud) -> Iterator[Portal]:
    port = port_hold()
    argv = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1"]
    with started([*argv, "--port", str(port), "--log-level", "warning"]), worker_process():
        portal = Portal(f"http://127.0.0.1:{port}")
        wait_until(portal.is_up)
        yield portal


def assert_history(portal: Portal, path: str) -> None:
    """The deployment's journal and operations tell its whole life, the newest first."""
    tags = [entry["tag"] for entry in portal.call("GET", f"{path}/events", 200)["results"]]
    assert tags[::-1] == [
        "pod.requested",
        "pod.created",
        "pod.stop_requested",
        "pod.stopped",
        "pod.start_requested",
        "pod.started",
        "pod.extended",
        "pod.delete_requested",
        "pod.deleted",
    ]
    types = [one["type"] for one in portal.call("GET", f"{path}/operations", 200)["results"]]
    assert [type_ for type_ in types[::-1] if type_ != "pod.refresh"] == [
        "pod.provision",
        "pod.stop",
        "pod.start",
        "pod.destroy",
    ]


def test_a_program_plays_the_whole_life_over_http(cloud: Cloud, portal: Portal) -> None:
    assert portal.call("GET", "templates", 401)["errors"][0]["code"] == "not_authenticated"
    assert portal.sign_in("support-north")["token_type"] == "Bearer"
    offered = portal.call("GET", "templates", 200)["results"]
    assert [one["code"] for one in offered] == ["linux-utility"]

    body = {"template": "linux-utility", "name": "web-1", "cpu_cores": 2, "ttl_hours": 24}
    plan = portal.call("POST", "deployments?dry_run=true", 200, body)
    assert (plan["is_allowed"], plan["cost"]["per_hour"]) == (True, "0.062000")
    assert portal.call("GET", "deployments", 200)["results"] == []

    created = portal.call("POST", "deployments", 202, body)
    path = f"deployments/{created['id']}"
    ended = portal.follow(created)
    assert (ended["status"], [step["status"] for step in ended["steps"]]) == (
        "completed",
        ["completed"] * 6,
    )
    shown = portal.call("GET", path, 200)
    assert (shown["status"], shown["price_hour"], shown["health"]) == ("running", "0.062000", "ok")
    vm = cloud.simulator.vm(shown["vmid"])
    assert vm is not None
    assert vm["status"] == "running"

    assert portal.follow(portal.call("POST", f"{path}/stop", 202, {"mode": "force"}))
    assert portal.call("GET", path, 200)["status"] == "stopped"
    assert portal.follow(portal.call("POST", f"{path}/start/", 202, {}))
    assert portal.call("GET", path, 200)["status"] == "running"
    longer = portal.call("POST", f"{path}/extend", 200, {"hours": 5})
    assert longer["expires_at"] > shown["expires_at"]
    assert longer["expires_at"].endswith("Z")
    assert portal.call("POST", f"{path}/retry", 409)["errors"][0]["code"] == "wrong_state"

    assert portal.follow(portal.call("DELETE", path, 202))["status"] == "completed"
    assert cloud.simulator.vm(shown["vmid"]) is None
    assert portal.call("GET", "deployments", 200)["results"] == []
    tombstone = portal.call("GET", "deployments?with_deleted=true", 200)["results"][0]
    assert (tombstone["id"], tombstone["status"]) == (created["id"], "deleted")
    assert_history(portal, path)
