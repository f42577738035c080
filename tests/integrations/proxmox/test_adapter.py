from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from integrations.base.errors import AccessRefused, Ambiguous, NotExecuted, Unavailable
from integrations.proxmox.adapter import ProxmoxHypervisor
from integrations.proxmox.errors import GuestAbsent, HostUnreachable, InvalidInput, MalformedAnswer
from integrations.proxmox.interface import CloudInit, TaskRef
from tests.integrations.proxmox.conftest import transport_make
from tests.integrations.proxmox.scripted import Reply, Request, ScriptedApi, refusal

UPID = "UPID:pve1:00004D0B:00045883:6B00E9A2:qmclone:9000:prov@pve!full:"
SINCE = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def hypervisor(api: ScriptedApi) -> ProxmoxHypervisor:
    return ProxmoxHypervisor(transport_make(api))


def routes(**replies: Reply) -> Callable[[Request], Reply]:
    """Answer by the last part of the path."""
    return lambda request: replies[request.path.rpartition("/")[2].replace("-", "_")]


def sent(api: ScriptedApi) -> list[tuple[str, str, dict[str, str]]]:
    return [(request.method, request.path, request.params) for request in api.requests]


def test_clone_sends_everything_in_one_call(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: Reply(data=UPID)
    ref = hypervisor.clone_submit(
        source_node="pve1",
        source_vmid=9000,
        new_vmid=101,
        name="web-1",
        marker="uhub:d:n",
        target_node="pve2",
        pool="prod",
        storage="ceph",
    )
    assert ref == TaskRef(UPID, "pve1")
    params = {
        "newid": "101",
        "name": "web-1",
        "description": "uhub:d:n",
        "target": "pve2",
        "pool": "prod",
        "storage": "ceph",
        "full": "1",
    }
    assert sent(api) == [("POST", "/nodes/pve1/qemu/9000/clone", params)]


def test_linked_clone_names_no_storage(api: ScriptedApi, hypervisor: ProxmoxHypervisor) -> None:
    api.script = lambda _: Reply(data=UPID)
    hypervisor.clone_submit(
        source_node="pve1",
        source_vmid=9000,
        new_vmid=101,
        name="web-1",
        marker="uhub:d:n",
        target_node="pve1",
        storage="ceph",
        is_full=False,
    )
    assert api.requests[0].params == {
        "newid": "101",
        "name": "web-1",
        "description": "uhub:d:n",
        "full": "0",
    }


def test_configure_sends_only_what_is_given(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: Reply(data=None)
    ref = hypervisor.configure_submit(
        node="pve1", vmid=101, memory_mb=1024, tags=(), cloud_init=CloudInit(address="dhcp")
    )
    assert ref is None
    params = {"memory": "1024", "ipconfig0": "ip=dhcp"}
    assert sent(api) == [("POST", "/nodes/pve1/qemu/101/config", params)]


def test_delete_never_touches_unreferenced_disks(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: Reply(data=UPID)
    hypervisor.delete_submit(node="pve1", vmid=101)
    assert sent(api) == [("DELETE", "/nodes/pve1/qemu/101", {"purge": "1"})]


@pytest.mark.parametrize("data", [None, "done", 7, {"upid": UPID}])
def test_write_whose_answer_names_no_task_is_ambiguous(
    data: object, api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: Reply(data=data)
    with pytest.raises(Ambiguous):
        hypervisor.start_submit(node="pve1", vmid=101)
    assert len(api.requests) == 1


def test_absence_of_another_guest_proves_nothing(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    text = "Configuration file 'nodes/pve1/qemu-server/102.conf' does not exist"
    api.script = lambda _: refusal(500, text)
    with pytest.raises(MalformedAnswer):
        hypervisor.guest_config("pve1", 101)


def test_guest_is_absent_when_vmid_is_free_and_cluster_has_quorum(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    quorum = Reply(data=[{"type": "cluster", "quorate": 1}])
    api.script = routes(resources=Reply(data=[]), nextid=Reply(data="101"), status=quorum)
    assert hypervisor.guest_find(101) is None


def test_empty_listing_without_quorum_proves_nothing(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    split = Reply(data=[{"type": "cluster", "quorate": 0}])
    api.script = routes(resources=Reply(data=[]), nextid=Reply(data="101"), status=split)
    with pytest.raises(Unavailable, match="quorum"):
        hypervisor.guest_find(101)


def test_guest_that_the_token_may_not_see_is_not_absent(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    taken = refusal(400, "Parameter verification failed.", errors={"vmid": "VM 101 already exists"})
    api.script = routes(resources=Reply(data=[]), nextid=taken)
    with pytest.raises(AccessRefused, match="may not see"):
        hypervisor.guest_find(101)


@pytest.mark.parametrize("data", [None, {}, "x", [{"type": "qemu"}]])
def test_listing_that_is_none_proves_nothing(
    data: object, api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: Reply(data=data)
    with pytest.raises(Unavailable):
        hypervisor.guest_find(101)


def test_answer_about_another_vmid_proves_nothing(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: Reply(data="102")
    with pytest.raises(MalformedAnswer):
        hypervisor.is_vmid_free(101)


def test_vmid_outside_of_what_the_api_takes_is_refused(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    errors = {"vmid": "value must have a minimum value of 100"}
    api.script = lambda _: refusal(400, "Parameter verification failed.", errors=errors)
    with pytest.raises(InvalidInput, match="minimum value"):
        hypervisor.is_vmid_free(7)


def log(*lines: str) -> Reply:
    return Reply(data=[{"n": number, "t": line} for number, line in enumerate(lines, 1)])


def test_clone_search_asks_for_the_sources_tasks_a_little_earlier(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = routes(tasks=Reply(data=[]))
    hypervisor.clone_find(source_node="pve1", source_vmid=9000, new_vmid=101, since=SINCE)
    params = {
        "source": "all",
        "typefilter": "qmclone",
        "vmid": "9000",
        "since": str(int(SINCE.timestamp()) - 120),
        "limit": "500",
    }
    assert sent(api) == [("GET", "/nodes/pve1/tasks", params)]


def test_clone_of_another_token_is_not_ours(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    foreign = UPID.replace("!full", "!other")
    api.script = routes(
        tasks=Reply(data=[{"upid": foreign}]), log=log("creating a clone of VM 9000 with ID 101")
    )
    found = hypervisor.clone_find(source_node="pve1", source_vmid=9000, new_vmid=101, since=SINCE)
    assert found is None


def test_running_clone_that_does_not_say_what_it_makes_leaves_it_open(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = routes(
        tasks=Reply(data=[{"upid": UPID, "status": "RUNNING"}]),
        log=log("trying to acquire lock..."),
    )
    with pytest.raises(Unavailable, match="does not say yet"):
        hypervisor.clone_find(source_node="pve1", source_vmid=9000, new_vmid=101, since=SINCE)


def test_ended_clone_that_never_said_what_it_makes_made_nothing(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    ended = {"upid": UPID, "status": "can't lock file - got timeout", "endtime": 5}
    api.script = routes(tasks=Reply(data=[ended]), log=log("trying to acquire lock..."))
    found = hypervisor.clone_find(source_node="pve1", source_vmid=9000, new_vmid=101, since=SINCE)
    assert found is None


@pytest.mark.parametrize(
    "reply",
    [
        refusal(500, "QEMU guest agent is not running"),
        refusal(500, "No QEMU guest agent configured"),
        refusal(500, "VM 101 is not running"),
        refusal(403, "Permission check failed (/vms/101, VM.GuestAgent.Audit)"),
        Reply(status=596, reason="Connection timed out", body=b""),
        Reply(data={"result": {"error": {"class": "CommandNotFound", "desc": "x"}}}),
        Reply(data=None),
    ],
)
def test_addresses_are_none_for_every_reason_not_to_know_them(
    reply: Reply, api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: reply
    assert hypervisor.guest_addresses("pve1", 101) == ()


def test_addresses_of_an_absent_guest_are_an_error(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    text = "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist"
    api.script = lambda _: refusal(500, text)
    with pytest.raises(GuestAbsent):
        hypervisor.guest_addresses("pve1", 101)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=401, reason="Authentication failed!", body=b""), AccessRefused),
        (refusal(403, "Permission check failed"), AccessRefused),
        (refusal(500, "something new"), Unavailable),
        (Reply(status=500, reason="Oops", body=b"<html>"), Unavailable),
        (Reply(status=502, reason="Bad Gateway", body=b""), HostUnreachable),
        (Reply(status=503, reason="Down", body=b""), HostUnreachable),
        (Reply(status=595, reason="No route to host", body=b""), NotExecuted),
        (Reply(status=596, reason="Connection timed out", body=b""), Unavailable),
        (Reply(status=599, reason="Too many redirections", body=b""), Unavailable),
        (Reply(body=b"<html>sign in</html>"), Unavailable),
        (Reply(data="config"), MalformedAnswer),
        (Reply(is_dropped=True), Unavailable),
    ],
)
def test_no_other_answer_means_that_a_guest_is_absent(
    reply: Reply, kind: type[Exception], api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = lambda _: reply
    with pytest.raises(kind) as caught:
        hypervisor.guest_config("pve1", 101)
    assert not isinstance(caught.value, GuestAbsent)


def test_task_log_is_asked_from_the_line_it_was_left(
    api: ScriptedApi, hypervisor: ProxmoxHypervisor
) -> None:
    api.script = routes(status=Reply(data={"status": "running"}), log=log("a", "b"))
    state = hypervisor.task_state(TaskRef(UPID, "pve1"), log_from=40)
    assert (state.log_tail, state.log_next) == (("a", "b"), 42)
    assert api.requests[-1].params == {"start": "40", "limit": "500"}
