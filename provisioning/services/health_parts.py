"""What is asked of machines for their health: their agents and probes, a few at a time. No rows here."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from integrations.base.addresses import Network
from integrations.base.errors import ProviderError
from integrations.base.probes import ProbeAnswer, Response, http_ask, tcp_ask
from integrations.proxmox.interface import Hypervisor
from portal.kernel.stored_text import stored_text
from portal.services.settings import setting_get
from provisioning.logic.health import AGENT, Part
from provisioning.logic.health_settings import NETWORKS
from provisioning.logic.probes import Probe
from provisioning.states import Verdict

# A silent agent holds a worker of the hypervisor's API for seconds, and a node has but a few of them.
AGENTS_AT_ONCE: Final = 2
PROBES_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Question:
    """One machine that runs: where, whether to ask its agent, and its probe with an address for it."""

    vmid: int
    node: str
    asks_agent: bool
    has_agent: bool
    probe: Probe | None
    address: str


def networks_of_machines() -> tuple[Network, ...]:
    """Where probes may go."""
    return tuple(ip_network(text) for text in setting_get(NETWORKS))


def questions_ask(
    hypervisor: Hypervisor | None, questions: Iterable[Question]
) -> dict[int, list[Part]]:
    """Asks all of them, a few at once; answers the parts by VMID."""
    wanted = list(questions)
    networks = networks_of_machines()
    found: dict[int, list[Part]] = {question.vmid: [] for question in wanted}
    to_agents = [one for one in wanted if one.asks_agent] if hypervisor is not None else []
    to_probes = [one for one in wanted if one.probe is not None]
    with (
        ThreadPoolExecutor(AGENTS_AT_ONCE, "health-agent") as agents,
        ThreadPoolExecutor(PROBES_AT_ONCE, "health-probe") as probes,
    ):
        told = agents.map(lambda one: _agent_part(hypervisor, one), to_agents)
        seen = probes.map(lambda one: _probe_part(one, networks), to_probes)
        for question, part in zip(to_agents, told, strict=True):
            found[question.vmid].append(part)
        for question, part in zip(to_probes, seen, strict=True):
            found[question.vmid].append(part)
    return found


def _agent_part(hypervisor: Hypervisor | None, question: Question) -> Part:
    try:
        answers = hypervisor.agent_answers(question.node, question.vmid) if hypervisor else None
    except ProviderError:
        answers = None
    if answers:
        return Part(AGENT, Verdict.OK, stored_text("The guest agent answers."))
    if answers is None:
        return Part(AGENT, Verdict.UNKNOWN, stored_text("The guest agent cannot be asked."))
    if not question.has_agent:
        return Part(AGENT, Verdict.UNKNOWN, stored_text("No guest agent has answered yet."))
    return Part(AGENT, Verdict.BAD, stored_text("The guest agent has fallen silent."))


def _probe_part(question: Question, networks: tuple[Network, ...]) -> Part:
    probe = question.probe
    if probe is None or not question.address:
        kind = probe.kind if probe else "tcp"
        return Part(kind, Verdict.UNKNOWN, stored_text("It has no address to ask yet."))
    answer = _asked(probe, question.address, networks)
    verdict = _VERDICTS.get(answer.response, Verdict.BAD)
    return Part(probe.kind, verdict, _text(probe, question, answer), answer.elapsed_ms or None)


def _asked(probe: Probe, address: str, networks: tuple[Network, ...]) -> ProbeAnswer:
    if probe.kind == "tcp":
        return tcp_ask(address, probe.port, networks=networks, timeout_s=probe.timeout_s)
    return http_ask(
        address,
        probe.port,
        probe.path,
        expected_status=probe.expected_status,
        networks=networks,
        timeout_s=probe.timeout_s,
    )


_VERDICTS: Final = {
    Response.ANSWERED: Verdict.OK,
    Response.FORBIDDEN: Verdict.UNKNOWN,
    Response.WAYLESS: Verdict.UNKNOWN,
}


def _text(probe: Probe, question: Question, answer: ProbeAnswer) -> str:
    match answer.response:
        case Response.ANSWERED:
            return stored_text("%(probe)s answers.", probe=probe.label)
        case Response.WRONG_STATUS:
            return stored_text(
                "%(probe)s answers %(status)s.", probe=probe.label, status=answer.status
            )
        case Response.REFUSED:
            return stored_text("%(probe)s refuses connections.", probe=probe.label)
        case Response.SILENT:
            return stored_text(
                "%(probe)s says nothing within %(seconds)s s.",
                probe=probe.label,
                seconds=f"{probe.timeout_s:g}",
            )
        case Response.FORBIDDEN:
            return stored_text(
                "%(address)s is in none of the machines' networks that probes may go to.",
                address=question.address[:60],
            )
        case Response.WAYLESS:
            return stored_text("uHub has no way to %(address)s.", address=question.address[:60])
        case _:
            return stored_text("%(probe)s breaks the connection off.", probe=probe.label)
