"""Comparing zones with their name servers: what changed there, what is missing, what stayed behind.

One reading per zone and interval tells all records of it; then a resolver is asked for names, the
longest unasked first. Unknown is never read as wrong: a server that is silent changes no record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from integrations.base.errors import ProviderError, Unavailable
from integrations.powerdns.errors import ZoneMissing
from integrations.powerdns.interface import NameServer, RecordSet, RecordType
from integrations.services.name_servers import name_servers_forget
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.kernel.queue import Advance, StepContext, StepResult
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias, tenant_scope
from portal.models import Operation
from portal.services.live_events import live_publish
from portal.services.operations import operation_enqueue
from portal.services.settings import setting_get
from portal.states import OPEN_STATUSES
from provisioning.logic.names import Judgement, judge, mark_read
from provisioning.models import DnsRecord, DnsServer, DnsZone
from provisioning.selectors.dns import LIVE
from provisioning.services.dns.records import record_audit, record_enqueue
from provisioning.services.dns.servers import name_server_of, server_client
from provisioning.services.dns.steps import wanted_of
from provisioning.services.operations import OperationType
from provisioning.services.saga.tasks import step_error
from provisioning.states import DNS_TRANSITIONS, DnsStatus
from provisioning.tags import Tag

_S = DnsStatus
_ATTENTIONS: Final = {
    Judgement.ABSENT: (
        "missing_at_server",
        stored_text("The name server does not have this name any more."),
    ),
    Judgement.DIFFERENT: (
        "changed_at_server",
        stored_text("The name was changed at the name server."),
    ),
    Judgement.FOREIGN: (
        "taken_at_server",
        stored_text("The name at the name server does not bear uHub's mark any more."),
    ),
}
_ANSWER: Final = (
    "answer_differs",
    stored_text("Who asks the name server for this name gets another answer."),
)
DRIFT: Final = frozenset({code for code, _text in _ATTENTIONS.values()} | {_ANSWER[0]})
"""The attentions that end by themselves when the server is right again."""
_SHOWN: Final = 20
_STRANGE_MOST: Final = 200


@dataclass(slots=True)
class Report:
    """What one check found."""

    right: list[DnsRecord] = field(default_factory=list)
    wrong: list[tuple[DnsRecord, tuple[str, str], tuple[str, ...]]] = field(default_factory=list)
    stale: list[DnsRecord] = field(default_factory=list)
    strange: list[dict[str, Any]] = field(default_factory=list)
    is_resolver_silent: bool = False


def checks_schedule() -> None:
    """Asks for a check of every zone that is due; one under way is left out."""
    span = timedelta(minutes=float(setting_get("cloudpods.dns.check_minutes")))
    due = Q(checked_at__isnull=True) | Q(checked_at__lte=clock.now() - span)
    zones = DnsZone.objects.using(PLATFORM).filter(due, is_active=True, server__is_active=True)
    rows: list[tuple[UUID, UUID | None]] = list(zones.values_list("pk", "organisation_id"))
    open_ones = Operation.across_tenants.filter(
        target_id__in=[pk for pk, _ in rows], status__in=OPEN_STATUSES
    )
    under_way = set(open_ones.values_list("target_id", flat=True))
    actor = Actor.system("names", tenant_id=PLATFORM_TENANT_ID)
    for zone_id, organisation_id in rows:
        if zone_id in under_way:
            continue
        tenant_id = organisation_id or PLATFORM_TENANT_ID
        with tenant_scope(tenant_id), transaction.atomic():
            operation_enqueue(
                actor=actor,
                type=OperationType.DNS_CHECK,
                tenant_id=tenant_id,
                target_type="dns_zone",
                target_id=zone_id,
                payload={"zone_id": str(zone_id)},
                concurrency_key=f"dns-zone:{zone_id}",
            )


def test(ctx: StepContext) -> StepResult:
    """Proves address, certificate and key of a name server."""
    server_id = UUID(str(ctx.payload["server_id"]))
    server = DnsServer.objects.using(PLATFORM).get(pk=server_id)
    try:
        words = server_client(server).version()
    except ProviderError as error:
        _server_note(server, error.message)
        raise step_error(error) from error
    _server_note(server, "")
    return Advance(words)


def check(ctx: StepContext) -> StepResult:
    """Compares one zone with its name server; makes it there when it is missing."""
    rows = DnsZone.objects.using(PLATFORM).select_related("server")
    zone = rows.get(pk=UUID(str(ctx.payload["zone_id"])))
    try:
        report = zone_compare(zone, name_server_of(zone))
    except ProviderError as error:
        _server_note(zone.server, error.message)
        _zone_note(zone, {"code": "not_compared", "message": error.message, "command": ""})
        raise step_error(error) from error
    _server_note(zone.server, "")
    report_store(zone, report, actor=ctx.actor)
    return Advance(
        stored_text(
            "%(right)s right, %(wrong)s to look at",
            right=len(report.right),
            wrong=len(report.wrong),
        )
    )


def zone_compare(zone: DnsZone, server: NameServer) -> Report:
    """What the server has, against our records of the zone. Raises ProviderError."""
    rows = list(
        DnsRecord.across_tenants.filter(LIVE, zone=zone, ip_address__isnull=False).order_by(
            "last_checked_at"
        )
    )
    try:
        sets = server.zone_read(zone.name)
    except ZoneMissing:
        server.zone_ensure(zone.name, nameservers=_nameservers(zone))
        sets = server.zone_read(zone.name)
    found = {(one.name, one.type): one for one in sets}
    report = Report()
    for row in rows:
        if row.status in {_S.ACTIVE, _S.ERROR}:
            wanted = wanted_of(row)
            there = found.get((wanted.name, wanted.type))
            judgement = judge(wanted, there)
            if judgement is Judgement.RIGHT:
                report.right.append(row)
            else:
                contents = there.contents if there else ()
                report.wrong.append((row, _ATTENTIONS[judgement], contents))
    _ask(report, server, zone)
    _left_behind(report, sets, {row.pk for row in rows})
    report.stale += [row for row in rows if row.status == _S.REMOVING]
    return report


def report_store(zone: DnsZone, report: Report, *, actor: Actor) -> None:
    """Writes what a check found; what changed while it looked stays as it is."""
    with platform_alias(), transaction.atomic(using=PLATFORM):
        now = clock.now()
        _right(report.right, actor)
        for row, (code, message), contents in report.wrong:
            _wrong(row, code, message, contents, actor)
        _again(report.stale, actor)
        attention = None
        if report.is_resolver_silent:
            text = stored_text("The resolver of the name server answers no questions.")
            attention = {"code": "resolver_silent", "message": text, "command": ""}
        if report.strange:
            text = stored_text(
                "Names with the mark of machines that uHub does not know: %(names)s",
                names=", ".join(sorted(str(one["name"]) for one in report.strange)[:_SHOWN]),
            )
            attention = {"code": "strange_marks", "message": text, "command": ""}
        DnsZone.objects.filter(pk=zone.pk).update(
            checked_at=now,
            attention=attention,
            strange=report.strange[:_STRANGE_MOST] or None,
            updated_at=now,
        )


def _ask(report: Report, server: NameServer, zone: DnsZone) -> None:
    """Asks as any client would, about what the API says is right; silence stops the asking."""
    most = int(setting_get("cloudpods.dns.questions_per_check"))
    if not zone.server.resolver:
        return
    asked = report.right[:most]
    for row in asked:
        wanted = wanted_of(row)
        try:
            answer = server.answer(wanted.name, RecordType(wanted.type))
        except Unavailable:
            report.is_resolver_silent = True
            return
        if wanted.content not in answer.contents:
            report.right.remove(row)
            report.wrong.append((row, _ANSWER, answer.contents or (str(answer.code),)))


def _left_behind(report: Report, sets: Sequence[RecordSet], live: set[UUID]) -> None:
    """Record sets with our mark whose record has ended, or which no row knows."""
    marked = {}
    for one in sets:
        mark = mark_read(one.marks)
        if mark is not None and mark[1] not in live:
            marked[mark[1]] = {
                "name": one.name,
                "type": str(one.type),
                "deployment_id": str(mark[0]),
                "record_id": str(mark[1]),
                "contents": list(one.contents[:_SHOWN]),
            }
    known = {row.pk: row for row in DnsRecord.across_tenants.filter(pk__in=marked)}
    report.stale += [row for row in known.values() if row.status == _S.REMOVED]
    writable = {str(type_) for type_ in RecordType}
    report.strange += [
        one for pk, one in marked.items() if pk not in known and one["type"] in writable
    ]


def _right(rows: Iterable[DnsRecord], actor: Actor) -> None:
    now = clock.now()
    keys = [row.pk for row in rows]
    DnsRecord.objects.filter(pk__in=keys).filter(LIVE).update(last_checked_at=now)
    for row in rows:
        attention: Mapping[str, Any] = row.attention or {}
        if row.status == _S.ERROR and attention.get("code") in DRIFT:
            current = _current(row)
            if current is not None:
                transition(current, table=DNS_TRANSITIONS, to=_S.ACTIVE, attention=None, found=None)
                record_audit(Tag.NAME_RIGHT_AGAIN, current, actor)
                _tell(current)


def _wrong(
    row: DnsRecord, code: str, message: str, contents: tuple[str, ...], actor: Actor
) -> None:
    current = _current(row)
    if current is None:
        return
    attention = {"code": code, "message": message, "command": ""}
    values: dict[str, Any] = {"found": list(contents[:_SHOWN]), "last_checked_at": clock.now()}
    if current.status == _S.ACTIVE:
        transition(current, table=DNS_TRANSITIONS, to=_S.ERROR, attention=attention, **values)
        record_audit(
            Tag.NAME_DRIFTED, current, actor, failure=attention | {"found": values["found"]}
        )
        _tell(current)
    elif (current.attention or {}).get("code") in DRIFT:
        DnsRecord.objects.filter(pk=row.pk).update(attention=attention, **values)


def _again(rows: Sequence[DnsRecord], actor: Actor) -> None:
    """Removes what stayed behind once more, unless that is under way."""
    open_ones = Operation.objects.filter(
        target_id__in=[row.pk for row in rows], status__in=OPEN_STATUSES
    )
    under_way = set(open_ones.values_list("target_id", flat=True))
    for row in rows:
        if row.pk in under_way:
            continue
        if row.status == _S.REMOVED:
            record_audit(Tag.NAME_STALE, row, actor)
        with tenant_scope(row.tenant_id):
            record_enqueue(row, OperationType.DNS_DELETE, actor=actor)


def _current(row: DnsRecord) -> DnsRecord | None:
    """The row as it stands now, locked; None when it changed since the check read it."""
    rows = DnsRecord.objects.select_for_update(of=("self",))
    return rows.filter(pk=row.pk, status=row.status, ip_address=row.ip_address).first()


def _nameservers(zone: DnsZone) -> tuple[str, ...]:
    return tuple(zone.server.nameservers) or (f"ns1.{zone.name}",)


def _zone_note(zone: DnsZone, attention: dict[str, str]) -> None:
    """A zone that could not be compared says so, and is not due again at once."""
    with transaction.atomic(using=PLATFORM):
        DnsZone.objects.using(PLATFORM).filter(pk=zone.pk).update(
            attention=attention, checked_at=clock.now()
        )


def _server_note(server: DnsServer, error: str) -> None:
    """What the last call showed; after a fault the next one takes the key of that moment."""
    if error:
        name_servers_forget()
    seen = {} if error else {"last_seen_at": clock.now()}
    with transaction.atomic(using=PLATFORM):
        DnsServer.objects.using(PLATFORM).filter(pk=server.pk).update(
            last_error=error[:500], **seen
        )


def _tell(row: DnsRecord) -> None:
    live_publish(f"deployment:{row.deployment_id}", tenant_id=row.tenant_id)
