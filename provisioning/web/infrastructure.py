"""`/infrastructure`: clusters, nodes and storages with their room, and their maintenance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.errors import NotFound
from portal.kernel.web.views import ActionView, PortalView
from portal.templatetags.ui import gib, mib
from provisioning.models import Cluster, Node, NodeState
from provisioning.permissions import Permission
from provisioning.selectors.infrastructure import (
    ClusterView,
    NodeView,
    StorageView,
    cluster_list,
    cluster_views,
)
from provisioning.services.maintenance import (
    REASON_MAX,
    cluster_maintenance_set,
    node_maintenance_set,
)

_HIGH, _FULL = 0.8, 0.95
_NODE_ICONS: dict[str, str] = {
    NodeState.ONLINE: "cpu",
    NodeState.OFFLINE: "octagon-x",
    NodeState.UNKNOWN: "circle-question-mark",
}


class ReasonForm(forms.Form):
    """Why something is taken out of service."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=3,
        max_length=REASON_MAX,
        help_text=gettext_lazy("People whose work waits will read it."),
    )


@dataclass(frozen=True, slots=True)
class Dialog:
    """One question: begin the maintenance of a node or of a cluster."""

    id: str
    kind: str
    key: str
    name: str
    form: ReasonForm


class Infrastructure(PortalView):
    """`/infrastructure`; the fragment is what changes by itself."""

    permission = Permission.INFRASTRUCTURE_VIEW
    template_name = "provisioning/infrastructure/page.html"
    fragment_name = "provisioning/infrastructure/_clusters.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        views = cluster_views(cluster_list(actor=self.actor))
        may_manage = self.actor.may(Permission.INFRASTRUCTURE_MANAGE)
        values: dict[str, Any] = {
            "clusters": [_cluster(view) for view in views],
            "tree": [_tree(view) for view in views],
            "may_manage": may_manage,
            "dialogs": [],
        }
        if may_manage and not request.htmx:  # type: ignore[attr-defined]
            values["dialogs"] = [dialog for view in views for dialog in _dialogs(view)]
        return self.page(values)


class InfrastructureMaintenance(ActionView):
    """`/infrastructure/{kind}/{id}/{begin|end}`: nodes and clusters in and out of service."""

    permission = Permission.INFRASTRUCTURE_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:infrastructure")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        begins = kwargs["action"] == "begin"
        if kwargs["action"] not in {"begin", "end"}:
            raise NotFound
        wanted: dict[str, Any] = {
            "actor": self.actor,
            "is_in_maintenance": begins,
            "reason": request.POST.get("reason", "") if begins else "",
        }
        row: Node | Cluster
        if kwargs["kind"] == "node":
            row = node_maintenance_set(node_id=kwargs["key"], **wanted)
        elif kwargs["kind"] == "cluster":
            row = cluster_maintenance_set(cluster_id=kwargs["key"], **wanted)
        else:
            raise NotFound
        text = _("%(name)s is in maintenance.") if begins else _("%(name)s is in service again.")
        return text % {"name": row.name}


def _dialogs(view: ClusterView) -> list[Dialog]:
    rows: list[tuple[str, Cluster | Node]] = [("cluster", view.row)]
    rows += [("node", node.row) for node in view.nodes]
    return [_dialog(kind, row) for kind, row in rows if not row.is_in_maintenance]


def _dialog(kind: str, row: Cluster | Node) -> Dialog:
    key = f"maintenance-{row.pk}"
    return Dialog(key, kind, str(row.pk), row.name, ReasonForm(auto_id=f"{key}-%s"))


