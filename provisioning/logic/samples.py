"""What a probe may say: bounded numbers and two short texts, whatever it sends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext

from portal.kernel.errors import Fault, InvalidInput

BODY_MOST: Final = 8192
_BYTES_MOST: Final = 2**60
_REQUIRED: Final = ("cpu_percent", "memory_used", "memory_size")
_WHOLE: Final = (
    "uptime_s",
    "cpu_cores",
    "memory_used",
    "memory_size",
    "disk_used",
    "disk_size",
    "disk_read_total",
    "disk_write_total",
    "net_in_total",
    "net_out_total",
)
_CORES_MOST: Final = 100_000
_SYSTEM_MOST: Final = 120


@dataclass(frozen=True, slots=True)
class ProbeSample:
    """One word of a probe."""

    cpu: float
    figures: Mapping[str, int]
    system: str


def sample_parse(body: object) -> ProbeSample:
    """Return what a probe said. Raises InvalidInput with every fault; unknown names are left aside."""
    if not isinstance(body, dict):
        raise InvalidInput(gettext("The body must be a JSON object."))
    faults = [_missing(name) for name in _REQUIRED if body.get(name) is None]
    figures: dict[str, int] = {}
    for name in _WHOLE:
        value = body.get(name)
        if value is None:
            continue
        most = _CORES_MOST if name == "cpu_cores" else _BYTES_MOST
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            faults.append(_wrong(name, most))
        else:
            figures[name] = value
    cpu = body.get("cpu_percent")
    is_number = isinstance(cpu, int | float) and not isinstance(cpu, bool)
    if cpu is not None and (not is_number or not math.isfinite(cpu) or not 0 <= cpu <= 100):
        faults.append(_wrong("cpu_percent", 100))
    faults += [_too_much(of) for of in ("memory", "disk") if _is_beyond(figures, of)]
    if faults:
        raise InvalidInput(faults=tuple(faults))
    return ProbeSample(float(cpu or 0), figures, _system(body.get("system")))


def _system(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(letter for letter in text if letter.isprintable())[:_SYSTEM_MOST]


def _is_beyond(figures: Mapping[str, int], of: str) -> bool:
    return figures.get(f"{of}_used", 0) > figures.get(f"{of}_size", _BYTES_MOST)


def _missing(name: str) -> Fault:
    return Fault(name, "required", gettext("This field is required."))


def _wrong(name: str, most: int) -> Fault:
    return Fault(name, "invalid", gettext("A number from 0 to %(most)s.") % {"most": most})


def _too_much(of: str) -> Fault:
    return Fault(f"{of}_used", "invalid", gettext("More is used than there is."))
