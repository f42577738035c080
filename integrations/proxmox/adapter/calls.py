"""How the implementations of all subjects ask: about a guest, for a task, for a task's log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from integrations.base.errors import Ambiguous
from integrations.proxmox import mapping
from integrations.proxmox.errors import PROVIDER, GuestAbsent, MalformedAnswer, lost_answer
from integrations.proxmox.interface import TaskRef
from integrations.proxmox.transport import ProxmoxTransport

PAGE_LIMIT: Final = 500


class ProxmoxCalls:
    """What every subject's implementation is built on."""

    def __init__(self, transport: ProxmoxTransport) -> None:
        self._transport = transport

    def _guest_read(
        self, node: str, vmid: int, *segments: str, timeout_s: float | None = None
    ) -> Any:
        try:
            return self._transport.read("nodes", node, "qemu", vmid, *segments, timeout_s=timeout_s)
        except GuestAbsent as error:
            if (error.node, error.vmid) != (node, vmid):
                raise MalformedAnswer("an answer about another guest", provider=PROVIDER) from error
            raise

    def _task_submit(
        self,
        method: Literal["POST", "PUT", "DELETE"],
        node: str,
        vmid: int,
        *segments: str,
        params: Mapping[str, Any] | None = None,
    ) -> TaskRef:
        ref = self._change_submit(method, node, vmid, *segments, params=params)
        if ref is None:
            raise lost_answer("the answer names no task", is_write=True)
        return ref

    def _change_submit(
        self,
        method: Literal["POST", "PUT", "DELETE"],
        node: str,
        vmid: int,
        *segments: str,
        params: Mapping[str, Any] | None = None,
    ) -> TaskRef | None:
        return self._task_of(
            self._transport.write(method, "nodes", node, "qemu", vmid, *segments, params=params)
        )

    def _task_of(self, data: object) -> TaskRef | None:
        """The task a write was answered with, if it started one. Raises: Ambiguous."""
        if data is None:
            return None
        try:
            return mapping.task_ref(data)
        except ValueError as error:
            raise Ambiguous(str(error), provider=PROVIDER) from error

    def _task_log(self, ref: TaskRef, start: int, limit: int) -> tuple[str, ...]:
        lines = self._transport.read(
            "nodes", ref.node, "tasks", ref.upid, "log", params={"start": start, "limit": limit}
        )
        return mapping.log_lines(lines)
