"""Name servers and zones are registered by staff; keys go to the secret store."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext

from audit.services import trail
from billing.models import Tenant
from integrations.base.errors import ProviderError
from integrations.powerdns.interface import NameServer
from integrations.powerdns.mapping import name_checked, server_checked
from integrations.services.name_servers import (
    NameServerConnection,
    endpoint_check,
    name_server_for,
    name_servers_forget,
)
from integrations.services.secrets import secret_put
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, Refused
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias, tenant_scope
from portal.models import Operation
from portal.services.operations import operation_enqueue
from provisioning.errors import DeploymentInvalid
from provisioning.logic.names import is_reverse
from provisioning.models import DnsRecord, DnsServer, DnsZone
from provisioning.permissions import Permission
from provisioning.selectors.dns import LIVE, manages_all, server_get, zone_get
from provisioning.services.operations import OperationType
from provisioning.states import ZoneKind
from provisioning.tags import Tag

_OF_ADMINS: Final = frozenset({"ttl", "is_default"})
"""What administrators of an organisation change about its own zones; the rest is platform staff's."""


def server_save(*, actor: Actor, code: str, api_key: str | None = None, **fields: Any) -> DnsServer:
    """Makes or changes a name server; a given key is stored as a secret, the row keeps the reference.

    Raises:
        Refused: the actor does not look after the platform.
        DeploymentInvalid: a field breaks its rule.
    """
    authorize(actor, Permission.CLUSTERS_MANAGE)
    path = f"platform/name-servers/{code}"
    with platform_alias(), transaction.atomic(using=PLATFORM):
        server = DnsServer.objects.filter(code=code).first() or DnsServer(code=code)
        for name, value in {"api_key_ref": f"vault:{path}#key", **fields}.items():
            setattr(server, name, value)
        _clean(server)
        _server_check(server)
        server.save(using=PLATFORM)
        if api_key is not None:
            secret_put(path, {"key": api_key})
        trail.record(
            tag=Tag.NAME_SERVER_SAVED,
            target=server,
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
            after={"code": code, "fields": sorted(fields), "key": api_key is not None},
        )
    name_servers_forget()
    return server


def server_test(*, actor: Actor, server_id: UUID | str) -> Operation:
    """Asks for a call that proves address, certificate and key; nothing is changed by it.

    Raises: Refused, NotFound.
    """
    server = server_get(actor=actor, server_id=server_id)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        trail.record(
            tag=Tag.NAME_SERVER_TEST_REQUESTED,
            target=server,
            actor=actor,
            tenant_id=PLATFORM_TENANT_ID,
        )
        return operation_enqueue(
            actor=actor,
            type=OperationType.DNS_TEST,
            tenant_id=PLATFORM_TENANT_ID,
            target_type="dns_server",
            target_id=server.pk,
            payload={"server_id": str(server.pk)},
        )


def zone_save(
    *,
    actor: Actor,
    name: str,
    organisation: Tenant | None = None,
    is_new: bool = False,
    **fields: Any,
) -> DnsZone:
    """Registers a zone, offered to all or one organisation's, or changes it; staff alone.

    It is made at the name server by its first check, unless it is there. With `is_new` one that is
    registered already is a fault. Raises: Refused, DeploymentInvalid.
    """
    authorize(actor, Permission.CLUSTERS_MANAGE)
    with platform_alias(), transaction.atomic(using=PLATFORM):
        zone = DnsZone.objects.filter(name=name).first() or DnsZone(name=name)
        is_unknown = zone._state.adding
        if is_new and not is_unknown:
            text = gettext("This zone is registered already.")
            raise DeploymentInvalid(faults=(Fault("name", "unique", text),))
        _demand_no_strangers(zone, organisation)
        zone.organisation = organisation
        _zone_apply(actor, zone, fields)
        if is_unknown:
            _check_enqueue(actor, zone)
    return zone


def zone_change(*, actor: Actor, zone_id: UUID | str, **fields: Any) -> DnsZone:
    """Changes a zone: its own organisation's administrators some of it, platform staff all.

    Raises: Refused, NotFound, DeploymentInvalid.
    """
    found = zone_get(actor=actor, zone_id=zone_id)
    authorize(actor, Permission.ZONES_MANAGE)
    is_own = found.organisation_id is not None and found.organisation_id == actor.tenant_id
    beyond = sorted(set(fields) - _OF_ADMINS)
    if not manages_all(actor) and (not is_own or beyond):
        raise Refused(
            gettext("This is changed by the platform's staff alone. Ask them."),
            permission=str(Permission.CLUSTERS_MANAGE),
        )
    with platform_alias(), transaction.atomic(using=PLATFORM):
        zone = DnsZone.objects.using(PLATFORM).select_for_update(of=("self",)).get(pk=found.pk)
        _zone_apply(actor, zone, fields)
    return zone_get(actor=actor, zone_id=zone_id)


