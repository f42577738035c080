from __future__ import annotations

import pytest

from integrations.base.errors import (
    AccessRefused,
    AlreadyDone,
    Ambiguous,
    Failed,
    NotExecuted,
    Permanent,
    ProviderError,
    Unavailable,
)
from integrations.proxmox.errors import (
    AgentAbsent,
    Answer,
    ConfigChanged,
    GuestAbsent,
    GuestLocked,
    GuestNotRunning,
    HostUnreachable,
    InvalidInput,
    NodeUnreachable,
    SnippetMissing,
    TaskCrashed,
    TaskUnknown,
    VmidTaken,
    answer_error,
    task_error,
)

ABSENT = "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist"
FLOCK = "can't lock file '/var/lock/qemu-server/lock-9000.conf' - got timeout"
STORAGE_LOCK = (
    "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout"
)

API_TEXTS: list[tuple[str, type[ProviderError]]] = [
    (ABSENT, GuestAbsent),
    ("VM is locked (clone)", GuestLocked),
    (FLOCK, NotExecuted),
    ("got no worker upid - start worker failed", NotExecuted),
    ("cfs-lock 'storage-x' error: got lock request timeout", NotExecuted),
    ("cluster not ready - no quorum?", NotExecuted),
    ("checksum mismatch (file change by other user?)", ConfigChanged),
    ("unable to create VM 9000: config file already exists", VmidTaken),
    ("unable to create VM 400 - VM 400 already exists on node 'pve2'", VmidTaken),
    ("unable to find configuration file for VM 777 on node 'pve1'", Permanent),
    ("storage 'nope' does not exist", Permanent),
    ("volume 'local:snippets/web.yml' does not exist", SnippetMissing),
    ("volume 'local:iso/web.iso' does not exist", Permanent),
    ("no such cluster node 'pve9'", Permanent),
    ("hostname lookup 'pve9' failed - failed to get address info for: pve9", Permanent),
    ("can't clone VM to node 'pve3' (VM uses local storage)", Permanent),
    ("can't remove VM 101 - protection mode enabled", Permanent),
    ("only root can set 'args' config", Permanent),
    ("QEMU guest agent is not running", AgentAbsent),
    ("No QEMU guest agent configured", AgentAbsent),
    ("VM 101 is not running", GuestNotRunning),
    ("VM 101 not running", GuestNotRunning),
    ("VM 101 is running - destroy failed", Failed),
    ("something new", Failed),
]

TASK_TEXTS: list[tuple[str, type[ProviderError]]] = [
    ("VM 101 already running", AlreadyDone),
    ("unexpected status", TaskCrashed),
    ("checksum mismatch (file change by other user?)", ConfigChanged),
    ("VM is locked (clone)", GuestLocked),
    ("volume 'local:snippets/web.yml' does not exist", SnippetMissing),
    (ABSENT, GuestAbsent),
    (STORAGE_LOCK, Failed),
    (FLOCK, Failed),
    ("interrupted by signal", Failed),
    ("storage 'ceph' is not online", Failed),
    ("VM quit/powerdown failed - got timeout", Failed),
    ("close (rename) atomic file '/etc/pve/nodes/pve1/110.conf' failed: File exists", VmidTaken),
    ("unable to create VM 110: config file already exists", VmidTaken),
    ("clone failed: not enough free space", Permanent),
    ("No space left on device", Permanent),
    ("shrinking disks is not supported", Permanent),
    ("you can't start a vm if it's a template", Permanent),
    ("snapshot feature is not available", Permanent),
    ("something new", Failed),
]


def api_500(text: str) -> Answer:
    return Answer(status=500, text=text, is_from_api=True)


@pytest.mark.parametrize(("text", "kind"), API_TEXTS)
def test_refused_write_gets_the_class_of_its_words(text: str, kind: type[ProviderError]) -> None:
    assert type(answer_error(api_500(text), is_write=True)) is kind


