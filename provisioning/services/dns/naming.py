"""Names for machines that have none: those that were adopted, or are older than their zone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from portal.kernel import clock
from portal.kernel.authz import Actor, ActorKind, authorize
from portal.kernel.errors import Conflict, DomainError
from portal.models import Operation
from provisioning.logic.names import ancestors
from provisioning.models import Deployment, DnsRecord, DnsZone
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.selectors.dns import LIVE, NameChoice, name_choose, zone_get
from provisioning.services.dns.alignment import names_align
from provisioning.services.dns.records import name_claim
from provisioning.states import DeploymentStatus, ZoneKind

AT_ONCE: Final = 100
_OVER: Final = (DeploymentStatus.DELETING, DeploymentStatus.DELETED)


@dataclass(frozen=True, slots=True)
class Given:
    """What became of one machine: the name it got, or why it got none."""

    deployment: Deployment
    hostname: str = ""
    reason: str = ""


@transaction.atomic
def name_give(*, actor: Actor, deployment_id: UUID | str) -> tuple[DnsRecord, Operation | None]:
    """Gives a machine its own name in the zone that name lies in, as if it were made today.

    The name is held at once, and written as soon as the machine has an address.

    Raises:
        NotFound, Refused, DeploymentInvalid: another machine has the name.
        Conflict: it has a name, it ends, or there is no zone for it.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.DNS_MANAGE
    )
    if deployment.status in _OVER:
        raise Conflict(gettext("The deployment is being deleted."), code="wrong_state")
    if named(deployment):
        raise Conflict(gettext("The machine has its name already."), code="has_name")
    choice = _choice(deployment)
    if choice.zone is None:
        raise Conflict(choice.reason, code="no_zone")
    if choice.hostname != deployment.hostname:
        deployment.hostname = choice.hostname
        Deployment.objects.filter(pk=deployment.pk).update(
            hostname=choice.hostname, updated_at=clock.now()
        )
    name_claim(actor=actor, deployment=deployment, choice=choice, field="hostname")
    names_align(deployment, deployment.ip_addresses, actor=actor)
    record = _own(deployment).get(hostname=choice.hostname, claims_name=True)
    return record, Operation.objects.filter(target_id=record.pk).order_by("-pk").first()


def names_give(*, actor: Actor, zone_id: UUID | str) -> list[Given]:
    """Gives names in one zone to the machines without, each by itself; the first hundred of them.

    Raises: NotFound, Refused.
    """
    authorize(actor, Permission.DNS_MANAGE)
    with transaction.atomic():
        zone = zone_get(actor=actor, zone_id=zone_id)
        found = [row for row in nameless(actor) if _is_for(row, zone)][:AT_ONCE]
    return [_given(actor, row) for row in found]


def nameless(actor: Actor) -> QuerySet[Deployment]:
    """The actor's machines without a name of their own, the oldest first."""
    own = DnsRecord.objects.filter(LIVE, deployment_id=OuterRef("pk"), claims_name=True)
    rows = Deployment.objects.exclude(status__in=_OVER).filter(~Exists(own.filter(is_extra=False)))
    if not (actor.kind is ActorKind.SYSTEM or actor.may(Permission.MANAGE)):
        rows = rows.filter(owner_id=actor.user_id)
    return rows.order_by("created_at", "pk")


def nameless_by_zone(actor: Actor, zones: Sequence[DnsZone], *, most: int) -> dict[UUID, int]:
    """How many machines each of the zones has a name for, among the first `most` without one."""
    default = _default(actor.tenant_id, zones)
    usable = [zone for zone in zones if _is_usable(zone, actor.tenant_id)]
    counts: dict[UUID, int] = {}
    for hostname in nameless(actor).values_list("hostname", flat=True)[:most]:
        zone = _zone_of(str(hostname), usable) or default
        if zone is not None:
            counts[zone.pk] = counts.get(zone.pk, 0) + 1
    return counts


def named(deployment: Deployment) -> bool:
    """Whether the machine holds a name that follows it."""
    return _own(deployment).filter(claims_name=True, is_extra=False).exists()


def _own(deployment: Deployment) -> QuerySet[DnsRecord]:
    return DnsRecord.objects.filter(LIVE, deployment_id=deployment.pk)


def _choice(deployment: Deployment) -> NameChoice:
    """Where its host name lies; one that lies nowhere gives way to the machine's plain name."""
    choice = name_choose(tenant_id=deployment.tenant_id, hostname=deployment.hostname)
    if choice.zone is None and "." in deployment.hostname:
        return name_choose(tenant_id=deployment.tenant_id, hostname=deployment.name)
    return choice


def _is_for(row: Deployment, zone: DnsZone) -> bool:
    choice = _choice(row)
    return choice.zone is not None and choice.zone.pk == zone.pk


def _given(actor: Actor, row: Deployment) -> Given:
    try:
        record, _operation = name_give(actor=actor, deployment_id=row.pk)
    except DomainError as error:
        return Given(row, reason=error.message)
    return Given(row, hostname=record.hostname)


def _is_usable(zone: DnsZone, tenant_id: UUID | None) -> bool:
    is_own = zone.organisation_id in {None, tenant_id}
    return zone.is_active and zone.kind == ZoneKind.FORWARD and is_own


def _default(tenant_id: UUID | None, zones: Iterable[DnsZone]) -> DnsZone | None:
    those = [zone for zone in zones if zone.is_default and _is_usable(zone, tenant_id)]
    return min(those, key=lambda zone: zone.organisation_id is None, default=None)


def _zone_of(hostname: str, zones: Iterable[DnsZone]) -> DnsZone | None:
    within = set(ancestors(hostname)[1:])
    those = [zone for zone in zones if zone.name in within]
    return max(those, key=lambda zone: len(zone.name), default=None)
