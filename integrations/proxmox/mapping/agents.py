"""What a guest's agent answers. A guest is its owner's: any text may come out of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.proxmox.errors import PROVIDER, MalformedAnswer
from integrations.proxmox.interface import AgentRun
from integrations.proxmox.mapping.values import flag, integer

OUTPUT_LIMIT: Final = 20_000


def agent_pid(answer: object) -> int | None:
    """The number of a program that was started."""
    return integer(answer.get("pid")) if isinstance(answer, Mapping) else None


def agent_run(answer: object) -> AgentRun:
    """How a program stands; of what it said the end, without control characters.

    Raises: MalformedAnswer.
    """
    if not isinstance(answer, Mapping):
        raise MalformedAnswer("no answer about a program", provider=PROVIDER)
    if not flag(answer.get("exited")):
        return AgentRun(is_running=True)
    code, signal = integer(answer.get("exitcode")), integer(answer.get("signal"))
    if code is None:
        code = 128 + signal if signal is not None else None
    said = f"{_text(answer.get('out-data'))}{_text(answer.get('err-data'))}"
    return AgentRun(is_running=False, exit_code=code, output=said[-OUTPUT_LIMIT:])


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    end = value[-OUTPUT_LIMIT:]
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in end
    )
