"""The validator: types, formats, bounds and dependencies, in the words of Proxmox VE."""

from __future__ import annotations

import re
from typing import Any

from integrations.proxmox.simulator import formats

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_BOOLEANS = {
    **dict.fromkeys(("1", "on", "yes", "true"), "1"),
    **dict.fromkeys(("0", "off", "no", "false"), "0"),
}

Rule = dict[str, Any]
Errors = dict[str, str]


def _add(errors: Errors, path: str, text: str) -> None:
    """Two complaints about one parameter are glued, with the original's own backslash."""
    errors[path] = f"{errors[path]}\\n{text}" if path in errors else text


def _inner(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _type_refusal(rule: Rule, value: Any) -> str:
    kind = rule.get("type")
    if kind is None:
        return ""
    if kind == "array":
        return "" if isinstance(value, list) else "type check ('array') failed"
    if isinstance(value, bool):
        return "" if kind == "boolean" else f"type check ('{kind}') failed - got JSON::PP::Boolean"
    if isinstance(value, list | dict):
        word = "ARRAY" if isinstance(value, list) else "HASH"
        return f"type check ('{kind}') failed - got {word}"
    patterns = {"integer": _INTEGER, "number": _NUMBER, "boolean": re.compile("[01]")}
    if kind in patterns and not patterns[kind].fullmatch(value):
        return f"type check ('{kind}') failed - got '{value}'"
    return ""


def _shape_refusal(rule: Rule, text: str) -> str:
    """The first of pattern, length, bounds and enumeration that does not fit."""
    if "pattern" in rule and not re.fullmatch(rule["pattern"], text):
        return "value does not match the regex pattern"
    if "maxLength" in rule and len(text) > rule["maxLength"]:
        return f"value may only be {rule['maxLength']} characters long"
    if "minLength" in rule and len(text) < rule["minLength"]:
        return f"value must be at least {rule['minLength']} characters long"
    if _NUMBER.fullmatch(text):
        if "maximum" in rule and float(text) > rule["maximum"]:
            return f"value must have a maximum value of {rule['maximum']}"
        if "minimum" in rule and float(text) < rule["minimum"]:
            return f"value must have a minimum value of {rule['minimum']}"
    if "enum" in rule and text not in rule["enum"]:
        listed = ", ".join(rule["enum"])
        return f"value '{text}' does not have a value in the enumeration '{listed}'"
    return ""


class Validator:
    """Knows the property strings; the other formats are in `formats`."""

    def __init__(self, properties: dict[str, dict[str, Rule]]) -> None:
        self._properties = properties

    def object_errors(
        self, path: str, rules: dict[str, Rule], values: dict[str, Any], *, is_open: bool = False
    ) -> Errors:
        """Answer what is wrong, by parameter; a value of None was not given."""
        errors: Errors = {}
        for key, rule in rules.items():
            self._check(_inner(path, key), rule, values.get(key), errors)
        for key in values:
            own = _inner(path, key)
            if key not in rules or _is_elsewhere(rules[key], values):
                if not is_open:
                    _add(errors, own, UNKNOWN)
                continue
            needed = rules[key].get("requires")
            if needed and values.get(needed) is None:
                _add(errors, _inner(path, needed), f"missing property required by '{own}'")
        return errors

    def _check(self, path: str, rule: Rule, value: Any, errors: Errors) -> None:
        if "alias" in rule:
            return
        if value is None:
            if not rule.get("optional"):
                _add(errors, path, MISSING)
            return
        refused = _type_refusal(rule, value)
        if refused:
            _add(errors, path, refused)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                self._check(f"{path}[{number}]", rule.get("items", {}), item, errors)
        else:
            text = str(int(value)) if isinstance(value, bool) else str(value)
            wrong = self._format_refusal(rule, text, path)
            refused = f"invalid format - {wrong}" if wrong else _shape_refusal(rule, text)
            if refused:
                _add(errors, path, refused)

    def _format_refusal(self, rule: Rule, text: str, path: str) -> str:
        wanted = rule.get("format", "")
        if wanted not in self._properties:
            return formats.refusal(wanted, text)
        try:
            values = self.property_values(wanted, text)
        except ValueError as error:
            return f"{error}\n"
        rules = self._properties[wanted]
        errors = self.object_errors(path, rules, values)
        if errors:
            return "format error\n" + "".join(f"{key}: {why}\n" for key, why in errors.items())
        models = rules.get("reported-model", {}).get("enum", [])
        return formats.property_refusal(wanted, values, models)

    def property_values(self, name: str, text: str) -> dict[str, str]:
        """Read `a=1,b=2` with its default key and aliases.

        Raises ValueError in the words of the original.
        """
        rules = self._properties[name]
        default = next((key for key, rule in rules.items() if rule.get("default_key")), "")
        values: dict[str, str] = {}
        was_default = False
        for part in (piece for piece in text.split(",") if piece.strip()):
            key, separator, value = part.partition("=")
            if separator:
                _put(rules, values, key, value)
                continue
            if not default:
                raise ValueError("value without key, but schema does not define a default key")
            if was_default or values.get(default):
                raise ValueError(f"duplicate key in comma-separated list property: {default}")
            was_default = True
            values[default] = _spelled(rules[default], part)
        return values


def _put(rules: dict[str, Rule], values: dict[str, str], key: str, value: str) -> None:
    if not key or not value:
        raise ValueError("missing key in comma-separated list property")
    if key in values:
        raise ValueError(f"duplicate key in comma-separated list property: {key}")
    rule = rules.get(key, {})
    if alias := rule.get("alias"):
        if named := rule.get("keyAlias"):
            if named in values:
                raise ValueError(f"key alias '{named}' is already defined")
            values[named] = key
        key = alias
        if key in values:
            raise ValueError(f"key '{key}' is already defined (via alias)")
    if key not in rules:
        raise ValueError(f"invalid key in comma-separated list property: {key}")
    values[key] = _spelled(rules[key], value)


def _spelled(rule: Rule, value: str) -> str:
    return _BOOLEANS.get(value.lower(), value) if rule.get("type") == "boolean" else value


def _is_elsewhere(rule: Rule, values: dict[str, Any]) -> bool:
    """Tell whether the parameter belongs to another type of the same object."""
    chooser = rule.get("type-property", "")
    return bool(chooser) and values.get(chooser) not in rule.get("instance-types", [])
