"""On whose behalf something happens: the facts faults are matched with, and a log to speak to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Identity:
    """Who asks. `token` is empty for a person."""

    user: str
    token: str = ""

    @property
    def owner(self) -> str:
        return f"{self.user}!{self.token}" if self.token else self.user

    @property
    def is_root(self) -> bool:
        """root@pam in person: its tokens are refused what only root may do."""
        return self.owner == "root@pam"


@dataclass(slots=True)
class Scope:
    facts: dict[str, Any] = field(default_factory=dict)

    def say(self, line: str) -> None:
        """Say nothing: a synchronous request has no log."""


@dataclass(slots=True)
class Call:
    """One request on its way through the pipeline."""

    method: str
    path: str
    route: str
    params: dict[str, Any]
    identity: Identity
    node: str = ""
    scope: Scope = field(default_factory=Scope)

    @property
    def vmid(self) -> int:
        return int(self.params["vmid"])

    def flag(self, name: str) -> bool:
        return bool(int(self.params.get(name, 0) or 0))
