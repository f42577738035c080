"""The guest's agent over the API."""

from __future__ import annotations

from integrations.base.errors import Permanent
from integrations.proxmox import mapping
from integrations.proxmox.adapter.calls import ProxmoxCalls
from integrations.proxmox.errors import (
    PROVIDER,
    AgentAbsent,
    GuestNotRunning,
    RunUnknown,
    lost_answer,
)
from integrations.proxmox.interface import AgentCalls, AgentRun


class ProxmoxAgents(ProxmoxCalls, AgentCalls):
    """Implements `AgentCalls` over one cluster's API."""

    def agent_ping(self, node: str, vmid: int) -> bool:
        try:
            self._transport.write("POST", "nodes", node, "qemu", vmid, "agent", "ping")
        except (AgentAbsent, GuestNotRunning):
            return False
        return True

    def agent_exec_submit(
        self, *, node: str, vmid: int, command: tuple[str, ...], stdin: str = ""
    ) -> int:
        params = {"command": list(command), "input-data": stdin or None}
        answer = self._transport.write(
            "POST", "nodes", node, "qemu", vmid, "agent", "exec", params=params
        )
        pid = mapping.agent_pid(answer)
        if pid is None:
            raise lost_answer("the answer names no program", is_write=True)
        return pid

    def agent_exec_state(self, node: str, vmid: int, pid: int) -> AgentRun:
        try:
            answer = self._transport.read(
                "nodes", node, "qemu", vmid, "agent", "exec-status", params={"pid": pid}
            )
        except Permanent as error:
            if f"PID {pid} does not exist" not in error.message:
                raise
            raise RunUnknown(error.message, provider=PROVIDER) from error
        return mapping.agent_run(answer)
