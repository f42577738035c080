"""Whatever is sent, the answer is a clear 4xx that names the field, and nothing has happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
from django.conf import settings
from django.http import HttpResponse

from provisioning.models import Deployment, Template
from tests.api.conftest import Caller, caller_of
from tests.calls import witnessed
from tests.conftest import World
from tests.factories.provisioning import ClusterFactory, TemplateFactory
from tests.snapshot import rows_digest

GOOD: Final = {"template": "wordpress", "name": "web-1"}
NO_TEXT: Final = (None, 1, 1.5, True, [], ["web"], {}, {"a": 1}, "", " ", "\x00", "a\x00b")
NO_NUMBER: Final = (
    None, "2", "", "two", "0x2", 1.5, 2.0, True, False, [], [2], {}, -1, 0, 10**9, 10**30, -(10**30)
)  # fmt: skip
CREATE: Final[dict[str, tuple[Any, ...]]] = {
    "template": (*NO_TEXT, "absent", "withdrawn", "x" * 61, "wordpress'--", "../wordpress", "é"),
    "name": (
        *NO_TEXT, "Web", "-web", "web-", "web_1", "web.1", "x" * 64, "x" * 100_000, "wéb", "网", "a b",
        "web\n1", "٣", "<script>", "${name}", "web;reboot", "\u202eweb", "taken",
    ),
    "cpu_cores": (*NO_NUMBER, 9),
    "memory_mb": (*NO_NUMBER, 511, 16_385),
    "disk_gb": (*NO_NUMBER, 9, 201),
    "ttl_hours": (*NO_NUMBER, 100_000),
    "hostname": (*NO_TEXT, "x" * 254, "a..b", "-a.example", "a.example-", "A.example", "a_b", "é.fr"),
    "parameters": (None, 1, True, "database", [], ["database"]),
    "tags": (
        None, 1, True, "tag", {}, {"a": 1}, [None], [1], [True], [[]], [{}], [""], ["Tag"], ["a b"],
        ["a\x00"], ["x" * 41], ["é"], ["-a"], ["a;b"], [f"t{n}" for n in range(21)],
    ),
}  # fmt: skip
PARAMETERS: Final[dict[str, tuple[Any, ...]]] = {
    "database": (None, 1, True, "mysql", "", [], ["none"], {}, "None"),
    "redis": (None, 0, 1, "true", "", [], {}),
    "motd": (None, 1, False, [], {}, "x" * 201, "a\nb", "\x00", "\x1b[2J", {"a": {"b": {}}}),
    "unknown": (None, 1, "x", [[[[[]]]]]),
    "": ("x",),
    "a\x00b": ("x",),
}
UNREADABLE: Final = {
    "empty": b"",
    "null": b"null",
    "array": b"[]",
    "array of objects": b'[{"template": "wordpress", "name": "web-1"}]',
    "text": b'"web"',
    "number": b"1",
    "truth": b"true",
    "cut": b'{"template": "wordpress", "name": ',
    "single quotes": b"{'template': 'wordpress'}",
    "trailing comma": b'{"template": "wordpress",}',
    "nan": b'{"template": "wordpress", "name": "web-1", "cpu_cores": NaN}',
    "infinity": b'{"template": "wordpress", "name": "web-1", "cpu_cores": Infinity}',
    "overflow": b'{"template": "wordpress", "name": "web-1", "cpu_cores": 1e999}',
    "many digits": b'{"template": "wordpress", "name": "web-1", "cpu_cores": ' + b"9" * 9000 + b"}",
    "half a surrogate": b'{"template": "wordpress", "name": "web-1", "\\ud800": 1}',
    "latin-1": '{"template": "wordpress", "name": "wéb"}'.encode("latin-1"),
    "utf-16": '{"template": "wordpress"}'.encode("utf-16"),
    "control character": b'{"template": "wordpress", "name": "a\x01"}',
    "depth": b'{"template": "wordpress", "name": "w", "parameters": '
    + b"[" * 9_999
    + b"]" * 9_999
    + b"}",
}
TYPES: Final = (
    "text/plain",
    "application/xml",
    "application/octet-stream",
    "application/jsonx",
    "x",
)
ACTIONS: Final[dict[str, dict[str, tuple[Any, ...]]]] = {
    "extend": {"hours": (*(value for value in NO_NUMBER if value != -1), 100_000, -100_000)},
    "resize": {
        "cpu_cores": (*NO_NUMBER, 9), "memory_mb": (*NO_NUMBER, 511, 16_385), "disk_gb": (*NO_NUMBER, 19, 201)
    },
    "stop": {"mode": (None, 1, True, [], {}, "", "Force", "kill", "force ", "\x00")},
}  # fmt: skip
CHANGES: Final[dict[str, tuple[Any, ...]]] = {
    "name": CREATE["name"],
    "tags": CREATE["tags"],
    "hold": (None, 0, 1, "true", "yes", "", [], {}),
}
QUERIES: Final = {
    "limit": ("0", "-1", "201", "ten", "", "1.5", "9" * 5000, "\x00", "1e1", " 1"),
    "ordering": ("id", "-id", "owner__password", "--name", "name,status", "\x00", "-"),
    "cursor": ("garbage", "cD1hYmM=", "cD0A", "bz0tMQ==", "é", "cD0lMDA="),
    "status": ("wrong", "RUNNING", "\x00"),
    "health": ("wrong",),
    "owner_id": ("wrong", "\x00", "1"),
    "expires_before": ("soon", "2026-13-01", "0", "\x00"),
    "search": ("x" * 64, "a\x00b"),
    "name": ("a\x00b",),
    "template": ("a\x00b",),
    "with_deleted": ("maybe", "1", ""),
    "count": ("maybe", "1"),
}


def errors_of(answer: HttpResponse) -> list[dict[str, Any]]:
    """The errors of a standard answer; whatever else it says fails here."""
    body = json.loads(answer.content)
    assert set(body) - {"data"} == {"type", "errors"}, body
    assert body["type"] in {"validation_error", "client_error"}
    for error in body["errors"]:
        assert set(error) == {"code", "detail", "attr"}
        assert error["code"]
        assert error["detail"]
    return list(body["errors"])


def complaint(answer: HttpResponse, field: str, *, status: int = 400) -> str:
    """What is wrong with an answer that should name `field`; "" when nothing is."""
    if answer.status_code != status:
        return f"{answer.status_code} {answer.content[:200]!r}"
    named = {str(error["attr"]) for error in errors_of(answer)}
    is_named = any(name == field or name.startswith(f"{field}.") for name in named)
    return "" if is_named else f"names {sorted(named)}"


def shortened(value: Any) -> str:
    return repr(value)[:60]


def test_every_field_of_a_creation_is_checked(
    world: World, catalogue: Template, owned: Callable[..., Deployment], ask: Caller
) -> None:
    owned(name="taken")
    before = rows_digest()
    wrong = {}
    with witnessed() as witness:
        for field, values in CREATE.items():
            for value in values:
                if reason := complaint(ask("post", "deployments", GOOD | {field: value}), field):
                    wrong[field, shortened(value)] = reason
        for field in GOOD:
            body = {name: value for name, value in GOOD.items() if name != field}
            if reason := complaint(ask("post", "deployments", body), field):
                wrong[field, "absent"] = reason
        if reason := complaint(ask("post", "deployments", GOOD | {"vmid": 1}), "vmid"):
            wrong["vmid", "unknown"] = reason
    assert wrong == {}
    assert (witness.calls, rows_digest()) == ([], before)


def test_every_option_of_a_template_is_checked(
    world: World, catalogue: Template, ask: Caller
) -> None:
    before = rows_digest()
    wrong = {}
    for key, values in PARAMETERS.items():
        for value in values:
            answer = ask("post", "deployments", GOOD | {"parameters": {key: value}})
            if reason := complaint(answer, f"parameters.{key}"):
                wrong[key, shortened(value)] = reason
    assert wrong == {}
    assert rows_digest() == before


def test_a_plan_refuses_what_cannot_be_read_and_says_what_a_submit_would_refuse(
    world: World, catalogue: Template, ask: Caller
) -> None:
    before = rows_digest()
    wrong = {}
    for field, values in CREATE.items():
        for value in values:
            answer = ask("post", "deployments?dry_run=true", GOOD | {field: value})
            if answer.status_code == 200:
                plan = json.loads(answer.content)
                named = {fault["attr"] for fault in plan["faults"]}
                is_fine = value == "taken" or (not plan["is_allowed"] and field in named)
            else:
                is_fine = not complaint(answer, field)
            if not is_fine:
                wrong[field, shortened(value)] = f"{answer.status_code} {answer.content[:200]!r}"
    assert wrong == {}
    assert rows_digest() == before


def test_a_body_that_cannot_be_read_is_refused(
    world: World, catalogue: Template, ask: Caller
) -> None:
    before = rows_digest()
    wrong = {}
    for name, body in UNREADABLE.items():
        answer = ask("post", "deployments", body)
        if answer.status_code != 400 or not errors_of(answer):
            wrong[name] = f"{answer.status_code} {answer.content[:200]!r}"
    for type_ in TYPES:
        answer = ask("post", "deployments", json.dumps(GOOD), content_type=type_)
        if answer.status_code != 415 or not errors_of(answer):
            wrong[type_] = f"{answer.status_code} {answer.content[:200]!r}"
    assert wrong == {}
    assert rows_digest() == before


def test_huge_bodies_are_refused_whatever_their_type(
    world: World, catalogue: Template, ask: Caller
) -> None:
    size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    before = rows_digest()
    as_json = ask("post", "deployments", json.dumps(GOOD | {"name": "x" * size}))
    form = "application/x-www-form-urlencoded"
    as_form = ask("post", "deployments", "name=" + "x" * size, content_type=form)
    fields = ask("post", "deployments", "a=1&" * 2000, content_type=form)
    statuses = [as_json.status_code, as_form.status_code, fields.status_code]
    assert statuses == [413, 413, 400]
    assert [errors_of(answer)[0]["code"] for answer in (as_json, as_form, fields)] == [
        "body_too_large",
        "body_too_large",
        "parse_error",
    ]
    assert rows_digest() == before


def test_a_flood_of_unknown_fields_is_answered_briefly(
    world: World, catalogue: Template, ask: Caller
) -> None:
    flood = {f"field-{n}-{'x' * 200}": n for n in range(2000)}
    top = ask("post", "deployments", GOOD | flood)
    below = ask("post", "deployments", GOOD | {"parameters": flood})
    assert [top.status_code, below.status_code] == [400, 400]
    assert [len(errors_of(top)), len(errors_of(below))] == [50, 50]
    assert max(len(str(error["attr"])) for error in errors_of(top)) == 100


def test_all_faults_are_told_at_once(world: World, catalogue: Template, ask: Caller) -> None:
    answer = ask("post", "deployments", GOOD | {"cpu_cores": "x", "disk_gb": -1, "bogus": 1})
    told = {(error["attr"], error["code"]) for error in errors_of(answer)}
    assert told == {("cpu_cores", "invalid"), ("disk_gb", "min_value"), ("bogus", "unknown")}


def test_every_field_of_the_actions_is_checked(
    world: World, owned: Callable[..., Deployment], ask: Caller
) -> None:
    owned(name="taken")
    deployment = owned(name="web-1")
    before = rows_digest()
    wrong = {}
    with witnessed() as witness:
        for action, fields in ACTIONS.items():
            path = f"deployments/{deployment.pk}/{action}"
            for field, values in fields.items():
                for value in values:
                    if reason := complaint(ask("post", path, {field: value}), field):
                        wrong[action, field, shortened(value)] = reason
        for action in ("start", "stop", "restart", "resize", "extend", "retry"):
            path = f"deployments/{deployment.pk}/{action}"
            if reason := complaint(ask("post", path, {"extra": 1}), "extra"):
                wrong[action, "extra"] = reason
            for name, body in UNREADABLE.items():
                answer = ask("post", path, body) if body else ask("post", path, b"[]")
                if answer.status_code != 400:
                    wrong[action, name] = f"{answer.status_code} {answer.content[:200]!r}"
    assert wrong == {}
    assert (witness.calls, rows_digest()) == ([], before)


def test_every_field_of_a_change_is_checked(world: World, owned: Callable[..., Deployment]) -> None:
    owned(name="taken")
    deployment = owned(name="web-1")
    ask = caller_of(world.people["ops"])
    before = rows_digest()
    wrong = {}
    for field, values in CHANGES.items():
        for value in values:
            if reason := complaint(
                ask("patch", f"deployments/{deployment.pk}", {field: value}), field
            ):
                wrong[field, shortened(value)] = reason
    for field in ("status", "owner_id", "vmid", "tenant_id", "expires_at", "cpu_cores", "marker"):
        if reason := complaint(ask("patch", f"deployments/{deployment.pk}", {field: 1}), field):
            wrong[field, "unknown"] = reason
    assert wrong == {}
    assert rows_digest() == before


def test_query_parameters_are_checked(
    world: World, owned: Callable[..., Deployment], ask: Caller
) -> None:
    owned()
    wrong = {}
    for name, values in QUERIES.items():
        for value in values:
            if reason := complaint(ask("get", f"deployments?{name}={quote(value)}"), name):
                wrong[name, shortened(value)] = reason
    for value in ("maybe", "1", "", "yes"):
        if reason := complaint(ask("post", f"deployments?dry_run={value}", GOOD), "dry_run"):
            wrong["dry_run", value] = reason
    assert wrong == {}
    assert Deployment.across_tenants.count() == 1


@pytest.mark.parametrize("ordering", ["created_at", "-name", "status", "expires_at"])
def test_a_cursor_of_another_ordering_is_no_server_error(
    world: World, owned: Callable[..., Deployment], ask: Caller, ordering: str
) -> None:
    for number in range(3):
        owned(name=f"vm-{number}")
    for source in ("created_at", "-name", "status"):
        first = json.loads(ask("get", f"deployments?limit=1&ordering={source}").content)
        cursor = first["next"].partition("cursor=")[2].partition("&")[0]
        answer = ask("get", f"deployments?limit=1&ordering={ordering}&cursor={cursor}")
        assert answer.status_code in {200, 400}


def test_absent_things_are_404_and_nothing_more(
    world: World, owned: Callable[..., Deployment], ask: Caller
) -> None:
    owned()
    before = rows_digest()
    wrong = {}
    names = (
        "1",
        "%00",
        "x" * 300,
        "..%2f",
        "..%2f..",
        "é",
        "00000000-0000-7000-8000-000000000000",
        "%7b%7d",
    )
    for name in names:
        for path in ("deployments", "operations", "templates", "audit"):
            if path != "audit" and ask("get", f"{path}/{name}").status_code != 404:
                wrong["get", path, name] = ask("get", f"{path}/{name}").content[:200]
        for action in ("start", "stop", "restart", "retry"):
            answer = ask("post", f"deployments/{name}/{action}")
            if answer.status_code != 404 or not errors_of(answer):
                wrong[action, name] = answer.content[:200]
    assert wrong == {}
    assert rows_digest() == before


def test_another_tenants_things_are_absent(world: World, owned: Callable[..., Deployment]) -> None:
    deployment = owned()
    assert world.stranger is not None
    stranger = caller_of(world.stranger)
    before = rows_digest()
    asked = [
        stranger("get", f"deployments/{deployment.pk}"),
        stranger("patch", f"deployments/{deployment.pk}", {"name": "mine"}),
        stranger("delete", f"deployments/{deployment.pk}"),
        *(
            stranger("post", f"deployments/{deployment.pk}/{action}", body)
            for action, body in (
                ("stop", {}),
                ("extend", {"hours": 1}),
                ("resize", {"disk_gb": 40}),
            )
        ),
        stranger("get", "deployments", headers={"x-tenant": "north", "accept": "application/json"}),
    ]
    assert [answer.status_code for answer in asked] == [404] * 7
    assert rows_digest() == before


def test_a_template_of_an_inactive_cluster_is_not_offered(world: World, ask: Caller) -> None:
    TemplateFactory(code="asleep", cluster=ClusterFactory(is_active=False))
    answer = ask("post", "deployments", {"template": "asleep", "name": "web-1"})
    assert complaint(answer, "template") == ""
