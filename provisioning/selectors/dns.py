"""Zones and records: which zone a name belongs to, and what people see of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext

from billing.models import Tenant
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import PLATFORM
from provisioning.logic.names import NAME_MOST, ancestors, reverse_name
from provisioning.models import Deployment, DnsRecord, DnsServer, DnsZone
from provisioning.permissions import Permission
from provisioning.states import DnsStatus, DnsType, ZoneKind

LIVE = ~Q(status=DnsStatus.REMOVED)


@dataclass(frozen=True, slots=True)
class NameChoice:
    """The full name of a machine and the zone it gets a record in; `reason` says why it gets none."""

    hostname: str
    zone: DnsZone | None
    reason: str = ""

    @property
    def zone_name(self) -> str:
        return self.zone.name if self.zone else ""


def name_choose(*, tenant_id: UUID, hostname: str) -> NameChoice:
    """The zone that a name lies in, among those the tenant may use.

    A name of one label goes into the default zone: the tenant's own, else the one offered to all, and
    there below the tenant's short name, so that organisations do not take names from one another. The
    zone that counts is the longest one uHub knows: nobody writes below somebody else's zone.
    """
    wanted = Q(name__in=ancestors(hostname)) if "." in hostname else Q(is_default=True)
    rows = DnsZone.objects.filter(wanted, kind=ZoneKind.FORWARD)
    zones = list(rows.select_related("server"))
    usable = [zone for zone in zones if _is_usable(zone, tenant_id)]
    if "." not in hostname:
        return _in_default(hostname, usable, tenant_id)
    longest = max(zones, key=lambda zone: len(zone.name), default=None)
    if longest is None or longest not in usable:
        text = gettext("It lies in no zone of your organisation.")
        return NameChoice(hostname, None, text)
    if longest.name == hostname:
        return NameChoice(hostname, None, gettext("It is the name of the zone itself."))
    return NameChoice(hostname, longest)


def _in_default(label: str, usable: Sequence[DnsZone], tenant_id: UUID) -> NameChoice:
    zone = min(usable, key=lambda one: one.organisation_id is None, default=None)
    if zone is None:
        return NameChoice(label, None, gettext("There is no zone for names of one word."))
    below = ""
    if zone.organisation_id is None:
        slug = Tenant.objects.filter(pk=tenant_id).values_list("slug", flat=True).first() or ""
        below = f".{slug.replace('_', '-').strip('-')}"
    full = f"{label}{below}.{zone.name}"
    if len(full) > NAME_MOST:
        return NameChoice(label, None, gettext("The name is too long for its zone."))
    return NameChoice(full, zone)


def reverse_zone(*, tenant_id: UUID, address: str) -> DnsZone | None:
    """The reverse zone that an address lies in, when the tenant may use it."""
    names = ancestors(reverse_name(address))[1:]
    rows = DnsZone.objects.filter(name__in=names, kind=ZoneKind.REVERSE)
    longest = max(rows, key=lambda zone: len(zone.name), default=None)
    if longest is None or not _is_usable(longest, tenant_id):
        return None
    return longest


def is_name_taken(zone: DnsZone, hostname: str) -> bool:
    """Whether a machine of any organisation holds the name."""
    held = DnsRecord.across_tenants.filter(zone_id=zone.pk, hostname=hostname).filter(LIVE)
    return held.exclude(type=DnsType.PTR).exists()


def is_pointer_taken(zone: DnsZone, address: str) -> bool:
    """Whether the address has a name already: another machine had it, and still exists."""
    held = DnsRecord.across_tenants.filter(LIVE, zone_id=zone.pk, ip_address=address)
    return held.filter(type=DnsType.PTR).exists()


def manages_all(actor: Actor) -> bool:
    """Whether zones of all organisations, and the name servers, are the actor's."""
    return actor.may(Permission.CLUSTERS_MANAGE)


def zone_list(*, actor: Actor) -> QuerySet[DnsZone]:
    """The zones of the tenant and those offered to all; every zone for platform staff."""
    authorize(actor, Permission.DNS_VIEW)
    rows = DnsZone.objects.using(PLATFORM) if manages_all(actor) else DnsZone.objects.all()
    if not manages_all(actor):
        rows = rows.filter(Q(organisation=actor.tenant_id) | Q(organisation=None))
    return rows.select_related("server", "organisation").order_by("name", "id")


def zone_get(*, actor: Actor, zone_id: UUID | str) -> DnsZone:
    """One zone. Raises Refused, NotFound (also for another tenant's)."""
    try:
        return zone_list(actor=actor).get(pk=UUID(str(zone_id)))
    except (ValueError, DnsZone.DoesNotExist):
        raise NotFound(gettext("There is no such zone.")) from None


def record_list(*, actor: Actor, with_removed: bool = False) -> QuerySet[DnsRecord]:
    """The tenant's records, newest first. Raises Refused."""
    authorize(actor, Permission.DNS_VIEW)
    rows = DnsRecord.objects.all() if with_removed else DnsRecord.objects.filter(LIVE)
    return rows.select_related("deployment").order_by("-created_at", "-id")


def records_of(*, actor: Actor, deployment: Deployment) -> QuerySet[DnsRecord]:
    """The live records of one machine, newest first."""
    return record_list(actor=actor).filter(deployment=deployment)


def record_get(
    *, actor: Actor, record_id: UUID | str, deployment_id: UUID | None = None
) -> DnsRecord:
    """One record, removed ones included. Raises Refused, NotFound."""
    rows = record_list(actor=actor, with_removed=True)
    if deployment_id is not None:
        rows = rows.filter(deployment_id=deployment_id)
    try:
        return rows.get(pk=UUID(str(record_id)))
    except (ValueError, DnsRecord.DoesNotExist):
        raise NotFound(gettext("There is no such name.")) from None


def record_counts(zones: Sequence[DnsZone]) -> dict[UUID, int]:
    """How many live records of the tenant in scope each zone has."""
    rows = DnsRecord.objects.filter(LIVE, zone__in=[zone.pk for zone in zones]).order_by()
    return dict(rows.values_list("zone_id").annotate(count=Count("id")))


def server_list(*, actor: Actor) -> QuerySet[DnsServer]:
    """The name servers, for platform staff. Raises Refused."""
    authorize(actor, Permission.CLUSTERS_MANAGE)
    return DnsServer.objects.using(PLATFORM).order_by("code", "id")


def server_get(*, actor: Actor, server_id: UUID | str) -> DnsServer:
    """One name server. Raises Refused, NotFound."""
    try:
        return server_list(actor=actor).get(pk=UUID(str(server_id)))
    except (ValueError, DnsServer.DoesNotExist):
        raise NotFound(gettext("There is no such name server.")) from None


def _is_usable(zone: DnsZone, tenant_id: UUID) -> bool:
    return zone.is_active and zone.organisation_id in {None, tenant_id}
