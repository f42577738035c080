from __future__ import annotations

import pytest

from integrations.base.errors import Ambiguous
from integrations.base.registry import GateClosed, HostLimits, HostRegistry
from integrations.proxmox.errors import NodeUnreachable
from tests.integrations.proxmox.conftest import transport_make
from tests.integrations.proxmox.scripted import (
    Certificate,
    Reply,
    ScriptedApi,
    always,
    scripted_api,
    unused_address,
)


@pytest.mark.parametrize("method", ["read", "write"])
def test_next_host_is_asked_when_one_refuses_connections(method: str, api: ScriptedApi) -> None:
    transport = transport_make(unused_address(), api)
    api.script = always(Reply(data=5))
    answer = transport.read("version") if method == "read" else transport.write("POST", "x")
    assert (answer, len(api.requests)) == (5, 1)


def test_host_that_answered_is_asked_first_from_then_on(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        transport = transport_make(api, second)
        api.script = always(Reply(is_dropped=True))
        transport.read("version")
        transport.read("version")
        assert (len(api.requests), len(second.requests)) == (2, 2)


def test_lost_write_does_not_go_to_the_next_host(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        api.script = always(Reply(is_dropped=True))
        with pytest.raises(Ambiguous):
            transport_make(api, second).write("POST", "x")
        assert second.requests == []


def test_read_goes_to_the_next_host_when_a_gateway_has_no_api_behind_it(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        api.script = always(Reply(status=502, reason="Bad Gateway", body=b"<html>"))
        second.script = always(Reply(data=9))
        assert transport_make(api, second).read("version") == 9


def test_unreachable_node_is_not_asked_through_another_host(
    api: ScriptedApi, certificate: Certificate
) -> None:
    with scripted_api(certificate) as second:
        api.script = always(Reply(status=595, reason="No route to host", body=b""))
        with pytest.raises(NodeUnreachable, match="No route to host"):
            transport_make(api, second).write("POST", "x")
        assert second.requests == []


def test_registry_is_shared_by_transports_of_one_host(api: ScriptedApi) -> None:
    registry = HostRegistry(HostLimits(failures_to_open=1))
    api.script = always(Reply(is_dropped=True))
    with pytest.raises(Ambiguous):
        transport_make(api, registry=registry).write("POST", "x")
    with pytest.raises(GateClosed):
        transport_make(api, registry=registry).read("version")


def test_every_host_is_asked_whatever_the_others_say(api: ScriptedApi) -> None:
    dead = unused_address()
    api.script = always(Reply(data={"version": "9"}))
    first, second = transport_make(dead, api).hosts_ask("version")
    assert (first.address, first.is_reachable, dead in first.message) == (dead, False, True)
    assert (second.address, second.is_reachable, second.message) == (api.address, True, "")
