"""Asking for names and giving them up: one transaction each, the network comes later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, NotFound
from portal.kernel.fsm import transition
from portal.models import Operation
from portal.services.operations import operation_enqueue
from portal.services.settings import setting_get
from provisioning.errors import DeploymentInvalid
from provisioning.logic.names import address_read, addresses_chosen, type_of
from provisioning.logic.requests import hostname_fault
from provisioning.models import Deployment, DnsRecord, DnsZone
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.selectors.dns import LIVE, NameChoice, is_name_taken, name_choose, record_get
from provisioning.services.operations import OperationType
from provisioning.states import DNS_TRANSITIONS, DnsStatus, DnsType
from provisioning.tags import Tag

CONSTRAINT = "dnsrecord_"
_S = DnsStatus


def hostname_taken(field: str) -> Fault:
    """A live machine has the name; the constraint decides between two at once."""
    text = gettext("Another machine has this name in its zone. Choose another name.")
    return Fault(field, "unique", text)


def name_claim(*, actor: Actor, deployment: Deployment, choice: NameChoice, field: str) -> None:
    """Holds a new machine's name in its zone, if it lies in one; the address comes later.

    Raises:
        DeploymentInvalid: another machine took the name meanwhile; names `field`.
    """
    if choice.zone is not None:
        _insert(actor, deployment, choice.zone, field, hostname=choice.hostname, claims_name=True)


def record_add(
    *, actor: Actor, deployment_id: UUID | str, hostname: str, ip_address: str | None = None
) -> tuple[DnsRecord, Operation | None]:
    """Gives a machine one more name. Without an address it follows the machine's own.

    In a zone offered to all, a name leads to the machine it belongs to and nowhere else. Raises:
    NotFound, Refused, DeploymentInvalid, Conflict.
    """
    deployment = _locked(actor, deployment_id)
    choice, address = _wanted(deployment, hostname, ip_address)
    assert choice.zone is not None
    held = DnsRecord.objects.filter(LIVE, deployment=deployment)
    most = int(setting_get("cloudpods.dns.records_per_machine"))
    if held.exclude(type=DnsType.PTR).count() >= most:
        text = gettext("A machine has at most %(most)s names. Remove one first.")
        raise Conflict(text % {"most": most}, code="too_many_names", limit=most)
    own = held.filter(zone=choice.zone, hostname=choice.hostname, claims_name=True)
    is_own = own.exclude(type=type_of(address)).exists() if address else False
    if not is_own and is_name_taken(choice.zone, choice.hostname):
        raise DeploymentInvalid(faults=(hostname_taken("hostname"),))
    record = _insert(
        actor,
        deployment,
        choice.zone,
        "hostname",
        hostname=choice.hostname,
        claims_name=not is_own,
        ip_address=address,
        type=type_of(address) if address else DnsType.A,
        is_extra=ip_address is not None,
    )
    if address is None:
        return record, None
    return record, record_enqueue(record, OperationType.DNS_CREATE, actor=actor)


def record_remove(
    *, actor: Actor, deployment_id: UUID | str, record_id: UUID | str
) -> tuple[DnsRecord, Operation | None]:
    """Takes a name away from a machine; it stays until the name server has lost it.

    Raises: NotFound, Refused, Conflict.
    """
    deployment = _locked(actor, deployment_id)
    record = _row(actor, deployment, record_id)
    if record.status in {_S.REMOVING, _S.REMOVED}:
        raise Conflict(gettext("This name is being removed already."), code="wrong_state")
    return record, record_give_up(record, actor=actor)


def record_set_again(
    *, actor: Actor, deployment_id: UUID | str, record_id: UUID | str
) -> tuple[DnsRecord, Operation]:
    """Asks for our content to be written once more; somebody else's is still not overwritten.

    Raises: NotFound, Refused, Conflict.
    """
    deployment = _locked(actor, deployment_id)
    record = _row(actor, deployment, record_id)
    if record.status != _S.ERROR or record.ip_address is None:
        raise Conflict(
            gettext("Only a name that needs attention is set again."), code="wrong_state"
        )
    transition(record, table=DNS_TRANSITIONS, to=_S.PENDING, attention=None)
    record_audit(Tag.NAME_REQUESTED, record, actor)
    return record, record_enqueue(record, OperationType.DNS_UPDATE, actor=actor)


def record_let_go(*, actor: Actor, deployment_id: UUID | str, record_id: UUID | str) -> DnsRecord:
    """Accepts what the name server has: uHub keeps the name no longer and changes nothing there.

    Raises: NotFound, Refused, Conflict.
    """
    deployment = _locked(actor, deployment_id)
    record = _row(actor, deployment, record_id)
    if record.status != _S.ERROR:
        text = gettext("Only a name that needs attention is left to the name server.")
        raise Conflict(text, code="wrong_state")
    removed(record, actor=actor, tag=Tag.NAME_LET_GO)
    return record


def record_give_up(record: DnsRecord, *, actor: Actor) -> Operation | None:
    """Starts the removal of a record; one that was never written is gone at once."""
    if record.ip_address is None:
        removed(record, actor=actor, tag=Tag.NAME_REMOVED)
        return None
    transition(record, table=DNS_TRANSITIONS, to=_S.REMOVING, attention=None)
    record_audit(Tag.NAME_REMOVAL, record, actor)
    return record_enqueue(record, OperationType.DNS_DELETE, actor=actor)


def removed(record: DnsRecord, *, actor: Actor, tag: Tag) -> None:
    """Ends a record: its name is free."""
    transition(record, table=DNS_TRANSITIONS, to=_S.REMOVED, removed_at=clock.now(), attention=None)
    record_audit(tag, record, actor)


def record_enqueue(record: DnsRecord, type_: OperationType, *, actor: Actor) -> Operation:
    """Starts work on a record; one piece at a time for each."""
    return operation_enqueue(
        actor=actor,
        type=type_,
        tenant_id=record.tenant_id,
        target_type="dns_record",
        target_id=record.pk,
        payload={"record_id": str(record.pk)},
        concurrency_key=f"dns-record:{record.pk}",
    )


def record_insert(actor: Actor, deployment: Deployment, zone: DnsZone, **values: Any) -> DnsRecord:
    """A new record in the open transaction. Raises IntegrityError when its name is held."""
    record = DnsRecord(
        tenant_id=deployment.tenant_id,
        deployment_id=deployment.pk,
        zone=zone,
        zone_name=zone.name,
        ttl=zone.ttl,
        **values,
    )
    with transaction.atomic():
        record.save(force_insert=True)
    record_audit(Tag.NAME_REQUESTED, record, actor)
    return record


def record_audit(
    tag: Tag, record: DnsRecord, actor: Actor, *, failure: dict[str, Any] | None = None
) -> None:
    """An entry on the machine's timeline."""
    facts = {
        "name": record.hostname,
        "type": record.type,
        "zone": record.zone_name,
        "ip_address": record.ip_address,
    }
    trail.record(
        tag=tag,
        target_type=Deployment._meta.label_lower,
        target_id=str(record.deployment_id),
        target_label=record.hostname,
        actor=actor,
        tenant_id=record.tenant_id,
        outcome="failed" if failure else "success",
        after=None if failure else facts,
        detail=failure | facts if failure else None,
    )


