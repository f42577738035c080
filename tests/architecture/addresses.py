"""What every parameter of an address is in the scene. A new kind of id must be named here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from portal.kernel.models import uuid7
from tests.architecture.routes import Route, kind_of
from tests.architecture.scene import Scene

Known = dict[tuple[str, str], Any]


def address_of(scene: Scene, route: Route) -> str:
    """The route with the ids of this scene."""
    path = route.path
    for name in route.parameters:
        path = path.replace(f"<str:{name}>", f"<{name}>")
        path = path.replace(f"<{name}>", _value(scene, route, name))
    return f"/{path}"


def _value(scene: Scene, route: Route, name: str) -> str:
    kind = kind_of(route)
    if (kind, route.name) in scene.spares:
        return str(scene.spares[kind, route.name])
    if "/snapshots/" in route.path and name == "pk":
        return scene.snapshot_id
    if "dns-records" in route.path and name == "pk":
        return str(scene.name.pk)
    if "volumes/" in route.path and name in {"pk", "volume_id"}:
        return scene.volume_id
    if "snapshots/" in route.path and name == "action":
        return "rollback"
    if route.name == "NameAction" and name == "action":
        return "set-again"
    known = {
        **_of_machines(scene),
        **_of_copies(scene, route),
        **_of_names(scene),
        **_of_figures(scene, route),
        **_of_places(scene),
        **_of_people(scene, route),
        **_of_the_portal(scene, route),
    }
    if scene.hooks is not None:
        known |= scene.hooks.ids(route.path)
    assert (kind, name) in known, f"{route}: say in this module what <{name}> of {kind} is"
    return str(known[kind, name])


def _of_machines(scene: Scene) -> Known:
    machine = scene.deployment.pk
    return {
        ("cloud-pods", "deployment_id"): machine,
        ("cloud-pods", "code"): "wordpress",
        ("deployments", "pk"): machine,
        ("deployments", "deployment_id"): machine,
        ("deployments", "action"): "restart",
        ("deployments", "step"): "resources",
        ("deployments", "key"): scene.bulk_key,
        ("deployments", "kind"): "backup",
        ("volumes", "action"): "detach",
        ("templates", "code"): "wordpress",
        ("extension-requests", "pk"): scene.extension.pk,
        ("ownership-transfers", "pk"): scene.transfer_id,
        ("transfers", "transfer_id"): scene.transfer_id,
        ("transfers", "action"): "withdraw",
    }


def _of_copies(scene: Scene, route: Route) -> Known:
    is_of_schedule = "schedule_id" in route.parameters
    return {
        ("backups", "pk"): scene.backup_id,
        ("backups", "backup_id"): scene.backup_id,
        ("backups", "schedule_id"): scene.schedule_id,
        ("backups", "action"): "pause" if is_of_schedule else "protect",
        ("backup-schedules", "pk"): scene.schedule_id,
        ("deployments", "snapshot_id"): scene.snapshot_id,
    }


def _of_names(scene: Scene) -> Known:
    return {
        ("deployments", "record_id"): scene.name.pk,
        ("dns-zones", "pk"): scene.name.zone_id,
        ("dns-servers", "pk"): scene.name.zone.server_id,
        ("dns", "zone_id"): scene.name.zone_id,
        ("dns", "action"): "check",
    }


def _of_figures(scene: Scene, route: Route) -> Known:
    is_destroyed = route.name == "destroy"
    return {
        ("hosts", "pk"): scene.hosts[is_destroyed],
        ("hosts", "subject_id"): scene.hosts[0],
        ("servers", "key"): scene.hosts[0],
        ("servers", "kind"): "host",
        ("servers", "action"): "revoke",
        ("alert-rules", "pk"): scene.rules[is_destroyed],
        ("alerts", "rule_id"): scene.rules[2 if route.name == "RuleDelete" else 0],
        ("alerts", "pk"): scene.alert,
        ("alerts", "alert_id"): scene.alert,
        ("alerts", "action"): "delete",
    }


def _of_places(scene: Scene) -> Known:
    node: UUID = scene.node_id
    return {
        ("findings", "pk"): scene.finding_id,
        ("findings", "finding_id"): scene.finding_id,
        ("findings", "action"): "close",
        ("maintenance-windows", "pk"): scene.window_id,
        ("infrastructure", "window_id"): scene.window_id,
        ("infrastructure", "cluster_id"): scene.deployment.cluster_id,
        ("infrastructure", "node_id"): node,
        ("infrastructure", "subject_id"): node,
        ("infrastructure", "kind"): "node",
        ("infrastructure", "key"): node,
        ("infrastructure", "action"): "end",
    }


def _of_people(scene: Scene, route: Route) -> Known:
    is_destroyed, people = route.name == "destroy", scene.world.people
    return {
        ("notifications", "pk"): scene.notice,
        ("notifications", "notification_id"): scene.notice,
        ("saved-filters", "pk"): scene.saved_filter,
        ("saved-filters", "filter_id"): scene.saved_filter,
        ("saved-filters", "action"): "change",
        ("roles", "code"): "viewer",
        ("sessions", "pk"): scene.session,
        ("tenants", "slug"): "north",
        ("profile", "session_id"): scene.session,
        ("teams", "pk"): scene.teams[is_destroyed].pk,
        ("teams", "user_id"): people["support"].pk,
        ("users", "pk"): people["dev" if is_destroyed else "support"].pk,
    }


def _of_the_portal(scene: Scene, route: Route) -> Known:
    operation = scene.operation.pk
    given_up = scene.given_up.get(route.name, operation)
    return {
        ("operations", "pk"): operation,
        ("operations", "operation_id"): operation,
        ("settings", "name"): "cloudpods.lease.grace_hours",
        ("audit", "pk"): scene.entry.pk,
        ("audit", "entry_id"): scene.entry.pk,
        ("workers", "pk"): operation,
        ("workers", "worker_id"): operation,
        ("stuck-work", "subject"): f"operation:{given_up}",
        ("stuck-work", "remedy"): "retry",
        ("system-health", "event_id"): uuid7(),
    }
