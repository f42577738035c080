"""Condenses the published description of the API to `schema.json`: what a validator needs."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Rule = dict[str, Any]

KEPT = (
    "type", "optional", "minimum", "maximum", "minLength", "maxLength", "enum", "pattern",
    "format", "requires", "alias", "keyAlias", "default_key", "type-property", "instance-types",
)  # fmt: skip
NUMBERS = ("optional", "minimum", "maximum", "minLength", "maxLength", "default_key")
# how far `key[n]` goes; the published description says it in prose only
INDEXES = {
    "dev": 255, "hostpci": 15, "ide": 3, "ipconfig": 31, "mp": 255, "net": 31, "numa": 7,
    "parallel": 2, "sata": 5, "scsi": 30, "serial": 3, "unused": 255, "usb": 13, "virtio": 15,
    "virtiofs": 9,
}  # fmt: skip
# what 9.2 takes beyond the published description of 9.1
ADDED: dict[str, dict[str, Rule]] = {
    "PUT /access/users/{userid}/token/{tokenid}": {
        "regenerate": {"type": "boolean", "optional": 1},
    },
    "PUT /cluster/options": {"location": {"type": "string", "optional": 1}},
}


def _number(value: Any) -> Any:
    if isinstance(value, str):
        value = float(value) if "." in value else int(value)
    return int(value) if isinstance(value, bool) else value


def _pattern(text: str) -> str:
    """Perl writes the flags of a group as `(?^i:`, Python as `(?i:`."""
    return re.sub(r"\(\?\^u?(i?):", lambda flags: f"(?{flags[1]}:", text)


class Condenser:
    """Collects the named formats while it goes through the endpoints."""

    def __init__(self, formats: dict[str, Any]) -> None:
        self.formats: dict[str, dict[str, Rule]] = {
            name: self._properties(known["schema"])
            for name, known in formats.items()
            if known["kind"] == "property-string"
        }

    def rule(self, raw: Rule, name: str, family: str = "") -> Rule:
        kept = {key: raw[key] for key in KEPT if raw.get(key) is not None}
        kept |= {key: _number(kept[key]) for key in NUMBERS if key in kept}
        for key in ("optional", "default_key"):
            if not kept.get(key, 1):
                del kept[key]
        if "pattern" in kept:
            kept["pattern"] = _pattern(kept["pattern"])
        if isinstance(kept.get("format"), dict):
            kept["format"] = self._named(self._properties(kept["format"]), name, family)
        if "items" in raw:
            kept["items"] = self.rule(raw["items"], name, family)
        return kept

    def _properties(self, raw: dict[str, Rule]) -> dict[str, Rule]:
        return {name: self.rule(rule, name) for name, rule in sorted(raw.items())}

    def _named(self, properties: dict[str, Rule], name: str, family: str) -> str:
        """Keep a property string written in place under its parameter's name."""
        chosen = f"lxc-{name}" if family == "lxc" else name
        self.formats[chosen] = properties
        return chosen

    def endpoint(self, path: str, raw: dict[str, Any]) -> dict[str, Any]:
        family = "lxc" if "/lxc" in path else path.split("/")[1]
        properties = raw["parameters"].get("properties") or {}
        properties = {**properties, **ADDED.get(f"{raw['method']} {path}", {})}
        kept: dict[str, Any] = {
            "parameters": {n: self.rule(r, n, family) for n, r in sorted(properties.items())}
        }
        permissions = {k: v for k, v in raw.get("permissions", {}).items() if k != "description"}
        kept["permissions"] = permissions if "permissions" in raw else None
        for key in ("allowtoken", "protected", "proxyto"):
            if raw.get(key):
                kept[key] = raw[key]
        if raw["parameters"].get("additionalProperties"):
            kept["additional"] = 1
        return kept


def _shared(endpoints: dict[str, dict[str, Any]]) -> dict[str, Rule]:
    """Name the rules that appear more than once, and put the names in their place."""
    parameters = [e["parameters"] for methods in endpoints.values() for e in methods.values()]
    counted = Counter(
        (name, json.dumps(rule, sort_keys=True)) for p in parameters for name, rule in p.items()
    )
    names: dict[tuple[str, str], str] = {}
    for (name, text), count in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        if count > 1:
            taken = sum(1 for known, _ in names if known == name)
            names[name, text] = f"{name}/{taken + 1}" if taken else name
    for rules in parameters:
        for name, rule in rules.items():
            rules[name] = names.get((name, json.dumps(rule, sort_keys=True)), rule)
    return {chosen: json.loads(text) for (_, text), chosen in sorted(names.items())}


def _lines(name: str, rows: dict[str, Any]) -> str:
    written = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(rows.items()))
    return f' "{name}": {{\n{written}\n }}'


def condensed(published: dict[str, Any], formats: dict[str, Any]) -> str:
    """Answer the text of `schema.json`."""
    condenser = Condenser(formats)
    endpoints = {
        path: {method: condenser.endpoint(path, raw) for method, raw in sorted(methods.items())}
        for path, methods in sorted(published["endpoints"].items())
    }
    rules = _shared(endpoints)
    flat = {
        f"{method} {path}": endpoint
        for path, methods in endpoints.items()
        for method, endpoint in methods.items()
    }
    parts = [
        _lines("endpoints", flat),
        _lines("rules", rules),
        _lines("formats", condenser.formats),
        _lines("indexes", INDEXES),
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    read = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3]]
    sys.stdout.write(condensed(*read))
