"""Lines of the log: each is JSON, carries the ids of its request or operation, and shows no secret."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from logging.config import dictConfig
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client, RequestFactory

from config.settings.parts.logs import logging_config
from portal.kernel.authz import Actor
from portal.kernel.tenancy import tenant_scope
from portal.services.operations import operation_enqueue
from tests import kinds
from tests.conftest import World
from tests.engine import ROOT, run_until_idle, test_environment, wait_until
from tests.ports import port_hold

Lines = list[dict[str, Any]]


class Tail:
    """What was logged, line by line; every line must parse."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def lines(self) -> Lines:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def tail() -> Iterator[Tail]:
    tail = Tail()
    config = logging_config("json")
    config["handlers"] = {"console": {**config["handlers"]["console"], "stream": tail.stream}}
    config["root"] = {"handlers": ["console"], "level": "INFO"}
    dictConfig(config)
    yield tail
    dictConfig(settings.LOGGING)


def test_lines_of_libraries_and_ours_are_json_with_ids(tail: Tail) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abcdefgh", tenant_id="t"):
        structlog.get_logger("portal.x").warning("something.happened", count=3)
        logging.getLogger("uvicorn.error").warning("plain %s", "words")
        logging.getLogger("celery.worker").error("a line\nof two")

    ours, plain, two = tail.lines()
    assert (ours["event"], ours["count"], ours["level"]) == ("something.happened", 3, "warning")
    assert (plain["event"], plain["logger"]) == ("plain words", "uvicorn.error")
    assert two["event"] == "a line\nof two"
    assert {(one["request_id"], one["tenant_id"]) for one in tail.lines()} == {("abcdefgh", "t")}
    assert all(one["timestamp"].endswith("Z") for one in tail.lines())


def test_no_line_shows_a_secret(tail: Tail) -> None:
    structlog.get_logger("portal.x").warning("sent", headers={"authorization": "Bearer abc"})
    logging.getLogger("httpx").warning("GET https://root:hunter2@pve/api2 token=abcdef")
    try:
        raise ValueError("password=hunter2")  # noqa: TRY301 - what is raised is what is tested
    except ValueError:
        logging.getLogger("portal.y").exception("failed")

    text = tail.stream.getvalue()
    assert len(tail.lines()) == 3
    assert not any(word in text for word in ("hunter2", "abcdef", "Bearer abc"))
    assert "ValueError: password=***" in tail.lines()[2]["exception"]


def test_lines_of_an_operation_name_it_and_who_asked(world: World, tail: Tail) -> None:
    actor: Actor = world.actor("support")
    with tenant_scope(world.north.pk):
        asked = operation_enqueue(actor=actor, type=kinds.EXPLODE.type, tenant_id=world.north.pk)
    run_until_idle()

    crashed = [one for one in tail.lines() if one["event"] == "operation.step_crashed"]
    assert len(crashed) == 2
    assert {one["operation_id"] for one in crashed} == {str(asked.pk)}
    assert {one["tenant_id"] for one in crashed} == {str(world.north.pk)}
    assert {one["user_id"] for one in crashed} == {str(actor.user_id)}
    assert {one["worker_queue"] for one in crashed} == {"cloudpods"}


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("trace-0123456789", True), ("short", False), ("a" * 65, False), ("bad id\n12345", False)],
)
def test_a_sane_request_id_is_taken_over(client: Client, given: str, is_taken: bool) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given})

    assert (answer["X-Request-Id"] == given) is is_taken


def test_every_line_of_a_real_web_process_parses(world: World, tmp_path: Path) -> None:
    port, path = port_hold(), tmp_path / "web.log"
    argv = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1"]
    with path.open("wb") as out:
        process = subprocess.Popen(
            [*argv, "--port", str(port)],
            cwd=ROOT,
            env=test_environment(LOG_FORMAT="json"),
            stdout=out,
            stderr=out,
        )
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthz"), timeout_s=90)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(timeout=60)

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert "process.started" in [one["event"] for one in lines]
    assert {"uvicorn.error", "system"} <= {one["logger"] for one in lines}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize(("path", "is_written"), [("/readyz", False), ("/deployments", True)])
def test_an_unready_platform_does_not_fill_the_log(
    tail: Tail, rf: RequestFactory, path: str, is_written: bool
) -> None:
    extra = {"status_code": 503, "request": rf.get(path)}
    logging.getLogger("django.request").error("Service Unavailable: %s", path, extra=extra)
    assert [line["event"] for line in tail.lines()] == [f"Service Unavailable: {path}"] * is_written
