from __future__ import annotations

from typing import Any

import pytest

from integrations.proxmox.simulator import schema, validation
from integrations.proxmox.simulator.errors import ApiError

VM = "/nodes/{node}/qemu/{vmid}"
BAD_IPV4 = "invalid format - value does not look like a valid IPv4 address"
NEEDED = "missing property required by 'ipconfig0.gw'"
URI = {"node": "pve1", "vmid": "101"}


def _errors(path: str, method: str, values: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ApiError) as raised:
        schema.validate(path, method, {**URI, **values})
    return raised.value.errors or {}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("cores", "1.5", "type check ('integer') failed - got '1.5'"),
        ("cores", "0", "value must have a minimum value of 1"),
        ("onboot", "yes", "type check ('boolean') failed - got 'yes'"),
        ("cpulimit", "129", "value must have a maximum value of 128"),
        ("name", "a_b", "invalid format - value does not look like a valid DNS name\n"),
        ("bios", "efi", "value 'efi' does not have a value in the enumeration 'seabios, ovmf'"),
        ("description", "x" * 8193, "value may only be 8192 characters long"),
        ("bootdisk", "sda", "invalid format - invalid boot disk 'sda'\n"),
        ("serial0", "tty", "value does not match the regex pattern"),
        (
            "net0",
            "virtio,foo=1",
            "invalid format - invalid key in comma-separated list property: foo\n",
        ),
        (
            "net0",
            "virtio=00:11:22:33:44:55,macaddr=00:11:22:33:44:56",
            "invalid format - duplicate key in comma-separated list property: macaddr\n",
        ),
        (
            "ipconfig0",
            "ip=10.0.0.5/24,gw=nope",
            f"invalid format - format error\nipconfig0.gw: {BAD_IPV4}\n\n",
        ),
        (
            "ipconfig0",
            "gw=10.0.0.1",
            f"invalid format - format error\nipconfig0.ip: {NEEDED}\n",
        ),
    ],
)
def test_a_bad_value_is_refused_in_the_words_of_the_original(
    key: str, value: str, words: str
) -> None:
    assert _errors(f"{VM}/config", "PUT", {key: value}) == {key: words}


def test_indexes_beyond_the_real_bound_are_unknown() -> None:
    assert _errors(f"{VM}/config", "PUT", {"scsi31": "local:1"}) == {"scsi31": validation.UNKNOWN}


def test_every_wrong_parameter_is_named() -> None:
    found = _errors(f"{VM}/clone", "POST", {"full": "True", "bogus": "1"})

    assert sorted(found) == ["bogus", "full", "newid"]


def test_numbers_and_flags_arrive_as_integers() -> None:
    values = schema.validate(f"{VM}/clone", "POST", {**URI, "newid": "102", "full": "1"})

    assert values == {"node": "pve1", "vmid": 101, "newid": 102, "full": 1}


def test_a_repeated_key_is_a_list_where_one_is_wanted() -> None:
    values = schema.validate(f"{VM}/agent/exec", "POST", {**URI, "command": ["echo", "hi"]})

    assert values["command"] == ["echo", "hi"]


def test_a_network_card_is_read_with_its_alias() -> None:
    card = schema.parsed("net[n]", "virtio=BC:24:11:00:00:01,bridge=vmbr0")

    assert card == {"macaddr": "BC:24:11:00:00:01", "model": "virtio", "bridge": "vmbr0"}
