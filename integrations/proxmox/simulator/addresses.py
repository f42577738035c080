"""The formats that have to do with networks: addresses, ports and protocols."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

V4 = r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_DNS = re.compile(r"([a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?(\.(?=[a-zA-Z0-9])|$))+")
_ALIAS = re.compile(r"(dc/|guest/)?[A-Za-z][A-Za-z0-9\-_]+")
_MAX_PORT_NUMBERS = 15
_SERVICES = {
    "bootpc", "bootps", "dhcpv6-client", "dhcpv6-server", "domain", "ftp", "ftp-data", "git",
    "gopher", "http", "http-alt", "https", "imap2", "imap3", "imaps", "ipp", "irc", "kerberos",
    "ldap", "ldaps", "microsoft-ds", "ms-sql-s", "mysql", "netbios-dgm", "netbios-ns",
    "netbios-ssn", "nfs", "ntp", "openvpn", "pop3", "pop3s", "postgresql", "radius", "redis",
    "rsync", "rtsp", "sip", "smtp", "smtps", "snmp", "socks", "ssh", "submission", "submissions",
    "sunrpc", "svn", "syslog", "telnet", "tftp", "time", "whois", "xmpp-client", "zabbix-agent",
}  # fmt: skip
_PROTOCOLS = {
    "ah", "dccp", "egp", "esp", "eigrp", "encap", "etherip", "ggp", "gre", "hip", "hopopt",
    "icmp", "icmpv6", "igmp", "igp", "ip", "ipcomp", "ipencap", "ipip", "ipv6", "ipv6-frag",
    "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "isis", "iso-tp4", "l2tp", "manet",
    "mobility-header", "mpls-in-ip", "ospf", "pim", "pup", "rdp", "rohc", "rspf", "rsvp", "sctp",
    "shim6", "skip", "st", "tcp", "udp", "udplite", "vmtp", "vrrp", "wesp", "xns-idp", "xtp",
}  # fmt: skip
_ICMP = {
    "address-mask-reply", "address-mask-request", "any", "bad-header", "beyond-scope",
    "communication-prohibited", "destination-unreachable", "echo-reply", "echo-request",
    "fragmentation-needed", "host-prohibited", "host-redirect", "host-unknown",
    "host-unreachable", "ip-header-bad", "neighbor-advertisement", "neighbor-solicitation",
    "neighbour-advertisement", "neighbour-solicitation", "network-prohibited", "network-redirect",
    "network-unknown", "network-unreachable", "no-route", "packet-too-big", "parameter-problem",
    "port-unreachable", "protocol-unreachable", "redirect", "reject-route",
    "required-option-missing", "router-advertisement", "router-solicitation", "source-quench",
    "source-route-failed", "time-exceeded", "timestamp-reply", "timestamp-request",
    "ttl-zero-during-reassembly", "ttl-zero-during-transit", "unknown-header-type",
    "unknown-option",
}  # fmt: skip
_MASKS = {str(ipaddress.ip_network(f"0.0.0.0/{bits}").netmask) for bits in range(33)}


def _is_ip(value: str, version: int) -> bool:
    if version == 4:
        return re.fullmatch(V4, value, re.ASCII) is not None
    try:
        return "%" not in value and ipaddress.ip_address(value).version == version
    except ValueError:
        return False


def _is_any_ip(value: str) -> bool:
    return _is_ip(value, 4) or _is_ip(value, 6)


def _is_cidr(value: str, version: int) -> bool:
    """An address with a prefix above 7 bits."""
    address, _, prefix = value.partition("/")
    limit = 32 if version == 4 else 128
    return _is_ip(address, version) and prefix.isdecimal() and 7 < int(prefix) <= limit


def _is_network(value: str) -> bool:
    address, separator, prefix = value.partition("/")
    if not _is_any_ip(address):
        return False
    limit = 32 if _is_ip(address, 4) else 128
    return not separator or (prefix.isdecimal() and int(prefix) <= limit)


def _is_host(value: str) -> bool:
    return _is_any_ip(value) or _DNS.fullmatch(value) is not None


def _worded(is_good: Callable[[str], bool], words: str) -> Callable[[str], str]:
    return lambda value: "" if is_good(value) else words.format(value=value)


def _list_refusal(items: list[str], value: str) -> str:
    return "" if ",".join(items) == value else "extraneous commas in list"


def _kept(value: str) -> list[str]:
    """Split at commas; empty ones at the end get lost."""
    return re.sub(",+$", "", value).split(",") if value else []


def _address_spec(value: str) -> str:
    """A set (`+name`), an alias, or a list of addresses, networks and one range."""
    if value.startswith("+") and not re.search(r"\s", value):
        return "ipset name too long" if len(value) > 65 else ""
    if _ALIAS.fullmatch(value):
        return "alias name too long" if len(value) > 64 else ""
    items = _kept(value)
    if refused := _list_refusal(items, value):
        return refused
    ends = [part for item in items for part in item.split("-")]
    wrong = next((part for part in ends if not _is_network(part)), None)
    if wrong is not None:
        return f"invalid IP address: Cannot determine IP version for {wrong}"
    if len({_is_ip(part.partition("/")[0], 4) for part in ends}) > 1:
        return f"detected mixed ipv4/ipv6 addresses in address list '{value}'"
    is_range = any("-" in item for item in items)
    return "you can't use a range in a list" if is_range and len(items) > 1 else ""


def _port_refusal(item: str, *, with_icmp: bool) -> str:
    ends = item.split(":") if re.fullmatch(r"\d+(:\d+)?", item, re.ASCII) else []
    wrong = next((port for port in ends if int(port) > 65535), "")
    if wrong:
        return f"invalid port '{wrong}'"
    if len(ends) == 2 and int(ends[0]) > int(ends[1]):
        first, last = ends
        return f"backwards range '{first}:{last}' not allowed, did you mean '{last}:{first}'?"
    is_named = bool(ends) or item in _SERVICES or (with_icmp and item in _ICMP)
    return "" if is_named else f"invalid port '{item}'"


def _ports(value: str, *, with_icmp: bool) -> str:
    items = _kept(value)
    if refused := _list_refusal(items, value):
        return refused
    for item in items:
        if refused := _port_refusal(item, with_icmp=with_icmp):
            return refused
    numbers = sum(1 + item.count(":") for item in items if item[:1].isdecimal())
    if numbers and any(item in _ICMP for item in items):
        return "ICMP ports not allowed in port range"
    is_long = numbers > _MAX_PORT_NUMBERS
    return "too many entries in port list (> 15 numbers)" if is_long else ""


def _protocol(value: str) -> str:
    is_number = value.isdecimal() and int(value) <= 142
    is_known = value in ("", "0") or value in _PROTOCOLS or is_number
    return "" if is_known else f"unknown protocol '{value}'"


def _link_local(value: str) -> str:
    address, separator, interface = value.partition("%")
    is_named = re.fullmatch(r"(?i:[a-z][a-z0-9_]{1,20}([:.]\d+)?)", interface)
    if separator and address.startswith("fe80:") and _is_ip(address, 6) and is_named:
        return ""
    return "" if _is_any_ip(value) else "value does not look like a valid IP address"


_LOOKS = "value does not look like a valid"
CHECKS: dict[str, Callable[[str], str]] = {
    "ip": _worded(_is_any_ip, f"{_LOOKS} IP address"),
    "ipv4": _worded(lambda v: _is_ip(v, 4), f"{_LOOKS} IPv4 address"),
    "ipv6": _worded(lambda v: _is_ip(v, 6), f"{_LOOKS} IPv6 address"),
    "ipv4mask": _worded(lambda v: v in _MASKS, f"{_LOOKS} IP netmask"),
    "CIDRv4": _worded(lambda v: _is_cidr(v, 4), f"{_LOOKS} IPv4 CIDR network"),
    "CIDRv6": _worded(lambda v: _is_cidr(v, 6), f"{_LOOKS} IPv6 CIDR network"),
    "CIDR": _worded(lambda v: _is_cidr(v, 4) or _is_cidr(v, 6), f"{_LOOKS} CIDR network"),
    "address": _worded(_is_host, f"{_LOOKS} address: {{value}}"),
    "pve-storage-server": _worded(_is_host, f"{_LOOKS} server name or IP address"),
    "pve-ipv4-config": _worded(
        lambda v: v in ("dhcp", "manual") or _is_cidr(v, 4),
        f"{_LOOKS} ipv4 network configuration",
    ),
    "pve-ipv6-config": _worded(
        lambda v: v in ("auto", "dhcp", "manual") or _is_cidr(v, 6),
        f"{_LOOKS} ipv6 network configuration",
    ),
    "IPorCIDR": _worded(_is_network, f"{_LOOKS} IP address or CIDR network"),
    "IPorCIDRorAlias": _worded(
        lambda v: _ALIAS.fullmatch(v) is not None or _is_network(v),
        f"{_LOOKS} IP address or CIDR network",
    ),
    "lxc-ip-with-ll-iface": _link_local,
    "pve-fw-addr-spec": _address_spec,
    "pve-fw-sport-spec": lambda v: _ports(v, with_icmp=False),
    "pve-fw-dport-spec": lambda v: _ports(v, with_icmp=True),
    "pve-fw-protocol-spec": _protocol,
    "pve-fw-icmp-type-spec": lambda v: (
        "" if v in _ICMP or v == "" else f"invalid icmp-type value '{v}'"
    ),
}