@pytest.mark.parametrize(("text", "kind"), TASK_TEXTS)
def test_failed_task_gets_the_class_of_its_words(text: str, kind: type[ProviderError]) -> None:
    assert type(task_error(text)) is kind


def test_unknown_refusal_of_a_read_means_unknown() -> None:
    assert type(answer_error(api_500("something new"), is_write=False)) is Unavailable


@pytest.mark.parametrize(
    ("status", "for_write", "for_read"),
    [
        (401, AccessRefused, AccessRefused),
        (403, AccessRefused, AccessRefused),
        (429, NotExecuted, NotExecuted),
        (404, Permanent, Permanent),
        (500, Ambiguous, Unavailable),
        (501, Permanent, Permanent),
        (502, Ambiguous, HostUnreachable),
        (503, Ambiguous, HostUnreachable),
        (504, Ambiguous, HostUnreachable),
        (506, Permanent, Permanent),
        (595, NodeUnreachable, NodeUnreachable),
        (596, Ambiguous, Unavailable),
        (597, Ambiguous, Unavailable),
        (598, Ambiguous, Unavailable),
        (599, Ambiguous, Unavailable),
    ],
)
def test_status_without_an_api_body_decides_alone(
    status: int, for_write: type[ProviderError], for_read: type[ProviderError]
) -> None:
    answer = Answer(status=status, text="Connection timed out", is_from_api=False)
    found = tuple(type(answer_error(answer, is_write=is_write)) for is_write in (True, False))
    assert found == (for_write, for_read)


def test_words_of_absence_from_something_else_than_the_api_prove_nothing() -> None:
    answer = Answer(status=500, text=ABSENT, is_from_api=False)
    assert type(answer_error(answer, is_write=False)) is Unavailable


@pytest.mark.parametrize("status", [400, 403, 502, 595, 596])
def test_words_of_absence_under_another_status_prove_nothing(status: int) -> None:
    answer = Answer(status=status, text=ABSENT, is_from_api=True)
    assert not isinstance(answer_error(answer, is_write=False), GuestAbsent)


def test_words_of_absence_inside_another_sentence_prove_nothing() -> None:
    assert type(task_error(f"clone failed: {ABSENT}")) is Permanent


def test_absence_names_node_and_vmid() -> None:
    error = answer_error(api_500(ABSENT), is_write=False)
    assert isinstance(error, GuestAbsent)
    assert (error.node, error.vmid) == ("pve1", 777)


def test_schema_refusal_keeps_the_complaint_of_each_field() -> None:
    answer = Answer(400, "Parameter verification failed.", True, {"newid": "type check failed\n"})
    error = answer_error(answer, is_write=True)
    assert isinstance(error, InvalidInput)
    assert error.fields == {"newid": "type check failed\n"}
    assert error.message == "Parameter verification failed. newid: type check failed"


def test_unknown_task_is_ambiguous() -> None:
    answer = Answer(400, "Parameter verification failed.", True, {"upid": "no such task"})
    assert type(answer_error(answer, is_write=False)) is TaskUnknown


def test_leftover_lock_names_the_command_for_the_operator() -> None:
    error = GuestLocked("clone").as_leftover(node="pve1", vmid=101)
    assert (error.code, error.command) == ("guest_lock_leftover", "qm unlock 101")


def test_message_of_absurd_length_is_cut() -> None:
    assert len(task_error("x" * 100_000).message) == 1000


@pytest.mark.parametrize(
    ("kind", "is_retryable"),
    [
        (NotExecuted, True),
        (Unavailable, True),
        (Ambiguous, True),
        (Failed, True),
        (Permanent, False),
        (AccessRefused, False),
        (AlreadyDone, False),
        (VmidTaken, False),
        (TaskUnknown, True),
    ],
)
def test_class_says_whether_the_operation_may_go_on(
    kind: type[ProviderError], is_retryable: bool
) -> None:
    assert kind.retryable is is_retryable
