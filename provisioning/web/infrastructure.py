"""`/infrastructure`: clusters, nodes and storages with their room, and their maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.errors import NotFound
from portal.kernel.web.views import ActionView, PortalView
from provisioning.models import Cluster, Node
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
    return {
        "row": view.row,
        "problem": view.problem,
        "hosts": view.row.api_hosts.all(),
        "nodes": [_node(node) for node in view.nodes],
        "storages": [_storage(storage) for storage in view.storages],
        "templates": view.templates,
    }


def _node(view: NodeView) -> dict[str, Any]:
    room = view.room
    memory = (room.memory_allocated_mb, room.memory_capacity_mb)
    memory_text = " / ".join(_gib(value) for value in memory)
    return {
        "row": view.row,
        "meters": [
            _meter(
                _("vCPU"),
                f"{room.cpu_allocated} / {_known(room.cpu_capacity)}{_times(view)}",
                room.cpu_allocated,
                room.cpu_capacity,
            ),
            _meter(_("Memory"), _("%(amount)s GiB") % {"amount": memory_text}, *memory),
        ],
    }


def _storage(view: StorageView) -> dict[str, Any]:
    room, row = view.room, view.row
    figures = f"{room.allocated_gb} / {_known(room.capacity_gb)}"
    text = _("%(amount)s GiB") % {"amount": figures}
    return {
        "row": row,
        "where": room.node or _("shared"),
        "meter": _meter(_("Allocated"), text, room.allocated_gb, room.capacity_gb),
    }


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
    return f" ({cores} × {capacity / cores:g})"


def _known(value: int | None) -> str:
    return "?" if value is None else str(value)


def _gib(value_mb: int | None) -> str:
    return "?" if value_mb is None else f"{value_mb / 1024:.0f}"
