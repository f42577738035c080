"""What people may say in a hook or a webhook; everything that is wrong is told at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from integrations.base.errors import Permanent
from integrations.base.http import url_check
from portal.kernel.errors import Fault
from provisioning.logic.hook_states import BLOCKING_EVENTS, HookEvent, HookType, OnFailure
from provisioning.logic.webhook_events import webhook_event

NAME_LIMIT: Final = 100
TIMEOUT_S: Final = 30
_ENTRIES_MOST: Final = 20
_VALUE_LIMIT: Final = 2000
_HEADER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}")
_OWN_HEADERS: Final = re.compile(
    r"(?i)host|content-(length|type|encoding)|transfer-encoding|connection|upgrade|te|trailer"
    r"|user-agent|webhook-.*"
)
_ENV: Final = re.compile(r"HOOK_[A-Z0-9_]{1,58}")
_SCRIPT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,58}(\.[a-z0-9]{1,5})?")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class HookConfig:
    """How a hook runs. Secret values are kept apart; here stand their names alone."""

    headers: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    secret_headers: tuple[str, ...] = ()
    secret_env: tuple[str, ...] = ()
    timeout: int = TIMEOUT_S
    blocking: bool = False
    on_failure: str = OnFailure.OPEN
    is_idempotent: bool = False

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> HookConfig:
        """The configuration in a row."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        for name in ("secret_headers", "secret_env"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)

    def stored(self) -> dict[str, Any]:
        """The same as a row keeps it."""
        return {
            "headers": dict(self.headers),
            "env": dict(self.env),
            "secret_headers": sorted(self.secret_headers),
            "secret_env": sorted(self.secret_env),
            "timeout": self.timeout,
            "blocking": self.blocking,
            "on_failure": str(self.on_failure),
            "is_idempotent": self.is_idempotent,
        }


def name_faults(name: str) -> list[Fault]:
    """What is wrong with a name."""
    if 1 <= len(name.strip()) <= NAME_LIMIT and name.isprintable():
        return []
    text = _("A name has 1 to %(most)s characters.") % {"most": NAME_LIMIT}
    return [Fault("name", "invalid", text)]


def url_faults(url: str, *, at: str) -> list[Fault]:
    """What is wrong with an address, in its form; where it leads is judged when it is used."""
    try:
        url_check(url)
    except Permanent as error:
        text = _("This is no address that can be reached: %(why)s.") % {"why": error.message}
        return [Fault(at, "invalid_url", text)]
    return []


def header_faults(headers: Mapping[str, str], *, at: str) -> list[Fault]:
    """What is wrong with headers that are sent along."""
    faults = _count_faults(headers, at)
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or _OWN_HEADERS.fullmatch(name):
            text = _("%(name)s cannot be set: it is no header's name, or uHub sets it itself.")
            faults.append(Fault(at, "invalid_header", text % {"name": name[:60]}))
        elif not _PRINTABLE.fullmatch(value) or len(value) > _VALUE_LIMIT:
            faults.append(_value_fault(at, name))
    return faults


def env_faults(env: Mapping[str, str], *, at: str) -> list[Fault]:
    """What is wrong with variables; their names begin so that none steers a shell or a linker."""
    faults = _count_faults(env, at)
    for name, value in env.items():
        if not _ENV.fullmatch(name):
            text = _("%(name)s: the name of a variable begins with HOOK_, in capital letters.")
            faults.append(Fault(at, "invalid_variable", text % {"name": name[:60]}))
        elif "\x00" in value or len(value) > _VALUE_LIMIT:
            faults.append(_value_fault(at, name))
    return faults


def target_faults(type_: str, target: str) -> list[Fault]:
    """What is wrong with what a hook leads to."""
    if type_ == HookType.HTTP:
        return url_faults(target, at="target")
    if _SCRIPT.fullmatch(target):
        return []
    text = _("A script is named by its file name in the approved directory, such as notify.sh.")
    return [Fault("target", "invalid_script", text)]


def run_faults(event: str, type_: str, config: HookConfig, *, longest_s: int) -> list[Fault]:
    """What does not fit together."""
    faults = []
    if not 1 <= config.timeout <= longest_s:
        text = _("A hook takes 1 to %(most)s seconds.") % {"most": longest_s}
        faults.append(Fault("timeout", "invalid", text))
    if config.blocking and event not in {str(known) for known in BLOCKING_EVENTS}:
        text = _("Only what runs before something can hold it up: %(events)s.")
        names = ", ".join(sorted(str(known) for known in BLOCKING_EVENTS))
        faults.append(Fault("blocking", "cannot_block", text % {"events": names}))
    if config.on_failure not in OnFailure.values:
        faults.append(Fault("on_failure", "invalid_choice", _("Choose open or closed.")))
    if type_ == HookType.SCRIPT and (config.headers or config.secret_headers):
        faults.append(Fault("headers", "invalid", _("A script has no headers; use variables.")))
    if type_ == HookType.HTTP and (config.env or config.secret_env):
        faults.append(Fault("env", "invalid", _("An address has no variables; use headers.")))
    return faults


def kind_faults(event: str, type_: str) -> list[Fault]:
    """What is wrong with a hook's moment and kind."""
    faults = []
    if event not in HookEvent.values:
        faults.append(Fault("event", "invalid_choice", _("There is no such moment.")))
    if type_ not in HookType.values:
        faults.append(Fault("type", "invalid_choice", _("Choose http or script.")))
    return faults


def event_faults(events: list[str]) -> list[Fault]:
    """What is wrong with a choice of events."""
    if not events:
        return [Fault("events", "required", _("Choose at least one event."))]
    strangers = [name for name in events if webhook_event(name) is None]
    if strangers:
        text = _("There is no event %(name)s.") % {"name": strangers[0][:60]}
        return [Fault("events", "invalid_choice", text)]
    return []


def _count_faults(entries: Mapping[str, str], at: str) -> list[Fault]:
    if len(entries) <= _ENTRIES_MOST:
        return []
    text = _("At most %(most)s entries are possible.") % {"most": _ENTRIES_MOST}
    return [Fault(at, "too_many", text)]


def _value_fault(at: str, name: str) -> Fault:
    text = _("%(name)s: the value is longer than %(most)s characters, or has forbidden ones.")
    return Fault(at, "invalid_value", text % {"name": name, "most": _VALUE_LIMIT})
