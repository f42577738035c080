from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from integrations.base.errors import NotExecuted
from integrations.base.registry import GateClosed, HostGate, HostLimits, HostRegistry
from integrations.base.retry import Backoff


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> HostGate:
    limits = HostLimits(
        calls_in_flight=2,
        failures_to_open=3,
        wait_for_slot_s=0.01,
        cooldown=Backoff(first_s=10.0, limit_s=10.0),
    )
    return HostGate("pve1:8006", limits, clock=clock)


def fail(gate: HostGate, times: int) -> None:
    for _ in range(times):
        with gate.call():
            gate.failed()


def test_circuit_stays_closed_below_the_limit_of_failures(gate: HostGate) -> None:
    fail(gate, 2)
    assert gate.is_open is False


def test_circuit_opens_after_failures_in_a_row(gate: HostGate) -> None:
    fail(gate, 3)
    with pytest.raises(GateClosed, match="pve1:8006 does not answer"), gate.call():
        pass


def test_refusal_is_a_not_executed_error_with_a_waiting_time(gate: HostGate) -> None:
    fail(gate, 3)
    with pytest.raises(NotExecuted) as caught, gate.call():
        pass
    assert 5.0 <= (caught.value.retry_after_s or 0) <= 10.0


def test_an_answer_resets_the_count_of_failures(gate: HostGate) -> None:
    fail(gate, 2)
    gate.succeeded()
    fail(gate, 2)
    assert gate.is_open is False


def test_one_probe_passes_after_the_cooldown_and_closes_the_circuit(
    gate: HostGate, clock: Clock
) -> None:
    fail(gate, 3)
    clock.now_s += 11
    with gate.call():
        with pytest.raises(GateClosed), gate.call():
            pass
        gate.succeeded()
    assert gate.is_open is False


def test_a_failed_probe_opens_the_circuit_again_at_once(gate: HostGate, clock: Clock) -> None:
    fail(gate, 3)
    clock.now_s += 11
    fail(gate, 1)
    assert gate.is_open is True


def test_a_call_beyond_the_slots_is_refused_without_being_sent(gate: HostGate) -> None:
    with gate.call(), gate.call(), pytest.raises(GateClosed, match="busy"), gate.call():
        pass


def test_a_slot_is_free_again_after_an_error(gate: HostGate) -> None:
    for _ in range(5):
        with pytest.raises(ValueError, match="boom"), gate.call():
            raise ValueError("boom")
    with gate.call():
        pass


def test_a_waiting_call_goes_on_when_a_slot_is_given_back() -> None:
    gate = HostGate("pve1:8006", HostLimits(calls_in_flight=1, wait_for_slot_s=10.0))
    inside, leave, second = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with gate.call():
            inside.set()
            leave.wait(10)

    def follow() -> None:
        with gate.call():
            second.set()

    threads = [threading.Thread(target=hold), threading.Thread(target=follow)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    assert not second.is_set()
    leave.set()
    assert second.wait(10)
    for thread in threads:
        thread.join(10)


def test_registry_gives_every_client_of_a_host_the_same_gate() -> None:
    registry = HostRegistry()
    assert registry.gate("pve1:8006") is registry.gate("pve1:8006")


def test_registry_keeps_hosts_apart() -> None:
    registry = HostRegistry()
    assert registry.gate("pve1:8006") is not registry.gate("pve2:8006")


def test_opening_and_closing_are_logged_once_each() -> None:
    gate = HostGate("pve1:8006", HostLimits(failures_to_open=2))
    with capture_logs() as lines:
        for _ in range(4):
            gate.failed()
        gate.succeeded()
        gate.succeeded()
    assert [(line["event"], line["log_level"], line["host"]) for line in lines] == [
        ("host.does_not_answer", "warning", "pve1:8006"),
        ("host.answers_again", "info", "pve1:8006"),
    ]
