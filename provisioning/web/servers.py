"""`/servers`: everything that is watched, one with its charts, and hosts that people add."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import UNPROCESSABLE, ActionView, PortalView
from provisioning.logic.measures import RANGES, Metric, SubjectKind
from provisioning.logic.measures_settings import GRAFANA_HOST
from provisioning.models import HostKind, MonitoredHost, Node
from provisioning.permissions import Permission
from provisioning.selectors.measures import host_series, range_read
from provisioning.selectors.servers import Server, server_get, server_list
from provisioning.services import hosts
from provisioning.web.measures import (
    bytes_text,
    charts,
    figure_text,
    grafana_link,
    range_links,
)

_HIGH, _FULL = 80, 95
_EVERY_S: Final = 60


class HostForm(forms.Form):
    """A host to be watched."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)
    interval_s = forms.IntegerField(
        label=gettext_lazy("Seconds between two words of its probe"),
        min_value=hosts.INTERVAL_LEAST_S,
        max_value=hosts.INTERVAL_MOST_S,
        initial=60,
    )


class ServerList(PortalView):
    """`/servers`; the fragment is what changes by itself."""

    permission = Permission.INFRASTRUCTURE_VIEW
    template_name = "provisioning/server/list.html"
    fragment_name = "provisioning/server/_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        servers = server_list(actor=self.actor)
        may_add = self.actor.may(Permission.HOSTS_MANAGE) and current_tenant_id() is not None
        values = {
            "groups": [group for group in _groups(servers) if group["servers"]],
            "counts": _counts(servers),
            "may_add": may_add,
        }
        return self.page(values)


class ServerNew(PortalView):
    """`/servers/new`; a POST adds the host and shows its token, once."""

    permission = Permission.HOSTS_MANAGE
    template_name = "provisioning/server/new.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page({"form": HostForm(), "host": None})

    def post(self, request: HttpRequest) -> HttpResponse:
        tenant_id = current_tenant_id()
        if tenant_id is None:
            raise NotFound
        form = HostForm(request.POST)
        if form.is_valid():
            values = form.cleaned_data
            try:
                return token_page(
                    request, *hosts.host_add(actor=self.actor, tenant_id=tenant_id, **values)
                )
            except InvalidInput as error:
                for fault in error.faults:
                    form.add_error(
                        fault.field if fault.field in form.fields else None, fault.message
                    )
        return self.page({"form": form, "host": None}, status=UNPROCESSABLE)


class ServerDetail(PortalView):
    """`/servers/{kind}/{id}?range=`."""

    permission = Permission.INFRASTRUCTURE_VIEW
    template_name = "provisioning/server/detail.html"

    def get(self, request: HttpRequest, kind: str, key: str) -> HttpResponse:
        server = server_get(actor=self.actor, kind=kind, key=key)
        over = range_read(request.GET.get("range") or None)
        series = host_series(server.pk, over)
        base = "infrastructure/nodes" if kind == SubjectKind.NODE else "hosts"
        shown = charts(series, server.now, f"/api/{base}/{server.pk}/metrics")
        address = reverse("provisioning:server_detail", args=[kind, server.pk])
        row = server.row
        values = {
            "server": _shown(server),
            "facts": _facts(server),
            "charts": [one for one in shown if one.is_known or one.key in {"cpu", "memory"}],
            "ranges": range_links(address, over),
            "over": over,
            "every": _EVERY_S if over is RANGES[0] else "",
            "grafana": grafana_link(GRAFANA_HOST, host=row.name),
            "may_manage": isinstance(row, MonitoredHost)
            and row.kind == HostKind.PROBE
            and self.actor.may(Permission.HOSTS_MANAGE),
        }
        return self.page(values)


class HostToken(PortalView):
    """`/servers/host/{id}/token`: another token, shown once."""

    permission = Permission.HOSTS_MANAGE
    template_name = "provisioning/server/new.html"

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        server = server_get(actor=self.actor, kind=SubjectKind.HOST, key=key)
        return self.page({"form": None, "host": server.row})

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        return token_page(request, *hosts.host_token_make(actor=self.actor, host_id=key))


