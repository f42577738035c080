"""Which addresses may be reached, whatever name leads to them."""

from __future__ import annotations

import threading
from ipaddress import ip_address, ip_network

import pytest

from integrations.base import addresses
from integrations.base.addresses import (
    AddressRefused,
    Exceptions,
    Unreachable,
    addresses_checked,
    is_inward,
)

NOTHING = Exceptions()


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
        *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.170"),
        *("198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fc00::1", "fdff::1", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::7f00:1"),
        *("64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:a00:1::1", "2002:7f00:1::", "2001::1"),
    ],
)
def test_an_address_inside_is_inward(text: str) -> None:
    assert is_inward(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        *("1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"),
        *("169.253.255.255", "169.255.0.1", "223.255.255.255", "2606:4700::1111"),
        *("::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"),
    ],
)
def test_an_address_of_the_internet_is_not_inward(text: str) -> None:
    assert not is_inward(ip_address(text))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"]
)
def test_the_loopback_address_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(AddressRefused, match="not a public address"):
        addresses_checked(host, 80, exceptions=NOTHING, timeout_s=5)


def test_one_inward_address_refuses_the_whole_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "lookup", lambda host, port: ["1.1.1.1", "10.0.0.1"])

    with pytest.raises(AddressRefused, match=r"mixed\.test is at 10\.0\.0\.1"):
        addresses_checked("mixed.test", 80, exceptions=NOTHING, timeout_s=5)


def test_a_network_can_be_excepted_also_in_its_wrapped_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "lookup", lambda host, port: ["::ffff:10.0.0.1", "10.0.0.2"])
    exceptions = Exceptions(networks=(ip_network("10.0.0.0/24"),))

    found = addresses_checked("inside.test", 80, exceptions=exceptions, timeout_s=5)

    assert [str(address) for address in found] == ["::ffff:a00:1", "10.0.0.2"]


def test_an_excepted_network_does_not_except_its_neighbour() -> None:
    exceptions = Exceptions(networks=(ip_network("127.0.0.2/32"), ip_network("::1/128")))

    with pytest.raises(AddressRefused):
        addresses_checked("127.0.0.1", 80, exceptions=exceptions, timeout_s=5)


def test_a_host_can_be_excepted_by_name_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "lookup", lambda host, port: ["10.0.0.1"])
    exceptions = Exceptions(hosts=("inside.Test",))

    found = addresses_checked("Inside.test.", 80, exceptions=exceptions, timeout_s=5)

    assert found == (ip_address("10.0.0.1"),)


def test_a_name_without_an_address_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="cannot be resolved"):
        addresses_checked("nobody.invalid", 80, exceptions=NOTHING, timeout_s=5)


def test_a_name_that_cannot_be_written_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="cannot be resolved"):
        addresses_checked("a" * 64 + ".test", 80, exceptions=NOTHING, timeout_s=5)


def test_a_silent_resolver_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = threading.Event()

    def wait(host: str, port: int) -> list[str]:
        silence.wait(10)
        return []

    monkeypatch.setattr(addresses, "lookup", wait)
    with pytest.raises(Unreachable, match="could not be resolved within"):
        addresses_checked("slow.test", 80, exceptions=NOTHING, timeout_s=0.05)
    silence.set()
