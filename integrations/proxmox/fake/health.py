"""How guests are, in memory."""

from __future__ import annotations

from datetime import datetime

from integrations.proxmox.fake.calls import FakeCalls
from integrations.proxmox.interface import HealthCalls, PowerState


class FakeHealth(FakeCalls, HealthCalls):
    """Implements `HealthCalls` in memory: by VMID, `agents` answer and `halts` name who stopped what."""

    def agent_answers(self, node: str, vmid: int) -> bool | None:
        with self._call("agent_answers", node=node, vmid=vmid):
            is_running = self._guest(node, vmid).power is PowerState.RUNNING
            return self.agents.get(vmid) if is_running else None

    def halted_by(self, node: str, vmid: int, since: datetime) -> str:
        with self._call("halted_by", node=node, vmid=vmid, since=since):
            self._guest(node, vmid)
            who, at = self.halts.get(vmid, ("", since))
            return who if at >= since else ""
