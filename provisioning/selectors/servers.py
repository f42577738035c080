"""All that machines run on, and what else is watched: nodes, hosts with a probe, the portal's own hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.services.settings import setting_get
from provisioning.logic.measures import SubjectKind
from provisioning.logic.measures_settings import OFFLINE_AFTER
from provisioning.models import HostKind, MetricSubject, MonitoredHost, Node, NodeState
from provisioning.permissions import Permission
from provisioning.selectors.measures import Values, host_now, sparks


@dataclass(frozen=True, slots=True)
class Server:
    """A node or host with its newest figures and a day of its CPU."""

    kind: SubjectKind
    row: Node | MonitoredHost
    now: MetricSubject | None
    state: str
    spark: Values

    @property
    def pk(self) -> UUID:
        return self.row.pk

    @property
    def seen_at(self) -> datetime | None:
        """When it was last heard of."""
        heard = self.now.at if self.now else None
        return self.row.seen_at or heard if isinstance(self.row, Node) else heard

    @property
    def is_ours(self) -> bool:
        """Whether the portal itself runs on it."""
        return isinstance(self.row, MonitoredHost) and self.row.kind == HostKind.PORTAL


def server_list(*, actor: Actor) -> list[Server]:
    """Nodes, then hosts, each in the order of their names. Raises Refused."""
    authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    nodes = list(Node.objects.select_related("cluster").order_by("cluster__code", "name"))
    hosts = list(host_list(actor=actor))
    ids = [row.pk for row in (*nodes, *hosts)]
    now, lines = host_now(ids), sparks(ids)
    return [
        *(_node(row, now, lines) for row in nodes),
        *(_host(row, now, lines) for row in hosts),
    ]


def server_get(*, actor: Actor, kind: str, key: UUID | str) -> Server:
    """One of them. Raises Refused, NotFound (also for another tenant's)."""
    authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    rows: QuerySet[Node] | QuerySet[MonitoredHost]
    if kind == SubjectKind.NODE:
        rows = Node.objects.select_related("cluster")
    elif kind == SubjectKind.HOST:
        rows = host_list(actor=actor)
    else:
        raise NotFound(gettext("There is no such server."))
    try:
        row = rows.get(pk=UUID(str(key)))
    except (ValueError, Node.DoesNotExist, MonitoredHost.DoesNotExist):
        raise NotFound(gettext("There is no such server.")) from None
    now = host_now([row.pk])
    return _node(row, now, {}) if isinstance(row, Node) else _host(row, now, {})


def host_list(*, actor: Actor) -> QuerySet[MonitoredHost]:
    """Hosts of the organisation, and for platform staff those the portal runs on. Raises Refused."""
    authorize(actor, Permission.INFRASTRUCTURE_VIEW)
    if not actor.may(Permission.CLUSTERS_MANAGE):
        return MonitoredHost.objects.order_by("name", "id")
    own = Q(tenant_id=PLATFORM_TENANT_ID) | Q(tenant_id=actor.tenant_id)
    return MonitoredHost.across_tenants.filter(own).order_by("kind", "name", "id")


def _node(row: Node, now: Mapping[UUID, MetricSubject], lines: Mapping[UUID, Values]) -> Server:
    spark = lines.get(row.pk, [])
    return Server(SubjectKind.NODE, row, now.get(row.pk), row.state, spark)


def _host(
    row: MonitoredHost, now: Mapping[UUID, MetricSubject], lines: Mapping[UUID, Values]
) -> Server:
    seen = now.get(row.pk)
    spark = lines.get(row.pk, [])
    return Server(SubjectKind.HOST, row, seen, _state(row, seen), spark)


def _state(row: MonitoredHost, seen: MetricSubject | None) -> str:
    if seen is None:
        return NodeState.UNKNOWN
    silence = timedelta(seconds=row.interval_s * int(setting_get(OFFLINE_AFTER)))
    return NodeState.ONLINE if clock.now() - seen.at <= silence else NodeState.OFFLINE
