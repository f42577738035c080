"""The guest's agent in memory."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.base.errors import Failed
from integrations.proxmox.errors import PROVIDER, AgentAbsent, GuestNotRunning, RunUnknown
from integrations.proxmox.fake.calls import FakeCalls
from integrations.proxmox.interface import AgentCalls, AgentRun, PowerState


@dataclass(slots=True)
class FakeProgram:
    """A program that was started in a guest."""

    vmid: int
    polls_left: int
    outcome: AgentRun


_PROGRAMS = ("sh", "echo", "true", "false")


class FakeAgents(FakeCalls, AgentCalls):
    """Implements `AgentCalls` in memory; a guest has an agent when its configuration says so."""

    def agent_ping(self, node: str, vmid: int) -> bool:
        with self._call("agent_ping", node=node, vmid=vmid):
            guest = self._guest(node, vmid)
            return guest.power is PowerState.RUNNING and guest.config.has_agent

    def agent_exec_submit(
        self, *, node: str, vmid: int, command: tuple[str, ...], stdin: str = ""
    ) -> int:
        with self._call("agent_exec_submit", node=node, vmid=vmid, command=command, stdin=stdin):
            self._awake(node, vmid)
            if command[0] not in _PROGRAMS:
                raise Failed(f"no such program: {command[0]}", provider=PROVIDER)
            pid = next(self._numbers)
            outcome = AgentRun(
                is_running=False, exit_code=_code(command, stdin), output=_said(stdin)
            )
            self._programs[pid] = FakeProgram(vmid, self.polls_per_task, outcome)
            return pid

    def agent_exec_state(self, node: str, vmid: int, pid: int) -> AgentRun:
        with self._call("agent_exec_state", node=node, vmid=vmid, pid=pid):
            self._awake(node, vmid)
            program = self._programs.get(pid)
            if program is None or program.vmid != vmid:
                raise RunUnknown(f"PID {pid} does not exist", provider=PROVIDER)
            if program.polls_left > 0:
                program.polls_left -= 1
                return AgentRun(is_running=True)
            return program.outcome

    @property
    def _programs(self) -> dict[int, FakeProgram]:
        programs: dict[int, FakeProgram] = self.__dict__.setdefault("_programs_by_pid", {})
        return programs

    def _awake(self, node: str, vmid: int) -> None:
        guest = self._guest(node, vmid)
        if guest.power is not PowerState.RUNNING:
            raise GuestNotRunning(f"VM {vmid} is not running", provider=PROVIDER)
        if not guest.config.has_agent:
            raise AgentAbsent("QEMU guest agent is not running", provider=PROVIDER)


def _said(stdin: str) -> str:
    lines = (line.strip() for line in stdin.splitlines())
    return "".join(f"{line.removeprefix('echo ')}\n" for line in lines if line.startswith("echo "))


def _code(command: tuple[str, ...], stdin: str) -> int:
    if command[0] == "false":
        return 1
    last = stdin.strip().splitlines()[-1:]
    word, _, code = last[0].partition(" ") if last else ("", "", "")
    return int(code) if word == "exit" and code.isdigit() else 0
