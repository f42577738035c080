"""Errors of Proxmox VE, and the one place where its words are turned into them.

Proxmox answers nearly every refusal with status 500 and a sentence, so the sentence has to be read.
Everything that is not recognised falls to the cautious side: unknown, or possibly executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from integrations.base.errors import (
    AccessRefused,
    AlreadyDone,
    Ambiguous,
    Failed,
    NeedsOperator,
    NotExecuted,
    Permanent,
    ProviderError,
    Unavailable,
)

PROVIDER: Final = "proxmox"
MESSAGE_LIMIT: Final = 1000


class GuestAbsent(ProviderError):
    """The API itself said that this node has no configuration for this VMID.

    The guest may still live on another node; `Hypervisor.guest_find` tells.
    """

    def __init__(self, node: str, vmid: int) -> None:
        super().__init__(f"guest {vmid} does not exist on node {node}", provider=PROVIDER)
        self.node = node
        self.vmid = vmid


class GuestLocked(NotExecuted):
    """The guest carries a configuration lock; nothing was done.

    It clears by itself while a task of that guest runs. Without such a task it is left over and
    only a root login can remove it: see `as_leftover`.
    """

    def __init__(self, lock: str) -> None:
        super().__init__(f"guest is locked ({lock})", provider=PROVIDER, retry_after_s=5.0)
        self.lock = lock

    def as_leftover(self, *, node: str, vmid: int) -> NeedsOperator:
        """Return the error for a lock that no running task explains, with the command to type."""
        return NeedsOperator(
            "guest_lock_leftover",
            f"guest {vmid} on {node} kept the lock ({self.lock}) of a task that has ended",
            f"qm unlock {vmid}",
            provider=PROVIDER,
        )


class SnippetMissing(Permanent):
    """The node has no such cloud-init document, so it makes no disc and the guest does not start."""

    def __init__(self, storage: str, name: str) -> None:
        super().__init__(f"storage {storage} has no snippet {name}", provider=PROVIDER)
        self.storage = storage
        self.name = name


class ConfigChanged(NotExecuted):
    """The configuration changed since its digest was read: read it again first."""


class VmidTaken(Permanent):
    """Somebody has this VMID: take another one, never adopt the guest behind it."""


class InvalidInput(Permanent):
    """The API refused parameters; `fields` holds its complaint by parameter."""

    def __init__(self, message: str, *, fields: Mapping[str, str]) -> None:
        super().__init__(message, provider=PROVIDER)
        self.fields = dict(fields)


class NodeUnreachable(NotExecuted):
    """The entry host could not reach the node the call is for."""


class HostUnreachable(Unavailable):
    """No API host gives an answer; as the error of a write it means that nothing was sent."""


class CertificateRefused(Permanent):
    """No API host shows the certificate that we trust; nothing was sent."""


class MalformedAnswer(Unavailable):
    """A read was answered with something that cannot be understood."""


class TaskUnknown(Ambiguous):
    """The node does not know the task: not visible yet, or rotated out of its list."""


class TaskCrashed(Failed):
    """The task's process died without a result and may have left a lock and half a guest."""


class AgentAbsent(Unavailable):
    """The guest runs no agent that answers."""


class RunUnknown(Ambiguous):
    """The guest's agent does not know the program: it ended long ago, or the guest was started anew."""


class GuestNotRunning(NotExecuted):
    """The call needs a running guest."""


class ScreenGone(Unavailable):
    """A guest's screen closed, or is none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An error answer as it came over the wire, reduced to what decides its class."""

    status: int
    text: str
    is_from_api: bool
    fields: Mapping[str, str] = field(default_factory=dict)


_Make = Callable[[str], ProviderError]

_CONFIG_ABSENT = re.compile(
    r"^Configuration file 'nodes/([A-Za-z0-9-]+)/qemu-server/(\d{3,9})\.conf' does not exist"
)
_SNIPPET_ABSENT = re.compile(
    r"volume '([A-Za-z][A-Za-z0-9_.-]{0,99}):snippets/([A-Za-z0-9_.-]{1,200})' does not exist"
)
_LOCKED = re.compile(r"VM is locked \(([a-z-]{1,32})\)")
_not_executed = partial(NotExecuted, provider=PROVIDER)
_no_quorum = partial(NotExecuted, provider=PROVIDER, retry_after_s=30.0)
_permanent = partial(Permanent, provider=PROVIDER)
_failed = partial(Failed, provider=PROVIDER)
_already_done = partial(AlreadyDone, provider=PROVIDER)

_PERMANENT_WORDS: Final = (
    r"does not exist",
    r"unable to find configuration file",
    r"not enough free space",
    r"no space left",
    r"shrinking",
    r"local storage|non-shared storage",
    r"protection mode",
    r"snapshot feature is not available",
    r"linked clone feature is not supported",
    r"not allowed for linked clones",
    r"no such cluster node|hostname lookup '.*' failed",
    r"only root (can|may)",
    r"if it's a template|to a template",
    r"unable to parse",
    r"still in use by linked clone",
)
_TAKEN_WORDS: Final = r"config file already exists|already exists on node|failed: File exists"
_CHANGED_WORDS: Final = r"checksum miss?match"

