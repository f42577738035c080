from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.base.errors import ProviderError
from integrations.proxmox import mapping
from integrations.proxmox.errors import MalformedAnswer
from integrations.proxmox.interface import (
    CloudInit,
    Disk,
    GuestStatus,
    GuestSummary,
    NetworkCard,
    NodeSummary,
    PowerState,
    StorageSummary,
    TaskOutcome,
    TaskPhase,
    TaskRef,
)

UPID = "UPID:pve1:00004D0B:00045883:6B00E9A2:qmclone:9000:prov@pve!full:"
UUID = "1a822993-56c0-4f15-a65c-c36f86e36912"
CONFIG: dict[str, Any] = {
    "digest": "75d713422b6cb847c38f1c3a266cd07bfe05b3c0",
    "cores": 1,
    "agent": "1",
    "serial0": "socket",
    "memory": "512",
    "net0": "virtio=BC:24:11:B9:D5:85,bridge=vmbr0,tag=12",
    "description": "uhub:0192f0c1:n0nce\nput here by hand\n",
    "vmgenid": "74a9f1e7-f011-4914-8600-183f2c2c6443",
    "ide2": "local:101/vm-101-cloudinit.qcow2,media=cdrom,size=4M",
    "name": "web-1",
    "boot": "order=scsi0;ide2;net0",
    "scsihw": "virtio-scsi-pci",
    "scsi0": "local:101/vm-101-disk-0.qcow2,size=1G",
    "smbios1": f"uuid={UUID}",
    "tags": "prod;web",
}

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
KEYS = (
    "type vmid node status lock template upid t exitstatus result ip-addresses ip-address uptime "
    "maxmem storage content quorate version"
)
known_keys = st.sampled_from([*CONFIG, *KEYS.split()])
hostile = st.dictionaries(known_keys, junk) | st.lists(st.dictionaries(known_keys, junk)) | junk


def test_configuration_as_recorded() -> None:
    config = mapping.guest_config("pve1", 101, CONFIG)
    assert (config.name, config.cores, config.memory_mb, config.uuid) == ("web-1", 1, 512, UUID)
    assert (config.marker, config.tags, config.has_agent) == (
        "uhub:0192f0c1:n0nce",
        ("prod", "web"),
        True,
    )


def test_disks_as_recorded() -> None:
    assert mapping.guest_config("pve1", 101, CONFIG).disks == (
        Disk("ide2", "local", "local:101/vm-101-cloudinit.qcow2", 4 * 2**20, is_cdrom=True),
        Disk("scsi0", "local", "local:101/vm-101-disk-0.qcow2", 2**30),
    )


def test_network_cards_as_recorded() -> None:
    assert mapping.guest_config("pve1", 101, CONFIG).nets == (
        NetworkCard("net0", "virtio", "BC:24:11:B9:D5:85", "vmbr0", 12),
    )


def test_configuration_of_a_clone_in_its_first_moments() -> None:
    config = mapping.guest_config(
        "pve1", 101, {"lock": "clone", "description": "qmclone temporary file\n"}
    )
    assert (config.is_cloning, config.name, config.marker, config.uuid) == (True, None, None, None)


@pytest.mark.parametrize(
    ("memory", "memory_mb"), [("2048", 2048), (1024, 1024), ("current=4096", 4096), (None, 512)]
)
def test_memory_in_each_of_its_forms(memory: object, memory_mb: int) -> None:
    assert mapping.guest_config("pve1", 101, {"memory": memory}).memory_mb == memory_mb


@pytest.mark.parametrize(
    ("agent", "has_agent"),
    [("1", True), (1, True), ("enabled=1,fstrim=1", True), ("0", False), (None, False)],
)
def test_agent_in_each_of_its_forms(agent: object, has_agent: bool) -> None:
    assert mapping.guest_config("pve1", 101, {"agent": agent}).has_agent is has_agent


@pytest.mark.parametrize(
    ("smbios", "uuid"),
    [
        (f"uuid={UUID.upper()},base64=1", UUID),
        ("uuid=not-one", None),
        ("manufacturer=x", None),
        (None, None),
    ],
)
def test_uuid_is_taken_only_when_it_is_one(smbios: object, uuid: str | None) -> None:
    assert mapping.guest_config("pve1", 101, {"smbios1": smbios}).uuid == uuid


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("1G", 2**30),
        ("4M", 4 * 2**20),
        ("528K", 528 * 2**10),
        ("1.5T", 3 * 2**39),
        ("512", 512),
        ("x", None),
        ("-1G", None),
        (None, None),
    ],
)
def test_sizes(size: object, expected: int | None) -> None:
    assert mapping.size_bytes(size) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("100", 100),
        (100, 100),
        (99.9, 99),
        ("x", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 400, None),
        ([1], None),
    ],
)
def test_integers(value: object, expected: int | None) -> None:
    assert mapping.integer(value) == expected


