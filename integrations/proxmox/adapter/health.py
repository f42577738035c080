"""How a guest is, asked over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from integrations.base.errors import AccessRefused, Permanent, Unavailable
from integrations.base.registry import GateClosed
from integrations.proxmox import mapping
from integrations.proxmox.adapter.calls import PAGE_LIMIT, ProxmoxCalls
from integrations.proxmox.errors import AgentAbsent, GuestNotRunning, NodeUnreachable
from integrations.proxmox.interface import HealthCalls

PING_TIMEOUT_S: Final = 5.0
_HALTS: Final = frozenset({"qmstop", "qmshutdown", "qmsuspend", "hastop"})


class ProxmoxHealth(ProxmoxCalls, HealthCalls):
    """Implements `HealthCalls` over one cluster's API."""

    def agent_answers(self, node: str, vmid: int) -> bool | None:
        # The shortest question that is a read: the ping itself is a POST there.
        try:
            self._guest_read(node, vmid, "agent", "get-time", timeout_s=PING_TIMEOUT_S)
        except AgentAbsent as error:
            return False if "is not running" in error.message else None
        except (
            Unavailable,
            GateClosed,
            GuestNotRunning,
            NodeUnreachable,
            AccessRefused,
            Permanent,
        ):
            return None
        return True

    def halted_by(self, node: str, vmid: int, since: datetime) -> str:
        tasks = self._transport.read(
            "nodes",
            node,
            "tasks",
            params={
                "source": "all",
                "vmid": vmid,
                "since": int(since.timestamp()),
                "limit": PAGE_LIMIT,
            },
        )
        ours = self._transport.endpoint.token_id
        for task in mapping.listed_tasks(tasks):
            if task.kind in _HALTS:
                return "" if task.owner == ours else task.owner
        return ""
