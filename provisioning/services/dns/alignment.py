"""Names follow their machine: its addresses while it lives, and its end once that is proven."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from portal.kernel import clock, context
from portal.kernel.authz import Actor
from portal.kernel.fsm import transition
from portal.services.settings import setting_get
from provisioning.events import AddressesFound, DeploymentChanged
from provisioning.logic.names import addresses_chosen
from provisioning.models import Deployment, DnsRecord
from provisioning.selectors.dns import LIVE, is_pointer_taken, reverse_zone
from provisioning.services.dns.records import (
    CONSTRAINT,
    record_enqueue,
    record_give_up,
    record_insert,
)
from provisioning.services.operations import OperationType
from provisioning.states import DNS_TRANSITIONS, DeploymentStatus, DnsStatus, DnsType

_S = DnsStatus
_BY_FAMILY = (DnsType.A, DnsType.AAAA)


def addresses_found(event: AddressesFound) -> None:
    """Leads the machine's names to its addresses, in the transaction that stored them."""
    deployment = (
        Deployment.objects.select_for_update(of=("self",))
        .filter(pk=event.deployment_id)
        .exclude(status__in=(DeploymentStatus.DELETING, DeploymentStatus.DELETED))
        .first()
    )
    if deployment is not None:
        names_align(deployment, event.addresses, actor=_actor())


def deployment_ended(event: DeploymentChanged) -> None:
    """Gives up all names of a machine whose end is proven, or which a person has forgotten."""
    if event.status == DeploymentStatus.DELETED:
        names_give_up(event.deployment_id, actor=_actor())


def names_give_up(deployment_id: UUID, *, actor: Actor) -> None:
    """Starts the removal of every name of a machine."""
    rows = _rows(deployment_id)
    for record in rows:
        if record.status != _S.REMOVING:
            record_give_up(record, actor=actor)


def names_align(deployment: Deployment, addresses: Iterable[object], *, actor: Actor) -> None:
    """Brings the records that follow the machine to its addresses; no address changes nothing."""
    rows = [row for row in _rows(deployment.pk) if row.status != _S.REMOVING]
    following = [row for row in rows if not row.is_extra]
    by_name: dict[str, list[DnsRecord]] = defaultdict(list)
    for row in following:
        if row.type != DnsType.PTR:
            by_name[row.hostname].append(row)
    own = {row.type: row.ip_address for row in by_name.get(deployment.hostname, ())}
    wanted = addresses_chosen(addresses, own)
    if not wanted:
        return
    for some in by_name.values():
        _name_align(deployment, some, wanted, actor)
    if deployment.hostname in by_name:
        pointers = [row for row in following if row.type == DnsType.PTR]
        _pointers_align(deployment, pointers, sorted(wanted.values()), actor)


def _name_align(
    deployment: Deployment, rows: Sequence[DnsRecord], wanted: dict[str, str], actor: Actor
) -> None:
    """One name's records; the row that holds the name always stays, or hands it on."""
    by_type = {row.type: row for row in rows}
    claim = next((row for row in rows if row.claims_name), None)
    if claim is None:
        return
    if claim.type not in wanted and claim.ip_address is None:
        (claim.type, *_rest) = sorted(wanted)
        DnsRecord.objects.filter(pk=claim.pk).update(type=claim.type, updated_at=clock.now())
        by_type = {claim.type: claim}
    is_moved = claim.type not in wanted
    if is_moved:
        DnsRecord.objects.filter(pk=claim.pk).update(claims_name=False, updated_at=clock.now())
    for type_ in _BY_FAMILY:
        row, address = by_type.get(type_), wanted.get(type_)
        if address is None:
            if row is not None:
                record_give_up(row, actor=actor)
        elif row is not None:
            if is_moved and not row.claims_name:
                DnsRecord.objects.filter(pk=row.pk).update(claims_name=True)
                is_moved = False
            _lead(row, address, actor)
        else:
            _add(deployment, claim, type_, address, actor, claims_name=is_moved)
            is_moved = False


def _lead(row: DnsRecord, address: str, actor: Actor) -> None:
    """Lets a record lead to an address; one that does already is left alone."""
    if row.ip_address == address:
        return
    is_new = row.ip_address is None
    values: dict[str, Any] = {"ip_address": address, "attention": None, "found": None}
    if row.status == _S.PENDING:
        DnsRecord.objects.filter(pk=row.pk).update(updated_at=clock.now(), **values)
    else:
        transition(row, table=DNS_TRANSITIONS, to=_S.PENDING, **values)
    type_ = OperationType.DNS_CREATE if is_new else OperationType.DNS_UPDATE
    record_enqueue(row, type_, actor=actor)


def _add(
    deployment: Deployment,
    claim: DnsRecord,
    type_: str,
    address: str,
    actor: Actor,
    *,
    claims_name: bool,
) -> None:
    """One more record of a name that the machine holds."""
    try:
        row = record_insert(
            actor,
            deployment,
            claim.zone,
            hostname=claim.hostname,
            type=type_,
            ip_address=address,
            claims_name=claims_name,
        )
    except IntegrityError as error:
        # What another machine had under this name is still being removed; the next look adds it.
        if CONSTRAINT not in str(error):
            raise
        return
    record_enqueue(row, OperationType.DNS_CREATE, actor=actor)


def _pointers_align(
    deployment: Deployment, rows: Sequence[DnsRecord], addresses: Sequence[str], actor: Actor
) -> None:
    """The names of the machine's addresses, where a reverse zone of ours holds them."""
    known = {str(row.ip_address) for row in rows}
    for row in rows:
        if row.ip_address not in addresses:
            record_give_up(row, actor=actor)
    if not setting_get("cloudpods.dns.pointers"):
        return
    for address in addresses:
        zone = None
        if address not in known:
            zone = reverse_zone(tenant_id=deployment.tenant_id, address=address)
        if zone is None or is_pointer_taken(zone, address):
            continue
        try:
            row = record_insert(
                actor,
                deployment,
                zone,
                hostname=deployment.hostname,
                type=DnsType.PTR,
                ip_address=address,
            )
        except IntegrityError as error:
            if CONSTRAINT not in str(error):
                raise
            continue
        record_enqueue(row, OperationType.DNS_CREATE, actor=actor)


def _rows(deployment_id: UUID) -> list[DnsRecord]:
    rows = DnsRecord.objects.select_for_update(of=("self",)).select_related("zone")
    return list(rows.filter(LIVE, deployment_id=deployment_id).order_by("created_at", "id"))


def _actor() -> Actor:
    return context.current().actor or Actor.system("names")
