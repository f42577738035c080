"""What uHub asks to know how a guest is: a sign of life, and whether somebody else switched it off."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class HealthCalls(Protocol):
    """Questions only; nothing here changes anything."""

    def agent_answers(self, node: str, vmid: int) -> bool | None:
        """Say whether the guest's agent gives a sign of life; None when that cannot be known.

        False only when the hypervisor itself says that a configured agent of a running guest is
        silent. Takes a few seconds at most, counts against no host, and raises nothing but
        GuestAbsent.
        """
        ...

    def halted_by(self, node: str, vmid: int, since: datetime) -> str:
        """Name who asked for the newest stop of a guest since then, or "" for nobody but us.

        A stop that we asked for is not named, nor one from within the guest.
        Raises: Unavailable, NodeUnreachable, AccessRefused without the right to see others' tasks.
        """
        ...
