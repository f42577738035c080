from __future__ import annotations

import pytest

from integrations.base.errors import Ambiguous
from integrations.proxmox.transport import ProxmoxTransport
from tests.integrations.proxmox.scripted import Reply, ScriptedApi, always


class Recorder:
    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []

    def before(self, method: str, path: str) -> None:
        self.events.append(("before", method, path))

    def after(self, method: str, path: str, outcome: str) -> None:
        self.events.append(("after", method, path, outcome))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(ProxmoxTransport, "observer", recorder)
    return recorder


def test_observer_sees_a_call_before_and_after(
    api: ScriptedApi, transport: ProxmoxTransport, recorder: Recorder
) -> None:
    transport.write("POST", "nodes", "pve1", "qemu", 101, "clone")
    path = "/nodes/pve1/qemu/101/clone"
    assert recorder.events == [("before", "POST", path), ("after", "POST", path, "ok")]


def test_observer_sees_the_class_of_a_failure(
    api: ScriptedApi, transport: ProxmoxTransport, recorder: Recorder
) -> None:
    api.script = always(Reply(status=596, reason="Connection timed out", body=b""))
    with pytest.raises(Ambiguous):
        transport.write("POST", "x")
    assert recorder.events[-1] == ("after", "POST", "/x", "Ambiguous")


def test_observer_that_raises_before_keeps_the_call_from_being_sent(
    api: ScriptedApi, transport: ProxmoxTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kill(Recorder):
        def before(self, method: str, path: str) -> None:
            raise SystemExit(9)

    monkeypatch.setattr(ProxmoxTransport, "observer", Kill())
    with pytest.raises(SystemExit):
        transport.write("POST", "x")
    assert api.requests == []
