"""How a machine is asked whether it works: read from what people typed, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

KINDS: Final = ("tcp", "http")
TIMEOUT_MOST_S: Final = 15
INTERVAL_S: Final = (10, 3600)
PATH_MOST: Final = 300
_PATH: Final = re.compile(r"/[!-~]*")
_KEYS: Final = frozenset({"kind", "port", "path", "expected_status", "interval_s", "timeout_s"})


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to a machine's own address; without `expected_status` 200 to 399 are right."""

    kind: str
    port: int
    path: str = "/"
    expected_status: int | None = None
    interval_s: int | None = None
    timeout_s: float = 5.0

    @property
    def label(self) -> str:
        """How it is shown, such as `http :8080/healthz`."""
        return f"{self.kind} :{self.port}{'' if self.kind == 'tcp' else self.path}"


def probe_faults(value: Any) -> dict[str, str]:
    """What is wrong with a probe that somebody typed, by key; nothing is wrong with none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return {"": _("must be an object, or null for no probe")}
    faults = {
        str(key)[:40]: _("is no part of a probe; there are %(keys)s")
        % {"keys": ", ".join(sorted(_KEYS))}
        for key in value
        if key not in _KEYS
    }
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        faults["kind"] = _("must be tcp or http")
    bounds = {"port": (1, 65_535), "interval_s": INTERVAL_S, "expected_status": (100, 599)}
    for key, (low, high) in bounds.items():
        if key in value or key == "port":
            faults |= _bound_fault(key, value.get(key), low, high)
    if "timeout_s" in value:
        faults |= _bound_fault("timeout_s", value["timeout_s"], 1, TIMEOUT_MOST_S)
    path = value.get("path", "/")
    if not isinstance(path, str) or len(path) > PATH_MOST or not _PATH.fullmatch(path):
        faults["path"] = _(
            "must begin with / and have at most %(most)s characters without blanks"
        ) % {"most": PATH_MOST}
    return faults


def _bound_fault(key: str, value: Any, low: int, high: int) -> dict[str, str]:
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return {}
    text = _("must be a whole number from %(low)s to %(high)s")
    return {key: text % {"low": low, "high": high}}


def probe_validate(value: Any) -> None:
    """Django's form of the same. Raises ValidationError."""
    faults = probe_faults(value)
    if faults:
        raise ValidationError([f"{key} {text}".strip() for key, text in faults.items()])


def probe_of(value: Mapping[str, Any] | None) -> Probe | None:
    """The probe of a row; one that no longer passes the rules is as good as none."""
    if not value or probe_faults(value):
        return None
    return Probe(**value)