def _insert(
    actor: Actor, deployment: Deployment, zone: DnsZone, field: str, **values: Any
) -> DnsRecord:
    try:
        return record_insert(actor, deployment, zone, **values)
    except IntegrityError as error:
        if CONSTRAINT not in str(error):
            raise
        raise DeploymentInvalid(faults=(hostname_taken(field),)) from error


def _locked(actor: Actor, deployment_id: UUID | str) -> Deployment:
    authorize(actor, Permission.DNS_VIEW)
    return deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.DNS_MANAGE
    )


def _row(actor: Actor, deployment: Deployment, record_id: UUID | str) -> DnsRecord:
    found = record_get(actor=actor, record_id=record_id, deployment_id=deployment.pk)
    row = DnsRecord.objects.select_for_update(of=("self",)).filter(pk=found.pk).first()
    if row is None:
        raise NotFound(gettext("There is no such name."))
    row.deployment = deployment
    return row


def _wanted(
    deployment: Deployment, hostname: str, ip_address: str | None
) -> tuple[NameChoice, str | None]:
    """The zone and the address of a further name. Raises DeploymentInvalid with all faults."""
    faults = []
    choice = name_choose(tenant_id=deployment.tenant_id, hostname=hostname)
    if fault := hostname_fault(hostname):
        faults.append(fault)
    elif choice.zone is None:
        faults.append(Fault("hostname", "no_zone", choice.reason))
    address = address_read(ip_address) if ip_address is not None else None
    if ip_address is not None and address is None:
        text = gettext("Use an address that others can reach, such as 192.0.2.7.")
        faults.append(Fault("ip_address", "invalid", text))
    own = [address_read(str(text)) for text in deployment.ip_addresses]
    is_shared = choice.zone is not None and choice.zone.organisation_id is None
    if address is not None and is_shared and address not in own:
        text = gettext("In a zone offered to all, a name leads to an address of its own machine.")
        faults.append(Fault("ip_address", "not_own", text))
    if faults:
        raise DeploymentInvalid(faults=tuple(faults))
    if ip_address is None:
        chosen = addresses_chosen(deployment.ip_addresses, {})
        address = chosen.get("A") or chosen.get("AAAA")
    return choice, address
