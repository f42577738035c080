"""An in-memory name server with the same contract, for tests that need no server."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from integrations.base.errors import ProviderError
from integrations.powerdns.errors import PROVIDER, NameConflict, ZoneMissing
from integrations.powerdns.interface import (
    AnswerCode,
    NameAnswer,
    NameServer,
    RecordSet,
    RecordType,
)
from integrations.powerdns.mapping import content_checked, name_checked

Key = tuple[str, str]


class FakeNameServer(NameServer):
    """Implements `NameServer` in memory, with faults on demand and a log of every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.zones: dict[str, dict[Key, RecordSet]] = {}
        self._faults: dict[str, list[tuple[ProviderError, bool]]] = defaultdict(list)

    def fail_next(self, method: str, error: ProviderError, *, takes_effect: bool = False) -> None:
        """Let the next call of `method` raise, without effect or after it (a lost answer)."""
        self._faults[method].append((error, takes_effect))

    def version(self) -> str:
        self._call("version", "")
        return "PowerDNS 4.7.3"

    def zone_ensure(self, zone: str, *, nameservers: tuple[str, ...]) -> bool:
        lost = self._call("zone_ensure", zone)
        is_new = name_checked(zone) not in self.zones
        self.zones.setdefault(zone, {})
        _lose(lost)
        return is_new

    def zone_read(self, zone: str) -> tuple[RecordSet, ...]:
        self._call("zone_read", zone)
        return tuple(self._zone(zone).values())

    def record_set(self, zone: str, name: str, type_: RecordType) -> RecordSet | None:
        self._call("record_set", name)
        return self._zone(zone).get((name_checked(name), type_))

    def record_set_write(self, zone: str, wanted: RecordSet) -> None:
        lost = self._call("record_set_write", wanted.name)
        records = self._zone(zone)
        if (name_checked(wanted.name), "CNAME") in records:
            raise NameConflict("Conflicts with pre-existing RRset", provider=PROVIDER)
        contents = sorted(content_checked(wanted.type, one) for one in wanted.contents)
        records[wanted.name, wanted.type] = replace(wanted, contents=tuple(contents))
        _lose(lost)

    def record_set_delete(self, zone: str, name: str, type_: RecordType) -> None:
        lost = self._call("record_set_delete", name)
        self._zone(zone).pop((name_checked(name), type_), None)
        _lose(lost)

    def answer(self, name: str, type_: RecordType) -> NameAnswer:
        self._call("answer", name)
        found = [
            record
            for records in self.zones.values()
            for (known, _type), record in records.items()
            if known == name
        ]
        if not found:
            return NameAnswer(AnswerCode.MISSING)
        contents = next((one.contents for one in found if one.type == type_), ())
        return NameAnswer(AnswerCode.FOUND if contents else AnswerCode.EMPTY, contents)

    def _zone(self, zone: str) -> dict[Key, RecordSet]:
        if zone not in self.zones:
            raise ZoneMissing("the name server has no such zone", provider=PROVIDER)
        return self.zones[zone]

    def _call(self, method: str, about: str) -> ProviderError | None:
        """Log a call; raise its fault, or return it when the effect comes first."""
        self.calls.append((method, about))
        if not self._faults[method]:
            return None
        error, takes_effect = self._faults[method].pop(0)
        if not takes_effect:
            raise error
        return error


def _lose(error: ProviderError | None) -> None:
    if error is not None:
        raise error