def _cluster(view: ClusterView) -> dict[str, Any]:
    rooms = [node.room for node in view.nodes]
    storages = [storage.room for storage in view.storages]
    hosts = list(view.row.api_hosts.all())
    return {
        "row": view.row,
        "problem": view.problem,
        "hosts": hosts,
        "answering": sum(host.is_reachable for host in hosts),
        "online": sum(node.row.state == NodeState.ONLINE for node in view.nodes),
        "rings": [
            _ring(_("vCPU"), _sum(rooms, "cpu_allocated"), _sum(rooms, "cpu_capacity"), str),
            _ring(
                _("Memory"),
                _sum(rooms, "memory_allocated_mb"),
                _sum(rooms, "memory_capacity_mb"),
                mib,
            ),
            _ring(_("Storage"), _sum(storages, "allocated_gb"), _sum(storages, "capacity_gb"), gib),
        ],
        "nodes": [_node(node) for node in view.nodes],
        "storages": [_storage(storage) for storage in view.storages],
        "templates": view.templates,
    }


def _tree(view: ClusterView) -> dict[str, Any]:
    """A cluster with what it is made of, each a link to its place on the page."""
    nodes = [
        {
            "label": node.row.name,
            "icon": "wrench" if node.row.is_in_maintenance else _NODE_ICONS[node.row.state],
            "url": f"#node-{node.row.pk}",
        }
        for node in view.nodes
    ]
    storages = [
        {
            "label": f"{one.row.name} · {one.room.node}" if one.room.node else one.row.name,
            "icon": "hard-drive",
            "url": f"#storage-{one.row.pk}",
        }
        for one in view.storages
    ]
    return {
        "label": view.row.name,
        "icon": "server-cog",
        "url": f"#cluster-{view.row.pk}",
        "badge": _("Maintenance") if view.row.is_in_maintenance else "",
        "children": [*nodes, *storages],
    }


def _node(view: NodeView) -> dict[str, Any]:
    room = view.room
    memory = (room.memory_allocated_mb, room.memory_capacity_mb)
    return {
        "row": view.row,
        "meters": [
            _meter(
                _("vCPU"),
                f"{room.cpu_allocated} / {_known(room.cpu_capacity)}{_times(view)}",
                room.cpu_allocated,
                room.cpu_capacity,
            ),
            _meter(_("Memory"), f"{mib(memory[0])} / {_known(memory[1], mib)}", *memory),
        ],
    }


def _storage(view: StorageView) -> dict[str, Any]:
    room, row = view.room, view.row
    text = f"{gib(room.allocated_gb)} / {_known(room.capacity_gb, gib)}"
    return {
        "row": row,
        "where": room.node or _("shared"),
        "meter": _meter(_("Spoken for"), text, room.allocated_gb, room.capacity_gb),
        "figures": [
            (_("Given to machines"), gib(view.given_gb)),
            (_("Reserved for clones"), gib(view.reserved_gb)),
            (_("Really used"), _known(row.used_gb, gib)),
        ],
    }


def _ring(label: str, value: int, capacity: int, said: Callable[[int], str]) -> dict[str, Any]:
    note = f"{said(value)} / {said(capacity)}" if capacity else said(value)
    return {"label": label, "value": min(value, capacity), "max": capacity, "note": note}


def _sum(rooms: Iterable[object], name: str) -> int:
    return sum(getattr(room, name) or 0 for room in rooms)


def _meter(label: str, text: str, value: int, capacity: int | None) -> dict[str, Any]:
    share = value / capacity if capacity else 0.0
    tone = "danger" if share >= _FULL else "warn" if share >= _HIGH else ""
    shown = min(value, capacity) if capacity else 0
    return {"label": label, "text": text, "value": shown, "max": capacity or 0, "tone": tone}


def _times(view: NodeView) -> str:
    """How the capacity came about, when processors are given away more than once."""
    cores, capacity = view.row.cpu_cores, view.room.cpu_capacity
    if not cores or not capacity or cores == capacity:
        return ""
    return f" ({cores} × {number_format(round(capacity / cores, 2), use_l10n=True)})"


def _known(value: int | None, said: Callable[[int], str] = str) -> str:
    return "?" if value is None else said(value)
