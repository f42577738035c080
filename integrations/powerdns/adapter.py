"""The name server behind PowerDNS's HTTP API."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from integrations.base.http import HttpAnswer
from integrations.base.questions import NAME_ERROR, NO_ERROR
from integrations.powerdns import mapping
from integrations.powerdns.errors import NameConflict
from integrations.powerdns.interface import (
    AnswerCode,
    NameAnswer,
    NameServer,
    RecordSet,
    RecordType,
)
from integrations.powerdns.transport import NameServerTransport


class PowerDns(NameServer):
    """Implements `NameServer` on one server of a PowerDNS API."""

    def __init__(self, transport: NameServerTransport) -> None:
        self._transport = transport
        server_id = mapping.server_checked(transport.endpoint.server_id)
        self._base = f"/api/v1/servers/{server_id}"

    def version(self) -> str:
        return mapping.version(self._send("GET", "").body)

    def zone_ensure(self, zone: str, *, nameservers: tuple[str, ...]) -> bool:
        try:
            self._send("POST", "/zones", mapping.zone_new(zone, nameservers))
        except NameConflict as error:
            if error.message != "Conflict":
                raise
            return False
        return True

    def zone_read(self, zone: str) -> tuple[RecordSet, ...]:
        return mapping.record_sets(self._send("GET", _zone_path(zone)).body)

    def record_set(self, zone: str, name: str, type_: RecordType) -> RecordSet | None:
        wanted = {"rrset_name": f"{mapping.name_checked(name)}.", "rrset_type": str(type_)}
        body = self._send("GET", f"{_zone_path(zone)}?{urlencode(wanted)}").body
        # A server older than 4.6 does not know the filter and answers the whole zone.
        found = (one for one in mapping.record_sets(body) if (one.name, one.type) == (name, type_))
        return next(found, None)

    def record_set_write(self, zone: str, wanted: RecordSet) -> None:
        self._send("PATCH", _zone_path(zone), mapping.replacement(wanted))

    def record_set_delete(self, zone: str, name: str, type_: RecordType) -> None:
        self._send("PATCH", _zone_path(zone), mapping.removal(name, type_))

    def answer(self, name: str, type_: RecordType) -> NameAnswer:
        reply = self._transport.ask(mapping.name_checked(name), str(type_))
        if reply.code == NAME_ERROR:
            return NameAnswer(AnswerCode.MISSING)
        if reply.code != NO_ERROR:
            return NameAnswer(AnswerCode.REFUSED)
        return NameAnswer(AnswerCode.FOUND if reply.contents else AnswerCode.EMPTY, reply.contents)

    def _send(self, method: str, path: str, body: bytes = b"") -> HttpAnswer:
        answer = self._transport.send(method, f"{self._base}{path}", body)
        if not 200 <= answer.status < 300:
            raise mapping.fault(answer.status, answer.body, is_write=method != "GET")
        return answer


def _zone_path(zone: str) -> str:
    return f"/zones/{quote(mapping.name_checked(zone), safe='.-_')}."