def zone_check(*, actor: Actor, zone_id: UUID | str) -> Operation:
    """Asks for a zone to be compared with its name server now.

    Raises: Refused, NotFound, Conflict (it is out of use).
    """
    zone = zone_get(actor=actor, zone_id=zone_id)
    authorize(actor, Permission.DNS_MANAGE)
    if not zone.is_active:
        raise Conflict(gettext("The zone is out of use. Put it into use first."), code="inactive")
    with platform_alias(), transaction.atomic(using=PLATFORM):
        trail.record(
            tag=Tag.ZONE_CHECK_REQUESTED,
            target=zone,
            actor=actor,
            tenant_id=zone.organisation_id or PLATFORM_TENANT_ID,
        )
        return _check_enqueue(actor, zone)


def name_server_of(zone: DnsZone) -> NameServer:
    """The client of the server that keeps a zone. Raises ProviderError."""
    return server_client(zone.server)


def server_client(server: DnsServer) -> NameServer:
    """The client of a name server. Raises ProviderError."""
    return name_server_for(connection_of(server))


def connection_of(server: DnsServer) -> NameServerConnection:
    """What the provider needs to know of a name server; the key stays a reference."""
    return NameServerConnection(
        code=server.code,
        url=server.url,
        server_id=server.server_id,
        api_key_ref=server.api_key_ref,
        ca_pem=server.ca_pem,
        resolver=server.resolver,
    )


def _check_enqueue(actor: Actor, zone: DnsZone) -> Operation:
    tenant_id = zone.organisation_id or PLATFORM_TENANT_ID
    with tenant_scope(tenant_id):
        return operation_enqueue(
            actor=actor,
            type=OperationType.DNS_CHECK,
            tenant_id=tenant_id,
            target_type="dns_zone",
            target_id=zone.pk,
            payload={"zone_id": str(zone.pk)},
            concurrency_key=f"dns-zone:{zone.pk}",
        )


def _zone_apply(actor: Actor, zone: DnsZone, fields: dict[str, Any]) -> None:
    before = {name: _plain(getattr(zone, name, None)) for name in fields}
    for name, value in fields.items():
        setattr(zone, name, value)
    zone.kind = ZoneKind.REVERSE if is_reverse(zone.name) else ZoneKind.FORWARD
    _name_check("name", zone.name)
    if zone.is_default and zone.kind == ZoneKind.REVERSE:
        text = gettext("A zone of addresses cannot be the default for names.")
        raise DeploymentInvalid(faults=(Fault("is_default", "invalid", text),))
    if zone.is_default:
        others = DnsZone.objects.using(PLATFORM).filter(organisation=zone.organisation_id)
        others.filter(is_default=True).exclude(pk=zone.pk).update(is_default=False)
    _clean(zone)
    zone.save(using=PLATFORM)
    trail.record(
        tag=Tag.ZONE_SAVED,
        target=zone,
        actor=actor,
        tenant_id=zone.organisation_id or PLATFORM_TENANT_ID,
        before=before,
        after={"name": zone.name} | {name: _plain(value) for name, value in fields.items()},
    )


def _demand_no_strangers(zone: DnsZone, organisation: Tenant | None) -> None:
    """A zone is not given to an organisation while machines of others have names in it."""
    if zone._state.adding or organisation is None:
        return
    held = DnsRecord.across_tenants.filter(LIVE, zone=zone)
    if held.exclude(tenant=organisation).exists():
        text = gettext("Machines of other organisations have names in this zone.")
        raise DeploymentInvalid(faults=(Fault("organisation", "in_use", text),))


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | str | None) else str(value)


def _clean(row: DnsServer | DnsZone) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        faults = tuple(
            Fault(name, "invalid", message)
            for name, found in error.message_dict.items()
            for message in found
        )
        raise DeploymentInvalid(faults=faults) from error


def _name_check(field: str, name: str) -> None:
    try:
        name_checked(name)
    except ProviderError as error:
        text = gettext("Use a DNS name such as example.org, in lower case.")
        raise DeploymentInvalid(faults=(Fault(field, "invalid", text),)) from error


def _server_check(server: DnsServer) -> None:
    """What cannot be reached in a safe way is refused before it is stored."""
    is_list = isinstance(server.nameservers, list)
    if not is_list or not all(isinstance(name, str) for name in server.nameservers):
        text = gettext("Use a list of names, such as ns1.example.org.")
        raise DeploymentInvalid(faults=(Fault("nameservers", "invalid", text),))
    for name in server.nameservers:
        _name_check("nameservers", name)
    try:
        server_checked(server.server_id)
        endpoint_check(connection_of(server))
    except ProviderError as error:
        raise DeploymentInvalid(faults=(Fault("url", "invalid", error.message),)) from error
