"""Names that are out of date, as findings: what a comparison of zones left, seen from the machines' side.

The sweep asks no name server. It reads what the last comparison of each zone has written, so a server that
is silent makes no finding and ends none.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from integrations.base.errors import Permanent, ProviderError, Unavailable
from integrations.powerdns.errors import ZoneMissing
from integrations.powerdns.interface import RecordType
from integrations.services.name_servers import name_servers_forget
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import Conflict
from portal.kernel.fsm import transition
from portal.kernel.queue import Advance, Complete, Poll, StepContext, StepFailed, StepResult
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM, platform_alias
from portal.logic.backoff import backoff_s
from portal.models import Operation
from portal.services.operations import operation_enqueue
from provisioning.logic.names import mark_read
from provisioning.models import Cluster, DnsRecord, DnsZone, Finding
from provisioning.models.finding import CLUSTER_ITSELF
from provisioning.services.decisions import held
from provisioning.services.dns.checks import DRIFT
from provisioning.services.dns.records import record_audit, record_enqueue, record_give_up, removed
from provisioning.services.dns.servers import name_server_of
from provisioning.services.findings import Sighting, finding_end
from provisioning.services.operations import OperationType
from provisioning.services.saga.tasks import step_error
from provisioning.states import (
    DNS_TRANSITIONS,
    DnsStatus,
    FindingKind,
    FindingStatus,
    Resolution,
)
from provisioning.tags import Tag

if TYPE_CHECKING:
    from provisioning.services.reconciliation import Sweep

_K: Final = FindingKind.STALE_RECORD
_S = DnsStatus


def look(sweep: Sweep) -> None:
    """Sees names of the cluster's machines that are not as they should be, and names of nobody."""
    wrong: dict[UUID, list[DnsRecord]] = defaultdict(list)
    rows = DnsRecord.across_tenants.filter(
        deployment__cluster=sweep.cluster, status=_S.ERROR, attention__code__in=sorted(DRIFT)
    )
    for row in rows.order_by("hostname", "type"):
        wrong[row.deployment_id].append(row)
    seen = set()
    for machine in sweep.live.values():
        if records := wrong.get(machine.pk):
            seen.add(machine.vmid)
            sweep.ledger.see(
                Sighting(
                    _K,
                    machine.vmid,
                    machine.tenant_id,
                    machine.pk,
                    machine.node,
                    {"names": [f"{one.hostname} {one.type} {one.ip_address}" for one in records]},
                    {"names": [_found(one) for one in records]},
                )
            )
    if strange := _strange_names(sweep.cluster):
        seen.add(CLUSTER_ITSELF)
        sweep.ledger.see(Sighting(_K, CLUSTER_ITSELF, found={"names": strange}))
    for finding in sweep.ledger.standing(_K):
        if finding.vmid not in seen:
            sweep.ledger.clear(finding.vmid, _K)


def names_repair(*, actor: Actor, finding_id: UUID | str) -> Finding:
    """Asks for the machine's names to be written again; somebody else's is still not overwritten.

    Raises: NotFound, Refused, Conflict.
    """
    with held(actor=actor, finding_id=finding_id, action="repair") as finding:
        for record in _records(finding):
            transition(record, table=DNS_TRANSITIONS, to=_S.PENDING, attention=None)
            record_audit(Tag.NAME_REQUESTED, record, actor)
            record_enqueue(record, OperationType.DNS_UPDATE, actor=actor)
        _end(finding, actor, Resolution.REAPPLIED)
    return finding


def names_remove(*, actor: Actor, finding_id: UUID | str) -> tuple[Finding, Operation | None]:
    """Gives the machine's names up, or asks for names of nobody to be removed where they are kept.

    Raises: NotFound, Refused, Conflict.
    """
    with held(actor=actor, finding_id=finding_id, action="remove") as finding:
        if finding.deployment_id is None:
            operation = operation_enqueue(
                actor=actor,
                type=OperationType.DNS_CLEAR,
                tenant_id=finding.tenant_id,
                target_type="finding",
                target_id=finding.pk,
                payload={"finding_id": str(finding.pk), "names": finding.found["names"]},
                concurrency_key=f"names:{finding.pk}",
            )
            return finding, operation
        for record in _records(finding):
            record_give_up(record, actor=actor)
        _end(finding, actor, Resolution.DELETED)
    return finding, None


def names_leave(*, actor: Actor, finding_id: UUID | str) -> Finding:
    """Lets go of the machine's names: what the name server has stays as it is.

    Raises: NotFound, Refused, Conflict.
    """
    with held(actor=actor, finding_id=finding_id, action="leave") as finding:
        for record in _records(finding):
            removed(record, actor=actor, tag=Tag.NAME_LET_GO)
        _end(finding, actor, Resolution.FORGOTTEN)
    return finding


