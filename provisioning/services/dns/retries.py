"""Trying work on a name once more: for the record that stands, never for one that has ended."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.fsm import transition
from portal.kernel.queue import Payload
from provisioning.errors import WrongState
from provisioning.models import DnsRecord
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.services.dns.records import record_audit
from provisioning.states import DNS_TRANSITIONS, DnsStatus
from provisioning.tags import Tag

_S = DnsStatus


def write_again(actor: Actor, payload: Payload) -> None:
    """The name is set again. Raises NotFound, Refused, WrongState."""
    record = _locked(actor, payload)
    if record.status in {_S.REMOVING, _S.REMOVED}:
        raise WrongState(_("This name was given up meanwhile. Give the machine a name anew."))
    if record.ip_address is None:
        raise WrongState(_("The machine has no address to lead to. It is set when it has one."))
    if record.status == _S.ERROR:
        transition(record, table=DNS_TRANSITIONS, to=_S.PENDING, attention=None)
        record_audit(Tag.NAME_REQUESTED, record, actor)


def erase_again(actor: Actor, payload: Payload) -> None:
    """The name is removed again. Raises NotFound, Refused, WrongState."""
    record = _locked(actor, payload)
    if record.status != _S.REMOVING:
        raise WrongState(_("This name is not being removed any more."))
    record_audit(Tag.NAME_REMOVAL, record, actor)


def _locked(actor: Actor, payload: Payload) -> DnsRecord:
    """The record, locked, of a machine that the actor may name; one that is gone has its names still."""
    authorize(actor, Permission.DNS_MANAGE)
    rows = DnsRecord.objects.select_related("deployment")
    record = rows.filter(pk=UUID(str(payload["record_id"]))).first()
    if record is None:
        raise NotFound(_("There is no such name."))
    if record.status != _S.REMOVED and record.deployment.deleted_at is None:
        deployment_lock(
            actor=actor, deployment_id=record.deployment_id, permission=Permission.DNS_MANAGE
        )
    return DnsRecord.objects.select_for_update(of=("self",)).get(pk=record.pk)
