"""Every endpoint of the schema with every parameter missing, unknown and wrong in every way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from integrations.proxmox.simulator import schema, validation
from integrations.proxmox.simulator.errors import ApiError
from tests.simulator import SimulatorProcess

ENDPOINTS = sorted(schema.endpoints(), key=lambda endpoint: endpoint[::-1])
NAMES = [f"{method} {path}" for method, path in ENDPOINTS]
PUBLIC = {("GET", "/access/ticket"), ("POST", "/access/ticket"), ("GET", "/access/domains")}
# these take anything, or are nobody's but root's in person
OPEN = {("GET", "/nodes/{node}/qemu/{vmid}/agent")}
PERSONAL = {
    ("POST", "/access/ticket"): (
        "Permission check failed (URI '/access/ticket' not available with API token, "
        "need proper ticket."
    ),
    ("POST", "/nodes/{node}/storage/{storage}/content/{volume}"): (
        "Permission check failed (user != root@pam)"
    ),
}
PLACES = {
    "node": "pve1", "vmid": "101", "storage": "local", "userid": "root@pam", "tokenid": "adm",
    "volume": "local:iso/a.iso", "upid": "UPID:pve1:00000001:00000001:00000001:t:1:root@pam:",
}  # fmt: skip
ROOT = "root@pam!adm"
FAILED = (400, "Parameter verification failed.")
GIBBERISH = "\x01 !"
ANY_TEXT = {"string-list", "lxc-rootfs"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(fixture="wire", time_scale=5000) as process:
        yield process


def _place(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda hole: PLACES.get(hole[1], "some"), path)


def _asked(
    cluster: SimulatorProcess, endpoint: tuple[str, str], token: str, **sent: str
) -> tuple[int, str, Any]:
    method, path = endpoint
    answer = cluster.api(method, _place(path), sent, token=token)
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    return answer.status_code, answer.reason, answer.json().get("errors") if is_json else None


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
def test_nobody_gets_in_without_a_token(
    cluster: SimulatorProcess, endpoint: tuple[str, str]
) -> None:
    answer = _asked(cluster, endpoint, "", bogus="1")

    if endpoint in PUBLIC:
        assert answer[:2] == FAILED
    else:
        assert answer == (401, "No ticket", None)


def _needs(endpoint: tuple[str, str]) -> bool:
    rights = schema.endpoints()[endpoint]["permissions"]
    is_personal = endpoint in PERSONAL
    return not is_personal and bool(rights.get("check")) and rights.get("user") != "all"


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if _needs(e)], ids="{0[0]} {0[1]}".format
)
def test_rights_are_asked_for_before_parameters(
    cluster: SimulatorProcess, endpoint: tuple[str, str]
) -> None:
    status, reason, errors = _asked(cluster, endpoint, "prov@pve!sim", bogus="1")

    assert (status, errors) == (403, None)
    assert re.fullmatch(r"Permission check failed( \(/\S*, [\w.|]+\))?", reason)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
def test_an_unknown_parameter_is_refused(
    cluster: SimulatorProcess, endpoint: tuple[str, str]
) -> None:
    status, reason, errors = _asked(cluster, endpoint, ROOT, bogus="1")

    if endpoint in PERSONAL:
        assert (status, reason) == (403, PERSONAL[endpoint])
    elif endpoint in OPEN:
        assert errors is None
    else:
        assert (status, reason, errors["bogus"]) == (*FAILED, validation.UNKNOWN)


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if e not in PERSONAL], ids="{0[0]} {0[1]}".format
)
def test_every_missing_parameter_is_named(
    cluster: SimulatorProcess, endpoint: tuple[str, str]
) -> None:
    method, path = endpoint
    rules = schema.parameters(path, method)
    given = set(re.findall(r"{(\w+)}", path))
    missing = {key for key, rule in rules.items() if not rule.get("optional")} - given
    sent = {} if endpoint in OPEN else {"bogus": "1"}

    status, reason, errors = _asked(cluster, endpoint, ROOT, **sent)

    if sent:
        named = {key for key, text in errors.items() if text == validation.MISSING}
        assert (status, reason, named) == (*FAILED, missing)


def _wrong_values(rule: dict[str, Any]) -> dict[str, str]:
    """What must be refused, and in which words (or how they begin)."""
    kind, is_plain = rule.get("type"), not rule.get("format") and not rule.get("pattern")
    wrong: dict[str, str] = {}
    if kind in ("integer", "number", "boolean"):
        wrong["true"] = f"type check ('{kind}') failed - got 'true'"
    if is_plain and kind in ("integer", "number"):
        if "maximum" in rule:
            text = str(rule["maximum"] + 1)
            wrong[text] = f"value must have a maximum value of {rule['maximum']}"
        if "minimum" in rule:
            text = str(rule["minimum"] - 1)
            wrong[text] = f"value must have a minimum value of {rule['minimum']}"
    if is_plain and kind == "string" and "enum" in rule:
        listed = ", ".join(rule["enum"])
        wrong["~"] = f"value '~' does not have a value in the enumeration '{listed}'"
    if is_plain and "maxLength" in rule:
        wrong["x" * (rule["maxLength"] + 1)] = (
            f"value may only be {rule['maxLength']} characters long"
        )
    if is_plain and rule.get("minLength", 0) > 1:
        wrong["x"] = f"value must be at least {rule['minLength']} characters long"
    if rule.get("pattern"):
        wrong[GIBBERISH] = "value does not match the regex pattern"
    if rule.get("format") and kind == "string" and rule["format"] not in ANY_TEXT:
        wrong[GIBBERISH] = "invalid format - "
    return wrong


def _errors(endpoint: tuple[str, str], values: dict[str, Any]) -> dict[str, str]:
    method, path = endpoint
    try:
        schema.validate(path, method, values)
    except ApiError as error:
        return error.errors or {}
    return {}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
def test_every_wrong_value_is_refused_in_its_own_words(endpoint: tuple[str, str]) -> None:
    method, path = endpoint
    missed = {}
    for key, rule in schema.parameters(path, method).items():
        for value, words in _wrong_values(rule).items():
            refused = _errors(endpoint, {key: value}).get(key, "accepted")
            found = refused.removesuffix(f"\\n{validation.UNKNOWN}")
            if not found.startswith(words) or (found != words and not words.endswith(" - ")):
                missed[key, value[:40]] = found

    assert missed == {}


def test_the_schema_holds_all_that_was_published() -> None:
    assert len(ENDPOINTS) >= 212
