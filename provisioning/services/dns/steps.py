"""What workers do at a name server; every step may run twice.

A record is written after a look, and only where nothing is or our own mark. While the server is silent
the work waits: that costs no try and never holds up the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from integrations.base.errors import Permanent, ProviderError, Unavailable
from integrations.powerdns.errors import NameConflict, ZoneMissing
from integrations.powerdns.interface import RecordType
from integrations.services.name_servers import name_servers_forget
from portal.kernel import clock
from portal.kernel.fsm import may, transition
from portal.kernel.queue import (
    Advance,
    Complete,
    Failure,
    Poll,
    StepContext,
    StepFailed,
    StepResult,
)
from portal.kernel.stored_text import stored_text
from portal.logic.backoff import backoff_s
from portal.services.live_events import live_publish
from provisioning.logic.names import Judgement, Wanted, judge, reverse_name
from provisioning.models import DnsRecord
from provisioning.services.dns.records import record_audit, removed
from provisioning.services.dns.servers import name_server_of
from provisioning.services.saga.outcome import attention_of
from provisioning.services.saga.tasks import step_error
from provisioning.states import DNS_TRANSITIONS, DnsStatus, DnsType
from provisioning.tags import Tag

_S = DnsStatus
_GONE: Final = frozenset({_S.REMOVING, _S.REMOVED})
RecordStep = Callable[[StepContext, DnsRecord], StepResult]


def record_step(step: RecordStep) -> Callable[[StepContext], StepResult]:
    """Opens the record and translates what the name server raises."""

    @wraps(step)
    def run(ctx: StepContext) -> StepResult:
        record = record_load(ctx)
        try:
            result = step(ctx, record)
        except Unavailable as error:
            return _silent(ctx, record, error)
        except ZoneMissing as error:
            text = stored_text(
                "The name server does not have the zone %(zone)s. Make it there, then set the name again.",
                zone=record.zone_name,
            )
            raise StepFailed(text, code="zone_missing") from error
        except NameConflict as error:
            raise StepFailed(_refusal(record), code="name_conflict") from error
        except Permanent as error:
            # The key may have been changed meanwhile: the next try takes the one of that moment.
            name_servers_forget()
            raise StepFailed(error.message, code="refused_by_name_server") from error
        except ProviderError as error:
            raise step_error(error) from error
        ctx.state.pop("silences", None)
        return result

    return run


@record_step
def write(ctx: StepContext, record: DnsRecord) -> StepResult:
    """Brings the record to the server, unless it is there, or somebody else's is."""
    if record.status in _GONE or record.ip_address is None:
        return Complete({"skipped": record.status})
    server, wanted = name_server_of(record.zone), wanted_of(record)
    type_ = RecordType(record.type)
    found = server.record_set(record.zone_name, wanted.name, type_)
    judgement = judge(wanted, found)
    if judgement is Judgement.FOREIGN:
        _note_found(record, found.contents if found else ())
        raise StepFailed(_refusal(record), code="name_taken")
    if judgement is not Judgement.RIGHT:
        ctx.save()
        server.record_set_write(record.zone_name, wanted.as_set())
    _written(ctx, record)
    return Advance(f"{wanted.name} {record.type} {wanted.content}")


@record_step
def erase(ctx: StepContext, record: DnsRecord) -> StepResult:
    """Takes the record from the server if it is ours; what is somebody else's stays there."""
    if record.ip_address is not None:
        server, wanted = name_server_of(record.zone), wanted_of(record)
        type_ = RecordType(record.type)
        judgement = judge(wanted, server.record_set(record.zone_name, wanted.name, type_))
        if judgement in {Judgement.RIGHT, Judgement.DIFFERENT}:
            ctx.save()
            server.record_set_delete(record.zone_name, wanted.name, type_)
    with transaction.atomic():
        row = _locked(record)
        if row.status == _S.REMOVING:
            removed(row, actor=ctx.actor, tag=Tag.NAME_REMOVED)
            _tell(row)
    return Advance()