@pytest.mark.parametrize(
    ("description", "marker"),
    [
        ("uhub:d1:n1", "uhub:d1:n1"),
        ("uhub:d1:n1\nmore", "uhub:d1:n1"),
        ("  uhub:d1:n1  \n", "uhub:d1:n1"),
        ("note\nuhub:d1:n1", None),
        ("see uhub:d1:n1", None),
        ("uhub:d1:", None),
        ("uhub:d1:n1 and more", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_marker_counts_only_as_the_whole_first_line(
    description: object, marker: str | None
) -> None:
    assert mapping.marker_parse(description) == marker


@settings(max_examples=25, deadline=None)
@given(
    st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
)
def test_marker_that_was_built_is_recognised(deployment_id: str, nonce: str) -> None:
    marker = mapping.marker_build(deployment_id, nonce)
    assert mapping.marker_parse(f"{marker}\nanything below") == marker


@pytest.mark.parametrize("part", ["", "a:b", "a b", "a\nb", "x" * 65])
def test_marker_of_unfit_parts_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        mapping.marker_build(part, "n")


def test_task_reference_as_recorded() -> None:
    assert mapping.task_ref(UPID) == TaskRef(upid=UPID, node="pve1")


@pytest.mark.parametrize(
    "data", [None, 1, "", "UPID:", UPID[:-1], UPID + "x", UPID.replace("!", "/")]
)
def test_text_that_is_no_task_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="names no task"):
        mapping.task_ref(data)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"status": "running"}, (TaskPhase.RUNNING, None, "")),
        ({"status": "stopped", "exitstatus": "OK"}, (TaskPhase.STOPPED, TaskOutcome.OK, "OK")),
        (
            {"status": "stopped", "exitstatus": "WARNINGS: 2"},
            (TaskPhase.STOPPED, TaskOutcome.WARNINGS, "WARNINGS: 2"),
        ),
        (
            {"status": "stopped", "exitstatus": "unexpected status"},
            (TaskPhase.STOPPED, TaskOutcome.CRASHED, "unexpected status"),
        ),
        (
            {"status": "stopped", "exitstatus": "clone failed"},
            (TaskPhase.STOPPED, TaskOutcome.ERROR, "clone failed"),
        ),
    ],
)
def test_task_progress(status: object, expected: tuple[object, ...]) -> None:
    assert mapping.task_progress(status) == expected


@pytest.mark.parametrize("status", [None, [], {}, {"status": "?"}, {"status": "stopped"}])
def test_task_without_a_known_state_is_refused(status: object) -> None:
    with pytest.raises(MalformedAnswer):
        mapping.task_progress(status)


def task(started: str, **entry: object) -> dict[str, object]:
    upid = f"UPID:pve1:00000001:00000001:{started}:qmclone:9000:prov@pve!full:"
    return {"upid": upid, **entry}


def test_listed_tasks_are_sorted_with_the_newest_first() -> None:
    tasks = mapping.listed_tasks([task("00000001"), task("00000003"), task("00000002")])
    assert [entry.started for entry in tasks] == [3, 2, 1]


def test_listed_task_in_both_lists_has_ended() -> None:
    entries = [task("00000001", status="RUNNING"), task("00000001", status="OK", endtime=5)]
    assert [entry.is_running for entry in mapping.listed_tasks(entries)] == [False]


def test_listed_task_without_status_still_runs() -> None:
    (entry,) = mapping.listed_tasks([task("00000001")])
    assert (entry.is_running, entry.owner) == (True, "prov@pve!full")


@pytest.mark.parametrize(
    ("lines", "target"),
    [
        (("creating a clone of VM 9000 with ID 101",), 101),
        (("trying to acquire lock...", " OK", "creating a clone of VM 9000 with ID 102"), 102),
        (("creating a clone of VM 9001 with ID 101",), None),
        ((), None),
    ],
)
def test_clone_target_is_read_from_the_log(lines: tuple[str, ...], target: int | None) -> None:
    assert mapping.clone_target(lines, 9000) == target


def test_empty_log_has_no_lines() -> None:
    assert mapping.log_lines([{"n": 1, "t": "no content"}]) == ()


def test_listing_as_recorded() -> None:
    data = [
        {"pool": "prod", "id": "/pool/prod", "type": "pool"},
        {"status": "unknown", "id": "qemu/9000", "type": "qemu", "vmid": 9000, "node": "pve1"},
        {"type": "lxc", "vmid": "200", "node": "pve2", "status": "running", "tags": "a;b"},
    ]
    assert mapping.guest_summaries(data) == (
        GuestSummary(9000, "pve1", None, PowerState.UNKNOWN, None, None, (), False),
        GuestSummary(
            200, "pve2", None, PowerState.RUNNING, None, None, ("a", "b"), False, is_container=True
        ),
    )


