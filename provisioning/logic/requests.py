"""What may be asked for, pure: names, tags, bounds, parameters of a template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext

from portal.kernel.errors import Fault

NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
HOSTNAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
TAG: Final = re.compile(r"[a-z0-9_][a-z0-9_.+-]{0,39}")
EMAIL: Final = re.compile(r"(?=.{3,200}$)[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
TAGS_MAX: Final = 20
TEXT_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class DeploymentRequest:
    """What a person asks for; None takes the template's default."""

    template: str
    name: str
    cpu_cores: int | None = None
    memory_mb: int | None = None
    disk_gb: int | None = None
    ttl_hours: int | None = None
    hostname: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()


def name_fault(name: str) -> Fault | None:
    """A name is one DNS label: it becomes the guest's host name."""
    if NAME.fullmatch(name):
        return None
    return Fault(
        "name",
        "invalid",
        gettext(
            "Use 1 to 63 lower-case letters, digits and hyphens; start and end with a letter or digit."
        ),
    )


def hostname_fault(hostname: str) -> Fault | None:
    """A host name is a DNS name of at most 253 characters."""
    if HOSTNAME.fullmatch(hostname):
        return None
    return Fault(
        "hostname", "invalid", gettext("Use a DNS name such as app.example.org, in lower case.")
    )


def tags_fault(tags: Sequence[str]) -> Fault | None:
    """Tags are what the hypervisor accepts too."""
    if len(tags) > TAGS_MAX:
        return Fault("tags", "max_length", gettext("At most %(most)s tags.") % {"most": TAGS_MAX})
    for tag in tags:
        if not TAG.fullmatch(tag):
            message = gettext(
                "%(tag)s is no tag: lower-case letters, digits and _ - + . (at most 40)."
            ) % {"tag": repr(tag[:40])}
            return Fault("tags", "invalid", message)
    return None


def bound_fault(name: str, value: int, *, low: int, high: int, unit: str) -> Fault | None:
    """A figure within the template's limits."""
    if low <= value <= high:
        return None
    return Fault(
        name,
        "out_of_range",
        gettext("%(value)s %(unit)s is outside the limits: %(low)s to %(high)s %(unit)s.")
        % {"value": value, "unit": gettext(unit), "low": low, "high": high},
    )


def parameters_resolved(
    options: Sequence[Mapping[str, Any]], given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    """The template's options with what was given; unknown keys and wrong types are faults.

    An option is `{"key", "label", "type", "choices"?, "default"?, "hint"?, "is_required"?}` with a type of
    `boolean`, `choice`, `string`, `hostname` or `email`.
    """
    known = {str(option["key"]): option for option in options}
    faults = [
        Fault(f"parameters.{key}", "unknown", gettext("The template has no such option."))
        for key in given
        if key not in known
    ]
    resolved: dict[str, Any] = {}
    for key, option in known.items():
        value = given.get(key, option.get("default"))
        if key in given and not _fits(option, value):
            faults.append(Fault(f"parameters.{key}", "invalid", _expectation(option)))
        elif option.get("is_required") and value in {None, ""}:
            faults.append(Fault(f"parameters.{key}", "required", gettext("This is needed.")))
        resolved[key] = value
    return resolved, faults


def _fits(option: Mapping[str, Any], value: Any) -> bool:
    match option.get("type"):
        case "boolean":
            return isinstance(value, bool)
        case "choice":
            return value in option.get("choices", [])
        case "hostname":
            return value == "" or (isinstance(value, str) and bool(HOSTNAME.fullmatch(value)))
        case "email":
            return value == "" or (isinstance(value, str) and bool(EMAIL.fullmatch(value)))
        case _:
            return isinstance(value, str) and len(value) <= TEXT_MAX and value.isprintable()


def _expectation(option: Mapping[str, Any]) -> str:
    match option.get("type"):
        case "boolean":
            return gettext("Must be true or false.")
        case "choice":
            return gettext("Must be one of %(choices)s.") % {
                "choices": ", ".join(map(str, option.get("choices", [])))
            }
        case "hostname":
            return gettext("Use a DNS name such as app.example.org, in lower case.")
        case "email":
            return gettext("Use an e-mail address such as admin@example.org.")
        case _:
            return gettext("Must be text of at most %(most)s printable characters.") % {
                "most": TEXT_MAX
            }
