"""Where requests to foreign hosts may go: names resolved once, every address judged, none private.

Whoever may enter an address in a form could otherwise make the server ask its own network. So a
name is resolved here, each of its addresses is judged, and the connection is made to an address
that was judged, never to the name again.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from integrations.base.errors import NotExecuted, Permanent

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What no host of the public internet has, written out: the library's own lists change with its
# version.
_INWARD: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/96", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
        *("64:ff9b:1::/48", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")


class AddressRefused(Permanent):
    """The address is one of our own networks and on no list of exceptions; nothing was sent."""


class Unreachable(NotExecuted):
    """The name has no address, or no connection came about; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What may be reached although it is not public: networks, or hosts by name."""

    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()

    def allow(self, host: str, address: Address) -> bool:
        """Say whether a host or one of its addresses is excepted."""
        if _name(host) in {_name(excepted) for excepted in self.hosts}:
            return True
        return any(
            form in network
            for form in _forms(address)
            for network in self.networks
            if form.version == network.version
        )


def is_inward(address: Address) -> bool:
    """Say whether an address, or one wrapped in it, is outside of the public internet."""
    return any(
        form in network
        for form in _forms(address)
        for network in _INWARD
        if form.version == network.version
    )


def addresses_checked(
    host: str, port: int, *, exceptions: Exceptions, timeout_s: float
) -> tuple[Address, ...]:
    """Resolve a name and judge every address of it.

    Raises: AddressRefused when one address may not be reached; Unreachable when there is none.
    """
    addresses = _resolve(host, port, timeout_s=timeout_s)
    for address in addresses:
        if is_inward(address) and not exceptions.allow(host, address):
            raise AddressRefused(
                f"{host} is at {address}, which is not a public address. An operator may except "
                "its network in the platform's settings."
            )
    return addresses


def lookup(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver for the addresses of a name. Raises: OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _name(host: str) -> str:
    return host.lower().rstrip(".")


def _resolve(host: str, port: int, *, timeout_s: float) -> tuple[Address, ...]:
    """Resolve within a time limit: the system's resolver has none of its own."""
    found: list[str] = []
    fault: list[Exception] = []

    def run() -> None:
        try:
            found.extend(lookup(host, port))
        except (OSError, UnicodeError) as error:
            fault.append(error)

    thread = threading.Thread(target=run, name=f"resolve-{host[:40]}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise Unreachable(f"the name {host} could not be resolved within {timeout_s:.0f} s")
    if fault or not found:
        reason = f": {fault[0]}" if fault else ""
        raise Unreachable(f"the name {host} cannot be resolved{reason}")
    return tuple(dict.fromkeys(ip_address(text) for text in found))


def _forms(address: Address) -> tuple[Address, ...]:
    """Return an address and the IPv4 address that it carries to somewhere else, if any."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    packed = int(address)
    if address in _NAT64:
        return (address, IPv4Address(packed & 0xFFFFFFFF))
    if address in _SIX_TO_FOUR:
        return (address, IPv4Address(packed >> 80 & 0xFFFFFFFF))
    return (address,)