@pytest.mark.parametrize("entry", [{"vmid": 101}, {"node": "pve1"}, {"vmid": 7, "node": "pve1"}])
def test_listing_with_an_unidentified_guest_is_refused_whole(entry: dict[str, object]) -> None:
    good = {"type": "qemu", "vmid": 100, "node": "pve1"}
    with pytest.raises(MalformedAnswer):
        mapping.guest_summaries([good, {"type": "qemu", **entry}])


def test_nodes_as_recorded() -> None:
    data = [{"node": "pve1", "status": "online", "maxcpu": 8, "maxmem": 100, "mem": 50}]
    assert mapping.node_summaries([*data, {"node": "pve2", "status": "offline"}]) == (
        NodeSummary("pve1", True, 8, 100, 50),
        NodeSummary("pve2", False, None, None, None),
    )


def test_storages_as_recorded() -> None:
    data = [
        {
            "shared": 0,
            "type": "dir",
            "used": 843776,
            "enabled": 1,
            "storage": "local",
            "avail": 12637413376,
            "active": 1,
            "content": "iso,images",
            "total": 12638257152,
        }
    ]
    assert mapping.storage_summaries("pve1", data) == (
        StorageSummary(
            "pve1", "local", "dir", ("images", "iso"), False, True, 12638257152, 12637413376
        ),
    )


@pytest.mark.parametrize(
    ("data", "is_quorate"),
    [
        ([{"type": "cluster", "quorate": 1}, {"type": "node"}], True),
        ([{"type": "cluster", "quorate": 0}], False),
        ([{"type": "cluster"}], False),
        ([{"type": "node", "online": 1}], True),
    ],
)
def test_quorum(data: object, is_quorate: bool) -> None:
    assert mapping.is_quorate(data) is is_quorate


def test_status_as_recorded() -> None:
    assert mapping.guest_status({"status": "running", "uptime": 3}) == GuestStatus(
        PowerState.RUNNING, None, 3
    )


def test_addresses_leave_out_what_nobody_can_reach() -> None:
    data = {
        "result": [
            {"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1"}, {"ip-address": "::1"}]},
            {
                "name": "eth0",
                "ip-addresses": [{"ip-address": "10.0.0.5"}, {"ip-address": "fe80::1"}],
            },
            {"name": "eth1"},
            {"name": "eth2", "ip-addresses": [{"ip-address": "2001:db8::1"}, {"ip-address": "x"}]},
        ]
    }
    assert mapping.guest_addresses(data) == ("10.0.0.5", "2001:db8::1")


def test_addresses_of_an_agent_that_reports_an_error_are_none() -> None:
    assert mapping.guest_addresses({"result": {"error": {"class": "x", "desc": "y"}}}) == ()


def test_addresses_of_a_guest_that_claims_thousands_are_few() -> None:
    many = [{"ip-address": f"10.1.{n // 250}.{n % 250}"} for n in range(5000)]
    assert len(mapping.guest_addresses({"result": [{"ip-addresses": many}]})) == 32


def test_cloud_init_sends_keys_encoded_and_only_what_is_set() -> None:
    params = mapping.cloud_init_params(
        CloudInit(user="ops", ssh_keys=("ssh-ed25519 AA+/= a@b", "ssh-rsa BB c"))
    )
    assert params == {
        "ciuser": "ops",
        "sshkeys": "ssh-ed25519%20AA%2B%2F%3D%20a%40b%0Assh-rsa%20BB%20c",
    }


@pytest.mark.parametrize(
    ("address", "gateway", "expected"),
    [("dhcp", None, "ip=dhcp"), ("10.0.0.5/24", "10.0.0.1", "ip=10.0.0.5/24,gw=10.0.0.1")],
)
def test_cloud_init_address(address: str, gateway: str | None, expected: str) -> None:
    params = mapping.cloud_init_params(CloudInit(address=address, gateway=gateway))
    assert params == {"ipconfig0": expected}


def test_cloud_init_hides_its_password() -> None:
    assert "s3cret" not in repr(CloudInit(password="s3cret"))


@pytest.mark.parametrize(
    "parse",
    [
        lambda data: mapping.guest_config("pve1", 101, data),
        lambda data: mapping.storage_summaries("pve1", data),
        mapping.guest_summaries,
        mapping.node_summaries,
        mapping.guest_status,
        mapping.guest_addresses,
        mapping.listed_tasks,
        mapping.task_progress,
        mapping.log_lines,
        mapping.permissions,
        mapping.version,
        mapping.is_quorate,
    ],
)
@settings(max_examples=25, deadline=None)
@given(data=hostile)
def test_parsers_give_a_value_or_a_provider_error_for_anything(parse: Any, data: object) -> None:
    try:
        parse(data)
    except ProviderError:
        pass