_STATUS_RULES: Final[Mapping[int, _Make]] = {
    401: partial(AccessRefused, provider=PROVIDER),
    403: partial(AccessRefused, provider=PROVIDER),
    429: partial(NotExecuted, provider=PROVIDER, retry_after_s=5.0),
    501: partial(Permanent, provider=PROVIDER),
    506: partial(Permanent, provider=PROVIDER),
    595: partial(NodeUnreachable, provider=PROVIDER, retry_after_s=5.0),
}

# Refusals before anything was started, read from the answer to the call itself.
_ANSWER_RULES: Final[tuple[tuple[re.Pattern[str], _Make], ...]] = tuple(
    (re.compile(words, re.IGNORECASE), make)
    for words, make in (
        (_TAKEN_WORDS, partial(VmidTaken, provider=PROVIDER)),
        (r"got no worker upid", _not_executed),
        (r"can't lock file .* got timeout", _not_executed),
        (r"got lock request timeout", _not_executed),
        (r"no quorum", _no_quorum),
        (_CHANGED_WORDS, partial(ConfigChanged, provider=PROVIDER)),
        (
            r"guest agent is not running|no qemu guest agent",
            partial(AgentAbsent, provider=PROVIDER),
        ),
        (r"VM \d+ (is )?not running", partial(GuestNotRunning, provider=PROVIDER)),
        ("|".join(_PERMANENT_WORDS), _permanent),
    )
)

# Results of tasks: here a lock timeout means that the work was begun and given up.
_TASK_RULES: Final[tuple[tuple[re.Pattern[str], _Make], ...]] = tuple(
    (re.compile(words, re.IGNORECASE), make)
    for words, make in (
        (r"^unexpected status", partial(TaskCrashed, provider=PROVIDER)),
        (_TAKEN_WORDS, partial(VmidTaken, provider=PROVIDER)),
        (_CHANGED_WORDS, partial(ConfigChanged, provider=PROVIDER)),
        (r"already running", _already_done),
        (r"got (lock request )?timeout|command timed out|is not online|interrupted", _failed),
        ("|".join(_PERMANENT_WORDS), _permanent),
    )
)


def answer_error(answer: Answer, *, is_write: bool) -> ProviderError:
    """Return the error that an answer with status 400 or above stands for."""
    text = answer.text[:MESSAGE_LIMIT] or f"status {answer.status}"
    if answer.is_from_api and answer.status == 400:
        return _invalid_input(answer, text)
    if answer.is_from_api and answer.status == 500:
        return _api_error(text, is_write=is_write)
    make = _STATUS_RULES.get(answer.status)
    if make is not None:
        return make(text)
    if answer.status in {502, 503, 504} and not is_write:
        return HostUnreachable(text, provider=PROVIDER)
    if answer.status < 500:
        return _permanent(f"not a Proxmox VE API: {text}")
    return lost_answer(text, is_write=is_write)


def lost_answer(text: str, *, is_write: bool) -> ProviderError:
    """Return the error for a call that was sent and whose effect is not known."""
    if is_write:
        return Ambiguous(text, provider=PROVIDER)
    return Unavailable(text, provider=PROVIDER)


def task_error(text: str) -> ProviderError:
    """Return the error that a task's exit status other than OK or WARNINGS stands for."""
    text = text[:MESSAGE_LIMIT]
    known = _guest_error(text)
    if known is not None:
        return known
    for pattern, make in _TASK_RULES:
        if pattern.search(text):
            return make(text)
    return _failed(text)


def _api_error(text: str, *, is_write: bool) -> ProviderError:
    known = _guest_error(text)
    if known is not None:
        return known
    for pattern, make in _ANSWER_RULES:
        if pattern.search(text):
            return make(text)
    return _failed(text) if is_write else Unavailable(text, provider=PROVIDER)


def _guest_error(text: str) -> ProviderError | None:
    absent = _CONFIG_ABSENT.match(text)
    if absent is not None:
        return GuestAbsent(absent.group(1), int(absent.group(2)))
    snippet = _SNIPPET_ABSENT.search(text)
    if snippet is not None:
        return SnippetMissing(snippet.group(1), snippet.group(2))
    locked = _LOCKED.search(text)
    return None if locked is None else GuestLocked(locked.group(1))


def _invalid_input(answer: Answer, text: str) -> ProviderError:
    complaint = answer.fields.get("upid", "")
    if "no such task" in complaint:
        return TaskUnknown(complaint, provider=PROVIDER)
    details = "; ".join(f"{name}: {words.strip()}" for name, words in answer.fields.items())
    return InvalidInput(f"{text} {details}".strip()[:MESSAGE_LIMIT], fields=answer.fields)
