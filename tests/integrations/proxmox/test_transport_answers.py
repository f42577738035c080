from __future__ import annotations

import pytest

from integrations.base.errors import AccessRefused, Ambiguous, NotExecuted, Permanent, ProviderError
from integrations.proxmox.errors import GuestAbsent, InvalidInput
from integrations.proxmox.transport import ProxmoxTransport
from tests.integrations.proxmox.scripted import (
    Certificate,
    Reply,
    ScriptedApi,
    always,
    refusal,
    scripted_api,
)


def test_redirect_is_not_followed(
    api: ScriptedApi, transport: ProxmoxTransport, certificate: Certificate
) -> None:
    with scripted_api(certificate) as elsewhere:
        location = {"Location": f"https://{elsewhere.address}/"}
        api.script = always(Reply(status=302, reason="Found", headers=location))
        with pytest.raises(Permanent, match="redirects"):
            transport.write("POST", "x")
        assert elsewhere.requests == []


REFUSALS: list[tuple[Reply, type[ProviderError], str]] = [
    (Reply(status=401, reason="No ticket", body=b""), AccessRefused, "No ticket"),
    (refusal(403, "Permission check failed"), AccessRefused, "Permission check failed"),
    (refusal(500, "x", message="VM is locked (backup)\n"), NotExecuted, "locked \\(backup\\)"),
    (
        Reply(status=500, reason="VM is locked (backup)", body=b'{"data":null}'),
        NotExecuted,
        "locked \\(backup\\)",
    ),
    (Reply(status=500, reason="Oops", body=b"<html>"), Ambiguous, "Oops"),
    (Reply(status=200, body=b"<html>welcome</html>"), Ambiguous, "not from the API"),
    (Reply(status=200, body=b'{"message":"hi"}'), Ambiguous, "no data"),
    (Reply(status=200, body=b'["data"]'), Ambiguous, "no data"),
    (Reply(status=304, reason="Not Modified", body=b""), Ambiguous, "not from the API"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), REFUSALS)
def test_answer_to_a_write_becomes_an_error_class(
    reply: Reply,
    kind: type[ProviderError],
    words: str,
    api: ScriptedApi,
    transport: ProxmoxTransport,
) -> None:
    api.script = always(reply)
    with pytest.raises(kind, match=words):
        transport.write("POST", "x")


def test_field_errors_reach_the_caller(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    errors = {"newid": "type check ('integer') failed - got 'abc'"}
    api.script = always(refusal(400, "Parameter verification failed.", errors=errors))
    with pytest.raises(InvalidInput) as caught:
        transport.write("POST", "x")
    assert caught.value.fields == errors


def test_absence_is_recognised_on_the_wire(api: ScriptedApi, transport: ProxmoxTransport) -> None:
    text = "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist"
    api.script = always(refusal(500, text))
    with pytest.raises(GuestAbsent):
        transport.read("nodes", "pve1", "qemu", 777, "config")
