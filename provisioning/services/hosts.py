"""Hosts outside the clusters: added by people, heard through their probes, and our own."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from audit.services import trail
from integrations.base.machine import MachineFigures, machine_figures
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, InvalidInput, NotFound
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID
from portal.services.settings import setting_get
from provisioning.errors import ProbeUnknown, TooSoon
from provisioning.logic.measures import SubjectKind
from provisioning.logic.measures_settings import INTERVAL
from provisioning.logic.samples import ProbeSample
from provisioning.models import HostKind, MetricSubject, MonitoredHost
from provisioning.permissions import Permission
from provisioning.services.readings import Reading, readings_store
from provisioning.tags import Tag

HOSTS_MOST: Final = 500
INTERVAL_MOST_S: Final = 3600
INTERVAL_LEAST_S: Final = 10
_PREFIX: Final = "uhp_"
_HINT: Final = 4


@transaction.atomic
def host_add(
    *, actor: Actor, tenant_id: UUID, name: str, note: str = "", interval_s: int = 60
) -> tuple[MonitoredHost, str]:
    """Adds a host and makes its probe's token, which is shown this once.

    Raises:
        Refused: the actor does not manage hosts.
        InvalidInput: the name is empty or taken, the interval out of bounds, or there are too many hosts.
    """
    authorize(actor, Permission.HOSTS_MANAGE)
    name = name.strip()
    if not 1 <= len(name) <= 120:
        raise InvalidInput(gettext("A name of 1 to 120 characters."), field="name")
    if not INTERVAL_LEAST_S <= interval_s <= INTERVAL_MOST_S:
        bounds = {"least": INTERVAL_LEAST_S, "most": INTERVAL_MOST_S}
        raise InvalidInput(
            gettext("From %(least)s to %(most)s seconds.") % bounds, field="interval_s"
        )
    if MonitoredHost.objects.filter(tenant_id=tenant_id).count() >= HOSTS_MOST:
        raise InvalidInput(
            gettext("An organisation has at most %(most)s hosts.") % {"most": HOSTS_MOST}
        )
    host = MonitoredHost(
        tenant_id=tenant_id, name=name, note=note.strip()[:200], interval_s=interval_s
    )
    token = _token_set(host)
    try:
        with transaction.atomic():
            host.save(force_insert=True)
    except IntegrityError:
        raise InvalidInput(gettext("There is a host of this name."), field="name") from None
    after = {"name": host.name, "interval_s": host.interval_s}
    trail.record(tag=Tag.HOST_ADDED, target=host, after=after, actor=actor)
    return host, token


@transaction.atomic
def host_token_make(*, actor: Actor, host_id: UUID | str) -> tuple[MonitoredHost, str]:
    """Makes another token; the one before ends at once. Raises Refused, NotFound."""
    host = _locked(actor, host_id)
    token = _token_set(host)
    host.save()
    trail.record(tag=Tag.HOST_TOKEN_MADE, target=host, actor=actor)
    return host, token


@transaction.atomic
def host_token_revoke(*, actor: Actor, host_id: UUID | str) -> MonitoredHost:
    """Ends the token; the host stays with its figures. Raises Refused, NotFound, Conflict."""
    host = _locked(actor, host_id)
    if host.token_digest is None:
        raise Conflict(gettext("This host has no token."))
    host.token_digest, host.token_hint = None, ""
    host.save()
    trail.record(tag=Tag.HOST_TOKEN_REVOKED, target=host, actor=actor)
    return host


@transaction.atomic
def host_remove(*, actor: Actor, host_id: UUID | str) -> None:
    """Removes a host with its token. Raises Refused, NotFound."""
    host = _locked(actor, host_id)
    trail.record(tag=Tag.HOST_REMOVED, target=host, before={"name": host.name}, actor=actor)
    host.delete()


def probe_host(*, token: str) -> MonitoredHost:
    """The host whose probe has this token.

    Raises:
        ProbeUnknown: no host has it.
    """
    rows = MonitoredHost.across_tenants.filter(token_digest=_digest(token[:200]))
    host = rows.first() if token.startswith(_PREFIX) else None
    if host is None:
        raise ProbeUnknown
    return host


def sample_accept(*, host: MonitoredHost, sample: ProbeSample) -> None:
    """Keeps one word of a probe.

    Raises:
        TooSoon: the probe spoke a moment ago.
    """
    now = clock.now()
    last = MetricSubject.across_tenants.filter(pk=host.pk).values_list("at", flat=True).first()
    wait_s = host.interval_s / 2 - (now - last).total_seconds() if last is not None else 0.0
    if wait_s > 0:
        raise TooSoon(wait_s)
    if sample.system and sample.system != host.system:
        MonitoredHost.across_tenants.filter(pk=host.pk).update(system=sample.system)
    figures: dict[str, Any] = dict(sample.figures)
    reading = Reading(host.pk, host.tenant_id, SubjectKind.HOST, host.name, cpu=sample.cpu)
    readings_store([replace(reading, **figures)], at=now, interval_s=host.interval_s)


def portal_host_measure() -> None:
    """Keeps figures of the host this worker runs on, once per interval however many run there."""
    interval_s, now = int(setting_get(INTERVAL)), clock.now()
    figures = machine_figures()
    with transaction.atomic(using=PLATFORM):
        host = _portal_host(figures, interval_s)
        last = MetricSubject.across_tenants.filter(pk=host.pk).values_list("at", flat=True).first()
        if last is not None and now - last < timedelta(seconds=interval_s * 0.75):
            return
        readings_store([_portal_reading(host, figures)], at=now, interval_s=interval_s)


def _portal_host(figures: MachineFigures, interval_s: int) -> MonitoredHost:
    key = {"tenant_id": PLATFORM_TENANT_ID, "name": figures.name[:120]}
    rows = MonitoredHost.across_tenants.select_for_update()
    host = rows.filter(**key).first()
    if host is None:
        made = MonitoredHost(**key, kind=HostKind.PORTAL)
        MonitoredHost.across_tenants.bulk_create([made], ignore_conflicts=True)
        host = rows.get(**key)
    if (host.system, host.interval_s) != (figures.system, interval_s):
        host.system, host.interval_s = figures.system[:120], interval_s
        host.save(using=PLATFORM)
    return host


def _portal_reading(host: MonitoredHost, figures: MachineFigures) -> Reading:
    return Reading(
        subject_id=host.pk,
        tenant_id=host.tenant_id,
        kind=SubjectKind.HOST,
        name=host.name,
        uptime_s=figures.uptime_s,
        cpu=figures.cpu_percent,
        cpu_cores=figures.cpu_cores,
        memory_used=figures.memory_used,
        memory_size=figures.memory_size,
        disk_used=figures.disk_used,
        disk_size=figures.disk_size,
        disk_read_total=figures.disk_read,
        disk_write_total=figures.disk_write,
        net_in_total=figures.net_in,
        net_out_total=figures.net_out,
    )


def _token_set(host: MonitoredHost) -> str:
    token = f"{_PREFIX}{secrets.token_urlsafe(32)}"
    host.token_digest, host.token_hint = _digest(token), token[-_HINT:]
    return token


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _locked(actor: Actor, host_id: UUID | str) -> MonitoredHost:
    authorize(actor, Permission.HOSTS_MANAGE)
    try:
        key = UUID(str(host_id))
    except ValueError:
        raise NotFound(gettext("There is no such host.")) from None
    host = MonitoredHost.objects.select_for_update().filter(pk=key, kind=HostKind.PROBE).first()
    if host is None:
        raise NotFound(gettext("There is no such host."))
    return host