def clear(ctx: StepContext) -> StepResult:
    """Removes the names of nobody that were shown: those that still bear a mark no record knows."""
    finding = Finding.objects.using(PLATFORM).get(pk=UUID(str(ctx.payload["finding_id"])))
    if finding.status != FindingStatus.OPEN:
        return Complete()
    shown, silent = set(ctx.payload["names"]), ""
    rows = DnsZone.objects.using(PLATFORM).filter(strange__isnull=False, is_active=True)
    for zone in rows.select_related("server").order_by("name"):
        if not _zone_clear(zone, shown):
            silent = zone.server.code
    if silent:
        return _silent(ctx, silent)
    with transaction.atomic():
        row = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
        if row.status == FindingStatus.OPEN:
            _end(row, ctx.actor, Resolution.DELETED)
            trail.record(
                tag=Tag.NAMES_CLEARED,
                target=row,
                actor=ctx.actor,
                before={"names": sorted(shown)},
                tenant_id=row.tenant_id,
            )
    count = len(shown - _strange_lines())
    return Advance(stored_text("%(count)s names were removed", count=count))


def _zone_clear(zone: DnsZone, shown: set[str]) -> bool:
    """Removes those of a zone's names that were shown. False once its server gives no answer."""
    gone: list[dict[str, Any]] = []
    is_erased: bool | None = False
    for one in zone.strange or []:
        is_erased = _line(one) in shown and _erased(zone, one)
        if is_erased is None:
            break
        if is_erased:
            gone.append(one)
    _forgotten(zone, gone)
    return is_erased is not None


def _forgotten(zone: DnsZone, gone: list[dict[str, Any]]) -> None:
    """Takes names off what the last comparison left, which may have been written anew meanwhile."""
    with platform_alias(), transaction.atomic(using=PLATFORM):
        row = DnsZone.objects.select_for_update(of=("self",)).get(pk=zone.pk)
        left = [one for one in row.strange or [] if one not in gone]
        DnsZone.objects.filter(pk=zone.pk).update(strange=left or None)


def _silent(ctx: StepContext, server: str) -> Poll:
    """A server gives no answer: its names wait for it, longer each time; that costs no try."""
    ctx.state["silences"] = int(ctx.state.get("silences", 0)) + 1
    text = stored_text("Name server %(server)s does not answer; it is asked again.", server=server)
    base_s = float(settings.PROVISIONING["name_server_wait_s"])
    return Poll(backoff_s(ctx.state["silences"], base_s=base_s, cap_s=300.0), text)


def _erased(zone: DnsZone, one: dict[str, Any]) -> bool | None:
    """Whether the name is gone: it was, or it was ours and nobody's and has been removed now.

    None when the server gives no answer. Raises StepFailed, StepRetry.
    """
    record_id = UUID(str(one["record_id"]))
    if DnsRecord.across_tenants.filter(pk=record_id).exists():
        return False
    try:
        server, type_ = name_server_of(zone), RecordType(one["type"])
        there = server.record_set(zone.name, one["name"], type_)
        if there is None:
            return True
        if mark_read(there.marks) != (UUID(str(one["deployment_id"])), record_id):
            return False
        server.record_set_delete(zone.name, one["name"], type_)
    except ZoneMissing:
        return True
    except Unavailable:
        return None
    except Permanent as error:
        # The key may have been changed meanwhile: the next try takes the one of that moment.
        name_servers_forget()
        raise StepFailed(error.message, code="refused_by_name_server") from error
    except ProviderError as error:
        raise step_error(error) from error
    return True


def _records(finding: Finding) -> list[DnsRecord]:
    """The machine's names that are still wrong, locked. Raises Conflict when none is."""
    rows = DnsRecord.objects.select_for_update(of=("self",)).filter(
        deployment__findings=finding.pk, status=_S.ERROR, attention__code__in=sorted(DRIFT)
    )
    records = list(rows.order_by("pk"))
    if not records:
        message = gettext("These names are right again, or somebody decided about them.")
        raise Conflict(message, code="finding_ended")
    return records


def _strange_names(cluster: Cluster) -> list[str]:
    """Names with a mark of ours that no record knows; one cluster tells of them for all."""
    first = (
        Cluster.objects.using(PLATFORM).order_by("created_at", "pk").values_list("pk", flat=True)
    )
    if first.first() != cluster.pk:
        return []
    return sorted(_strange_lines())


def _strange_lines() -> set[str]:
    zones = DnsZone.objects.using(PLATFORM).filter(strange__isnull=False, is_active=True)
    return {_line(one) for some in zones.values_list("strange", flat=True) for one in some or []}


def _line(one: dict[str, Any]) -> str:
    return f"{one['name']} {one['type']} {' '.join(one['contents'])}"


def _found(record: DnsRecord) -> str:
    return f"{record.hostname} {record.type} {' '.join(record.found or ()) or '–'}"


def _end(finding: Finding, actor: Actor, resolution: Resolution) -> None:
    finding_end(finding, actor=actor, resolution=resolution, reason="", now=clock.now())