class HostAction(ActionView):
    """`/servers/host/{id}/{revoke|remove}`."""

    permission = Permission.HOSTS_MANAGE

    def target(self, **kwargs: Any) -> str:
        if kwargs["action"] == "remove":
            return reverse("provisioning:server_list")
        return reverse("provisioning:server_detail", args=[SubjectKind.HOST.value, kwargs["key"]])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        if kwargs["action"] == "revoke":
            hosts.host_token_revoke(actor=self.actor, host_id=kwargs["key"])
            return _("The token is revoked: what the probe says is no longer heard.")
        if kwargs["action"] == "remove":
            hosts.host_remove(actor=self.actor, host_id=kwargs["key"])
            return _("The host is removed.")
        raise NotFound


def token_page(request: HttpRequest, host: MonitoredHost, token: str) -> HttpResponse:
    """The page that shows a token; nobody keeps it."""
    lines = (
        f"UHUB_PROBE_URL={settings.PUBLIC_URL}/api/probes/samples",
        f"UHUB_PROBE_TOKEN={token}",
        f"UHUB_PROBE_INTERVAL={host.interval_s}",
    )
    values = {"host": host, "environment": "\n".join(lines)}
    response = render(request, "provisioning/server/token.html", values)
    response["Cache-Control"] = "no-store"
    return response


def _groups(servers: list[Server]) -> list[dict[str, Any]]:
    nodes = [one for one in servers if one.kind is SubjectKind.NODE]
    ours = [one for one in servers if one.is_ours]
    others = [one for one in servers if one.kind is SubjectKind.HOST and not one.is_ours]
    return [
        {"label": _("Nodes of the clusters"), "icon": "cpu", "servers": list(map(_shown, nodes))},
        {"label": _("Hosts"), "icon": "server", "servers": list(map(_shown, others))},
        {"label": _("uHub itself"), "icon": "house", "servers": list(map(_shown, ours))},
    ]


def _counts(servers: list[Server]) -> dict[str, int]:
    states = [one.state for one in servers]
    return {state: states.count(state) for state in ("online", "offline", "unknown")}


def _shown(server: Server) -> dict[str, Any]:
    row, now = server.row, server.now
    is_node = isinstance(row, Node)
    return {
        "pk": server.pk,
        "kind": server.kind.value,
        "name": row.name,
        "about": row.cluster.name if isinstance(row, Node) else row.system or row.note,
        "icon": "cpu" if is_node else "server",
        "state": server.state,
        "seen_at": server.seen_at,
        "meters": [] if now is None else [_meter(metric, now) for metric in _SHARES],
        "spark": server.spark,
    }


_SHARES: Final = (Metric.CPU, Metric.MEMORY, Metric.DISK)


def _meter(metric: Metric, now: Any) -> dict[str, Any]:
    share = getattr(now, metric)
    used, size = getattr(now, f"{metric}_used", None), getattr(now, f"{metric}_size", None)
    tone = "" if share is None or share < _HIGH else "danger" if share >= _FULL else "warn"
    whole = f"{bytes_text(used)} / {bytes_text(size)}" if used is not None and size else ""
    if metric is Metric.CPU and now.cpu_cores:
        whole = _("%(count)s cores") % {"count": now.cpu_cores}
    return {
        "label": metric.label,
        "text": figure_text(metric, share),
        "value": share or 0,
        "tone": tone,
        "whole": whole,
        "is_known": share is not None,
    }


def _facts(server: Server) -> list[tuple[str, str]]:
    row, now = server.row, server.now
    facts = []
    if isinstance(row, Node):
        facts.append((_("Cluster"), row.cluster.name))
    else:
        facts.append((_("System"), row.system or "–"))
        facts.append((_("Interval"), _("%(count)s s") % {"count": row.interval_s}))
        if row.kind == HostKind.PROBE:
            facts.append((_("Token"), f"…{row.token_hint}" if row.token_hint else _("none")))
    if now is not None and now.uptime_s is not None:
        days = now.uptime_s // 86_400
        hours = now.uptime_s % 86_400 // 3600
        facts.append(
            (_("Runs since"), _("%(days)s d %(hours)s h") % {"days": days, "hours": hours})
        )
    return facts
