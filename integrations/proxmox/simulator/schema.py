"""The request validator: types, formats, bounds and dependencies, in the words of Proxmox VE."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from integrations.proxmox.simulator import formats
from integrations.proxmox.simulator.errors import ApiError

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
CONFLICT = "duplicate parameter (already defined in URI) with conflicting values!"

Rule = dict[str, Any]


@cache
def _document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        Path(__file__).with_name("schema.json").read_text(encoding="utf-8")
    )
    return loaded


def endpoints() -> dict[str, dict[str, Rule]]:
    found: dict[str, dict[str, Rule]] = _document()["endpoints"]
    return found


@cache
def parameters(path: str, method: str) -> dict[str, Rule]:
    """Answer the rules of one endpoint, with indexed keys (`scsi[n]`) written out."""
    endpoint = endpoints()[path][method]
    shared = _document()["shared"].get(endpoint.get("include", ""), {})
    written: dict[str, Rule] = {}
    for name, rule in {**shared, **endpoint["parameters"]}.items():
        if name.endswith("[n]"):
            stem = name[:-3]
            bound = _document()["indexes"][stem]
            written.update({f"{stem}{index}": rule for index in range(bound + 1)})
        else:
            written[name] = rule
    return written


def _type_refusal(rule: Rule, value: str) -> str:
    kind = rule.get("type", "string")
    patterns = {
        "integer": r"[+-]?\d+",
        "number": r"[+-]?(\d+(\.\d*)?|\.\d+)",
        "boolean": r"[01]",
    }
    pattern = patterns.get(kind)
    if pattern and not re.fullmatch(pattern, value, re.ASCII):
        return f"type check ('{kind}') failed - got '{value}'"
    return ""


def _bounds_refusal(rule: Rule, value: str) -> str:
    if rule.get("type") not in ("integer", "number"):
        return ""
    number = float(value)
    if "minimum" in rule and number < rule["minimum"]:
        return f"value must have a minimum value of {rule['minimum']}"
    if "maximum" in rule and number > rule["maximum"]:
        return f"value must have a maximum value of {rule['maximum']}"
    return ""


def _text_refusal(rule: Rule, value: str) -> str:
    if "maxLength" in rule and len(value) > rule["maxLength"]:
        return f"value may only be {rule['maxLength']} characters long"
    if "minLength" in rule and len(value) < rule["minLength"]:
        return f"value must be at least {rule['minLength']} characters long"
    if "pattern" in rule and not re.fullmatch(rule["pattern"], value):
        return "value does not match the regex pattern"
    if "enum" in rule and value not in rule["enum"]:
        listed = ", ".join(rule["enum"])
        return f"value '{value}' does not have a value in the enumeration '{listed}'"
    return ""


def _format_refusal(rule: Rule, value: str, name: str) -> str:
    wanted = rule.get("format", "")
    schema = _document()["formats"].get(wanted)
    if schema is None:
        return formats.refusal(wanted, value)
    try:
        errors = property_errors(schema, value)
    except ValueError as error:
        return f"{error}\n"
    lines = "".join(f"{name}.{key}: {text.rstrip()}\n" for key, text in sorted(errors.items()))
    return f"format error\n{lines}" if errors else ""


def value_refusal(rule: Rule, value: Any, name: str = "") -> str:
    """Why this value breaks the rule, or an empty string."""
    if rule.get("type") == "array":
        items = value if isinstance(value, list) else [value]
        return next((t for t in (value_refusal(rule["items"], i, name) for i in items) if t), "")
    if isinstance(value, list):
        return f"type check ('{rule.get('type', 'string')}') failed - got ARRAY"
    text = str(value)
    refused = _type_refusal(rule, text)
    if not refused and (wrong := _format_refusal(rule, text, name)):
        refused = f"invalid format - {wrong}"
    return refused or _text_refusal(rule, text) or _bounds_refusal(rule, text)


def property_values(schema: dict[str, Rule], text: str) -> dict[str, str]:
    """Read `a=1,b=2` with its default key and aliases.

    Raises ValueError in the words of the original.
    """
    default = next((key for key, rule in schema.items() if rule.get("default_key")), "")
    values: dict[str, str] = {}
    for part in (piece for piece in text.split(",") if piece):
        key, separator, value = part.partition("=")
        if not separator:
            key, value = default, part
        if not key:
            raise ValueError("value without key, but schema does not define a default key")
        if key not in schema:
            raise ValueError(f"invalid key in comma-separated list property: {key}")
        name = schema[key].get("alias", key)
        if name in values:
            raise ValueError(f"duplicate key in comma-separated list property: {name}")
        values[name] = value
        if "keyAlias" in schema[key]:
            values[schema[key]["keyAlias"]] = key
    return values


def property_errors(schema: dict[str, Rule], text: str) -> dict[str, str]:
    """Which properties are wrong, and how."""
    values = property_values(schema, text)
    errors: dict[str, str] = {}
    for key, value in values.items():
        loose = {"1": "1", "0": "0", "on": "1", "off": "0", "yes": "1", "no": "0"}
        rule = schema[key]
        is_boolean = rule.get("type") == "boolean"
        refused = value_refusal(rule, loose.get(value.lower(), value) if is_boolean else value)
        if refused:
            errors[key] = refused
    errors.update(_absences(schema, values))
    return errors


def _absences(rules: dict[str, Rule], values: dict[str, Any]) -> dict[str, str]:
    absent: dict[str, str] = {}
    for key, rule in rules.items():
        needed = rule.get("requires")
        if key in values and needed and needed not in values:
            absent[needed] = f"missing property required by '{key}'"
        if key not in values and not rule.get("optional") and "alias" not in rule:
            absent[key] = MISSING
    return absent


def merged(uri: dict[str, str], sent: dict[str, Any]) -> dict[str, Any]:
    """URI and sent parameters as one; saying both differently is refused first of all."""
    conflicts = {
        key: CONFLICT for key, value in uri.items() if key in sent and str(sent[key]) != value
    }
    if conflicts:
        raise ApiError(400, "Parameter verification failed.", errors=conflicts)
    return {**sent, **uri}


def validate(path: str, method: str, values: dict[str, Any]) -> dict[str, Any]:
    """Check all parameters of a request; answers them with numbers and flags as integers.

    Raises ApiError(400) naming every parameter that is wrong.
    """
    rules = parameters(path, method)
    values = {key: _joined(rules.get(key, {}), value) for key, value in values.items()}
    errors = {key: UNKNOWN for key in values if key not in rules}
    for key, value in values.items():
        if key in rules and (refused := value_refusal(rules[key], value, key)):
            errors[key] = refused
    errors.update(_absences(rules, values))
    if errors:
        raise ApiError(400, "Parameter verification failed.", errors=errors)
    return {key: _native(rules[key], value) for key, value in values.items()}


def _joined(rule: Rule, value: Any) -> Any:
    """Glue a repeated key that is no array into one value, with NUL."""
    if isinstance(value, list) and rule.get("type") != "array":
        return "\0".join(str(item) for item in value)
    return value


def _native(rule: Rule, value: Any) -> Any:
    kind = rule.get("type")
    if kind in ("integer", "boolean"):
        return int(value)
    if kind == "array":
        return value if isinstance(value, list) else [value]
    return str(value)


def parsed(format_name: str, text: str) -> dict[str, str]:
    """Answer a valid property string as a dictionary."""
    return property_values(_document()["formats"][format_name], text)
