from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.proxmox import mapping
from integrations.proxmox.interface import CloudInit, Disk, GuestStatus, NetworkCard, PowerState
from tests.integrations.proxmox.recorded import CONFIG, UUID


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
