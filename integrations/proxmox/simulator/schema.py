"""What is known of every endpoint of the API: its parameters, its permissions, its place."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from integrations.proxmox.simulator.errors import ApiError
from integrations.proxmox.simulator.validation import Rule, Validator

CONFLICT = "duplicate parameter (already defined in URI) with conflicting values!"
FAILED = "Parameter verification failed."


@cache
def _document() -> dict[str, Any]:
    """Read the condensed description, and the endpoints it lacks."""
    loaded, unlisted = (
        json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
        for name in ("schema.json", "unlisted.json")
    )
    loaded["endpoints"] |= unlisted
    return dict(loaded)


@cache
def _validator() -> Validator:
    return Validator(_document()["formats"])


def endpoints() -> dict[tuple[str, str], Rule]:
    """Answer all endpoints by method and path."""
    return {_key(name): rule for name, rule in _document()["endpoints"].items()}


def _key(name: str) -> tuple[str, str]:
    method, _, path = name.partition(" ")
    return method, path


def endpoint(method: str, path: str) -> Rule | None:
    found: Rule | None = _document()["endpoints"].get(f"{method} {path}")
    return found


@cache
def parameters(path: str, method: str) -> dict[str, Rule]:
    """Answer the rules of one endpoint, with indexed keys (`scsi[n]`) written out."""
    document = _document()
    written: dict[str, Rule] = {}
    for name, given in document["endpoints"][f"{method} {path}"]["parameters"].items():
        rule = document["rules"][given] if isinstance(given, str) else given
        if name.endswith("[n]"):
            stem = name[:-3]
            bound = document["indexes"][stem]
            written.update({f"{stem}{index}": rule for index in range(bound + 1)})
        else:
            written[name] = rule
    return written


def merged(uri: dict[str, str], sent: dict[str, Any]) -> dict[str, Any]:
    """URI and sent parameters as one; saying both differently is refused first of all."""
    for key in sorted(sent):
        if key in uri and sent[key] != uri[key]:
            raise ApiError(400, FAILED, errors={key: CONFLICT})
    return {**sent, **uri}


def validate(path: str, method: str, values: dict[str, Any]) -> dict[str, Any]:
    """Check all parameters of a request; answers them with numbers and flags as integers.

    Raises ApiError(400) naming every parameter that is wrong.
    """
    rules = parameters(path, method)
    shaped = {key: _shaped(rules.get(key, {}), value) for key, value in values.items()}
    is_open = bool(_document()["endpoints"][f"{method} {path}"].get("additional"))
    errors = _validator().object_errors("", rules, shaped, is_open=is_open)
    if errors:
        raise ApiError(400, FAILED, errors=errors)
    given = {key: value for key, value in shaped.items() if value is not None}
    return {key: _native(rules.get(key, {}), value) for key, value in given.items()}


def _shaped(rule: Rule, value: Any) -> Any:
    """A repeated key is a list; one value makes a list too where one is wanted."""
    if rule.get("type") == "array" and isinstance(value, str) and value not in ("", "0"):
        return [value]
    if isinstance(value, list) and str(rule.get("format", "")).endswith("-list"):
        return ",".join(str(item) for item in value)
    return value


def _native(rule: Rule, value: Any) -> Any:
    kind = rule.get("type")
    if kind in ("integer", "boolean"):
        return int(value)
    if kind == "number":
        return float(value)
    return value if kind == "array" else str(value)


def parsed(format_name: str, text: str) -> dict[str, str]:
    """Answer a valid property string as a dictionary."""
    return _validator().property_values(format_name, text)