def record_failed(ctx: StepContext, failure: Failure) -> None:
    """The record says why; one that is being removed goes on being so, and a check asks again."""
    with transaction.atomic():
        row = _locked(record_load(ctx))
        attention = attention_of(failure)
        if may(DNS_TRANSITIONS, row.status, _S.ERROR):
            transition(row, table=DNS_TRANSITIONS, to=_S.ERROR, attention=attention)
        elif row.status != _S.REMOVED:
            DnsRecord.objects.filter(pk=row.pk).update(attention=attention)
        record_audit(Tag.NAME_FAILED, row, ctx.actor, failure=dict(attention))
        _tell(row)


def record_load(ctx: StepContext) -> DnsRecord:
    """The operation's record as it stands now."""
    with transaction.atomic():
        rows = DnsRecord.objects.select_related("zone__server")
        record = rows.filter(pk=UUID(str(ctx.payload["record_id"]))).first()
    if record is None:
        raise StepFailed(stored_text("The name does not exist any more."), code="record_gone")
    return record


def wanted_of(record: DnsRecord) -> Wanted:
    """The record as it should be at the server; it has an address."""
    address = str(record.ip_address)
    is_pointer = record.type == DnsType.PTR
    return Wanted(
        deployment_id=record.deployment_id,
        record_id=record.pk,
        name=reverse_name(address) if is_pointer else record.hostname,
        type=record.type,
        content=record.hostname if is_pointer else address,
        ttl=record.ttl,
    )


def _written(ctx: StepContext, record: DnsRecord) -> None:
    """The record is right at the server, unless it was given another address meanwhile."""
    with transaction.atomic():
        row = _locked(record)
        if row.status in _GONE or row.ip_address != record.ip_address:
            return
        now = clock.now()
        values: dict[str, Any] = {"attention": None, "found": None, "last_checked_at": now}
        if row.status == _S.ACTIVE:
            DnsRecord.objects.filter(pk=row.pk).update(updated_at=now, **values)
        else:
            transition(row, table=DNS_TRANSITIONS, to=_S.ACTIVE, **values)
            record_audit(Tag.NAME_SET, row, ctx.actor)
        _tell(row)


def _silent(ctx: StepContext, record: DnsRecord, error: Unavailable) -> Poll:
    """The server gives no answer: the record says so, and the work waits longer each time."""
    count = int(ctx.state.get("silences", 0)) + 1
    ctx.state["silences"] = count
    text = stored_text(
        "Name server %(server)s does not answer; it is asked again.", server=record.zone.server.code
    )
    if count == 1:
        attention = {"code": "server_silent", "message": text, "command": ""}
        with transaction.atomic():
            DnsRecord.objects.filter(pk=record.pk).exclude(status=_S.REMOVED).update(
                attention=attention, updated_at=clock.now()
            )
            _tell(record)
    base_s = float(settings.PROVISIONING["name_server_wait_s"])
    wait_s = backoff_s(count, base_s=base_s, cap_s=300.0)
    return Poll(max(wait_s, min(error.retry_after_s or 0.0, 5 * base_s)), text)


def _refusal(record: DnsRecord) -> str:
    return stored_text(
        "The zone %(zone)s has something else under %(name)s, which uHub did not write and leaves alone. "
        "Remove it at the name server, then set the name again.",
        zone=record.zone_name,
        name=record.hostname,
    )


def _note_found(record: DnsRecord, contents: tuple[str, ...]) -> None:
    with transaction.atomic():
        DnsRecord.objects.filter(pk=record.pk).update(found=list(contents[:20]))


def _locked(record: DnsRecord) -> DnsRecord:
    return DnsRecord.objects.select_for_update(of=("self",)).get(pk=record.pk)


def _tell(record: DnsRecord) -> None:
    live_publish(f"deployment:{record.deployment_id}", tenant_id=record.tenant_id)
