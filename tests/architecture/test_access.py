"""Permission × role × route, generated: whoever is denied changes nothing and sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from audit.models import Entry
from portal.kernel import clock
from portal.kernel.authz import PUBLIC, SIGNED_IN, Actor, default_permissions, permission_specs
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope, user_scope
from portal.models import Notification, Operation, SavedFilter, Team, TeamMember, User
from portal.selectors.sessions import session_list
from portal.services.notifications import Notice, notify
from portal.services.tokens import tokens_issue
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import (
    Deployment,
    DnsRecord,
    ExtensionRequest,
    Finding,
    Node,
    OwnershipTransfer,
)
from provisioning.services.creation import deployment_create
from provisioning.services.leases import deployment_extend
from provisioning.services.windows import window_plan_new
from tests.architecture.figures import alert_of, host_of, rule_of
from tests.architecture.routes import Route, routes
from tests.calls import witnessed
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, TeamFactory, UserFactory
from tests.factories.copies import paper_backup, paper_schedule, paper_snapshot
from tests.factories.names import names_made, zones_made
from tests.factories.provisioning import ClusterFactory, TemplateFactory, VolumeFactory
from tests.provisioning.hook_scenes import HookSights, hooks_made
from tests.snapshot import rows_digest

ROLES = ("viewer", "support", "ops", "dev", "projets", "admin")
PERSONAS = ("anonymous", *ROLES, "outsider")
ACTIONS = ("start", "stop", "restart", "retry", "extend", "resize", "hold", "release", "delete")

FIGURES = {"cpu_cores": 3, "memory_mb": 4096, "disk_gb": 30}
BODIES: dict[str, dict[str, Any]] = {"extend": {"hours": 1}, "resize": FIGURES}

# What a service asks beyond what its route declares; the one who asked for the work may, too.
BEYOND = {
    "OperationRetry": "cloudpods.operate",
    "OperationCancel": "operations.manage",
    "retry": "cloudpods.operate",
    "cancel": "operations.manage",
    "DeploymentAction": "cloudpods.operate",
    "ZoneAction": "cloudpods.dns.manage",
    # Only the owner, who is the receiver as well, may do these.
    **dict.fromkeys(("accept", "decline", "reveal", "ApplicationPasswords"), "owner"),
}


@dataclass
class Scene:
    """A deployment of the support agent of `north`, with its operation and audit entry."""

    world: World
    deployment: Deployment
    operation: Operation
    entry: Entry
    extension: ExtensionRequest
    teams: tuple[Team, Team]
    name: DnsRecord
    session: str = ""
    finding_id: str = ""
    notice: str = str(UUID(int=0))
    saved_filter: str = str(UUID(int=0))
    bulk_key: str = str(UUID(int=0))
    transfer_id: str = str(UUID(int=0))
    snapshot_id: str = str(UUID(int=0))
    backup_id: str = str(UUID(int=0))
    schedule_id: str = str(UUID(int=0))
    window_id: str = str(UUID(int=0))
    volume_id: str = str(UUID(int=0))
    hosts: tuple[UUID, ...] = ()
    rules: tuple[UUID, ...] = ()
    alert: UUID | None = None
    hooks: HookSights | None = None

    @property
    def node_id(self) -> UUID:
        """The node of the deployment."""
        nodes = Node.objects.using("platform").filter(cluster_id=self.deployment.cluster_id)
        return nodes.get(name=self.deployment.node).pk

    def client(self, persona: str) -> Client:
        client = Client(raise_request_exception=False)
        if persona == "outsider":
            assert self.world.stranger is not None
            client.force_login(self.world.stranger)
        elif persona != "anonymous":
            client.force_login(self.world.people[persona])
        return client

    def address(self, route: Route) -> str:
        """The route with the ids of this scene. A new kind of id must be named here."""
        path = route.path
        for name in route.parameters:
            path = path.replace(f"<str:{name}>", f"<{name}>")
            path = path.replace(f"<{name}>", self._value(route, name))
        return f"/{path}"

    def _value(self, route: Route, name: str) -> str:
        kind = kind_of(route)
        if "/snapshots/" in route.path and name == "pk":
            return self.snapshot_id
        if "dns-records" in route.path and name == "pk":
            return str(self.name.pk)
        if "volumes/" in route.path and name in {"pk", "volume_id"}:
            return self.volume_id
        if kind == "volumes" and name == "action":
            return "detach"
        if route.name == "NameAction" and name == "action":
            return "set-again"
        assert self.hooks is not None
        known = {
            **self.hooks.ids(route.path),
            ("cloud-pods", "deployment_id"): self.deployment.pk,
            ("deployments", "record_id"): self.name.pk,
            ("dns-zones", "pk"): self.name.zone_id,
            ("dns-servers", "pk"): self.name.zone.server_id,
            ("dns", "zone_id"): self.name.zone_id,
            ("dns", "action"): "check",
            ("deployments", "pk"): self.deployment.pk,
            ("deployments", "deployment_id"): self.deployment.pk,
            ("deployments", "action"): "restart",
            ("deployments", "step"): "resources",
            ("extension-requests", "pk"): self.extension.pk,
            ("notifications", "pk"): self.notice,
            ("notifications", "notification_id"): self.notice,
            ("operations", "pk"): self.operation.pk,
            ("operations", "operation_id"): self.operation.pk,
            ("templates", "code"): "wordpress",
            ("settings", "name"): "cloudpods.lease.grace_hours",
            ("audit", "pk"): self.entry.pk,
            ("audit", "entry_id"): self.entry.pk,
            ("deployments", "key"): self.bulk_key,
            ("saved-filters", "pk"): self.saved_filter,
            ("saved-filters", "filter_id"): self.saved_filter,
            ("saved-filters", "action"): "change",
            ("findings", "pk"): self.finding_id,
            ("findings", "finding_id"): self.finding_id,
            ("findings", "action"): "close",
            ("hosts", "pk"): self.hosts[route.name == "destroy"],
            ("hosts", "subject_id"): self.hosts[0],
            ("servers", "key"): self.hosts[0],
            ("servers", "kind"): "host",
            ("alert-rules", "pk"): self.rules[route.name == "destroy"],
            ("alerts", "rule_id"): self.rules[2 if route.name == "RuleDelete" else 0],
            ("alerts", "pk"): self.alert,
            ("alerts", "alert_id"): self.alert,
            ("servers", "action"): "revoke",
            ("alerts", "action"): "delete",
            ("ownership-transfers", "pk"): self.transfer_id,
            ("backups", "pk"): self.backup_id,
            ("backups", "backup_id"): self.backup_id,
            ("backups", "schedule_id"): self.schedule_id,
            ("backups", "action"): "protect" if "schedule_id" not in route.parameters else "pause",
            ("backup-schedules", "pk"): self.schedule_id,
            ("deployments", "snapshot_id"): self.snapshot_id,
            ("deployments", "kind"): "backup",
            ("transfers", "transfer_id"): self.transfer_id,
            ("transfers", "action"): "withdraw",
            ("maintenance-windows", "pk"): self.window_id,
            ("infrastructure", "window_id"): self.window_id,
            ("infrastructure", "cluster_id"): self.deployment.cluster_id,
            ("infrastructure", "node_id"): self.node_id,
            ("infrastructure", "kind"): "node",
            ("infrastructure", "key"): self.node_id,
            ("infrastructure", "action"): "end",
            ("roles", "code"): "viewer",
            ("sessions", "pk"): self.session,
            ("tenants", "slug"): "north",
            ("profile", "session_id"): self.session,
            ("teams", "pk"): self.teams[route.name == "destroy"].pk,
            ("teams", "user_id"): self.world.people["support"].pk,
            ("workers", "pk"): self.operation.pk,
            ("workers", "worker_id"): self.operation.pk,
            ("stuck-work", "subject"): f"operation:{self.operation.pk}",
            ("stuck-work", "remedy"): "retry",
            ("system-health", "event_id"): uuid7(),
            ("users", "pk"): self.world.people["dev" if route.name == "destroy" else "support"].pk,
        }
        assert (kind, name) in known, f"{route}: say in this test what <{name}> of {kind} is"
        return str(known[kind, name])


def kind_of(route: Route) -> str:
    return route.path.removeprefix("api/").split("/")[0]


def is_tenants(route: Route) -> bool:
    """Whether the route names an object of a tenant; a step of a creation is none."""
    if "deployment_id" in route.parameters:
        return True
    return bool(set(route.parameters) - {"step"}) and kind_of(route) in {
        *("deployments", "operations", "audit", "teams", "tenants", "users"),
        *("extension-requests", "transfers", "ownership-transfers", "dns-zones", "dns", "volumes"),
        *("alerts", "alert-rules", "hosts"),
        *("hooks", "hook-runs", "webhooks"),
        *("backups", "backup-schedules"),
    }


@pytest.fixture
def scene(world: World) -> Iterator[Scene]:
    TemplateFactory(code="wordpress", cluster=ClusterFactory(), bootstrap="secrets: [word]")
    with tenant_scope(world.north.pk):
        deployment, operation = deployment_create(
            actor=world.actor("support"),
            tenant_id=world.north.pk,
            owner_id=world.people["support"].pk,
            request=DeploymentRequest(template="wordpress", name="web-1"),
        )
        place = TeamMember(tenant=world.north, user=world.people["support"])
        teams = (TeamFactory(tenant=world.north), TeamFactory(tenant=world.north))
        place.team = teams[0]
        place.save(using="platform")
    entry = Entry.objects.using("platform").get(target_id=str(deployment.pk))
    with tenant_scope(world.north.pk):
        _, extension = deployment_extend(
            actor=world.actor("support"), deployment_id=deployment.pk, hours=400, reason="tests"
        )
    assert extension is not None
    with witnessed() as witness:
        found = str(drift_of(deployment).pk)
        name = names_made(zones_made(organisation=world.north), deployment)[-1]
        rest = (str(uuid7()), found)
        made = Scene(world, deployment, operation, entry, extension, teams, name, *rest)
        made.hooks = hooks_made(world, deployment)
        made.transfer_id, made.window_id = str(offer_of(made)), str(window_of(made))
        made.snapshot_id = str(paper_snapshot(deployment).pk)
        made.backup_id = str(paper_backup(deployment).pk)
        made.schedule_id = str(paper_schedule(deployment).pk)
        made.hosts = tuple(host_of(world) for _ in range(2))
        made.rules = tuple(rule_of(world) for _ in range(3))
        made.alert = alert_of(world)
        with tenant_scope(world.north.pk), transaction.atomic():
            made.volume_id = str(VolumeFactory(deployment=deployment).pk)
        yield made
    assert witness.calls == []


def offer_of(scene: Scene) -> UUID:
    """The machine offered to its own owner, who alone can answer."""
    owner = scene.world.people["support"]
    row = OwnershipTransfer.objects.using("platform").create(
        tenant=scene.world.north,
        deployment=scene.deployment,
        requester=owner,
        from_owner=owner,
        to_owner=owner,
        expires_at=clock.now() + timedelta(days=1),
    )
    return row.pk


def window_of(scene: Scene) -> UUID:
    """Maintenance of its cluster, some day."""
    begin = clock.now() + timedelta(days=30)
    row = window_plan_new(
        actor=Actor.system("test"),
        cluster_id=scene.deployment.cluster_id,
        starts_at=begin,
        ends_at=begin + timedelta(hours=1),
        reason="Tests",
    )
    return row.pk


def drift_of(deployment: Deployment) -> Finding:
    """An open finding about a deployment."""
    now = clock.now()
    finding: Finding = Finding.across_tenants.create(
        tenant_id=deployment.tenant_id,
        cluster_id=deployment.cluster_id,
        vmid=deployment.vmid,
        kind="drift",
        status="open",
        deployment_id=deployment.pk,
        first_seen_at=now,
        last_seen_at=now,
    )
    return finding


def call(client: Client, scene: Scene, route: Route, persona: str) -> HttpResponse:
    options: dict[str, Any] = {"headers": {"accept": "application/json"}} if route.is_api else {}
    method = getattr(client, route.method)
    person = scene.world.people.get(persona, scene.world.stranger)
    if kind_of(route) in {"sessions", "profile"} and persona != "anonymous" and person is not None:
        scene.session = str(session_of(person))
    if kind_of(route) == "notifications" and persona != "anonymous" and person is not None:
        scene.notice = str(notice_of(person, scene.world))
    if kind_of(route) == "saved-filters" and persona != "anonymous" and person is not None:
        scene.saved_filter = str(filter_of(person, scene.world))
    if route.name == "BulkResults" and expected_denial(persona, route) is None:
        scene.bulk_key = bulk_of(client, scene)
    if route.method == "get":
        return method(scene.address(route), **options)  # type: ignore[no-any-return]
    if route.is_api:
        body = json.dumps(BODIES.get(route.name, {}))
        return method(scene.address(route), body, content_type="application/json", **options)  # type: ignore[no-any-return]
    tenant = "south" if persona == "outsider" else "north"
    return method(
        scene.address(route), {"template": "wordpress", "tenant": tenant, "theme": "dark"}
    )  # type: ignore[no-any-return]


def session_of(person: User) -> UUID:
    """A fresh family of tokens: ending it leaves the browser signed in."""
    with user_scope(person.pk):
        tokens_issue(user=person)
    return max(view.id for view in session_list(user_id=person.pk) if view.kind == "token")


def filter_of(person: User, world: World) -> UUID:
    """A saved filter of the person's own."""
    tenant = world.south if person == world.stranger else world.north
    rows = SavedFilter.objects.using("platform")
    name = f"filter {rows.count()}"
    made = rows.create(tenant=tenant, owner=person, table="deployments", name=name)
    return made.pk


def bulk_of(client: Client, scene: Scene) -> str:
    """The key of a bulk action of the person's own; nothing of it may be possible."""
    form = {"action": "start", "ids": str(scene.deployment.pk), "confirmed": "1"}
    key = str(uuid7())
    client.post("/deployments/bulk", {**form, "key": key})
    return key


def notice_of(person: User, world: World) -> UUID:
    """A notice of the person's own."""
    tenant = world.south if person == world.stranger else world.north
    with tenant_scope(tenant.pk), transaction.atomic():
        notify(Notice("operation.failed", str(uuid7())), tenant_id=tenant.pk, user_ids=[person.pk])
    rows = Notification.objects.using("platform").filter(user=person)
    return rows.latest("id").pk


def expected_denial(persona: str, route: Route) -> int | None:
    """The status of a denial, None for those who are let in."""
    if route.permission == PUBLIC:
        return None
    if persona == "anonymous":
        return 401 if route.is_api else 302
    held = default_permissions("support" if persona == "outsider" else persona)
    if route.permission != SIGNED_IN and route.permission not in held:
        return 403
    if persona == "outsider" and is_tenants(route):
        return 404
    beyond = BEYOND.get(route.name)
    is_free = beyond is None or beyond in held or persona == "support"
    return None if is_free else 403


def test_every_route_declares_a_known_permission() -> None:
    known = {*permission_specs(), PUBLIC, SIGNED_IN}
    undeclared = {
        str(route): route.permission for route in routes() if route.permission not in known
    }
    assert undeclared == {}
    assert len(routes()) > 50


def test_public_routes_are_these_and_no_others() -> None:
    public = {str(route) for route in routes() if route.permission == PUBLIC}
    assert {name for name in public if not name.endswith(" /api/")} == {
        "GET /brand.css",
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "POST /language",
        "GET /sign-in",
        "POST /sign-in",
        "POST /sign-out",
        "POST /api/auth/token",
        "POST /api/auth/revoke",
        "POST /api/probes/samples",
    }


@pytest.mark.parametrize("persona", PERSONAS)
def test_who_is_denied_is_told_so_and_changes_nothing(scene: Scene, persona: str) -> None:
    client = scene.client(persona)
    denied = {route: expected_denial(persona, route) for route in routes()}
    before = rows_digest()
    wrong = {}
    for route, status in denied.items():
        if status is None:
            continue
        answer = call(client, scene, route, persona)
        if answer.status_code != status:
            wrong[str(route)] = (answer.status_code, status)
        elif route.is_api:
            assert json.loads(answer.content)["errors"][0]["code"]
        elif status == 302:
            assert answer["Location"].startswith("/sign-in?next=")
    assert wrong == {}
    assert rows_digest() == before


def test_what_belongs_to_a_colleague_is_seen_and_left_alone(scene: Scene) -> None:
    colleague = UserFactory(username="second-north")
    MembershipFactory(user=colleague, tenant=scene.world.north, role="support")
    client = Client()
    client.force_login(colleague)
    before = rows_digest()
    wrong = {}
    for verb in ACTIONS:
        page = client.post(f"/deployments/{scene.deployment.pk}/{verb}", {"hours": 1, **FIGURES})
        if page.status_code != 403:
            wrong["page", verb] = page.status_code
    for verb in ("start", "stop", "restart", "retry", "extend", "resize"):
        path = f"/api/deployments/{scene.deployment.pk}/{verb}"
        answer = client.post(path, BODIES.get(verb, {}), content_type="application/json")
        if answer.status_code != 403:
            wrong["api", verb] = answer.status_code
    assert client.delete(f"/api/deployments/{scene.deployment.pk}").status_code == 403
    assert client.get(f"/api/deployments/{scene.deployment.pk}").status_code == 200
    assert wrong == {}
    assert rows_digest() == before


@pytest.mark.parametrize("persona", PERSONAS)
def test_who_is_let_in_gets_an_answer(scene: Scene, persona: str) -> None:
    client = scene.client(persona)
    wrong = {}
    for route in routes():
        if expected_denial(persona, route) is not None or kind_of(route) in {"sign-out", "readyz"}:
            continue
        answer = call(client, scene, route, persona)
        is_absent = answer.status_code == 404 and route.path != "api/"
        if answer.status_code in {401, 403} or answer.status_code >= 500 or is_absent:
            wrong[str(route)] = (answer.status_code, answer.content[:300])
    assert wrong == {}


def test_a_refusal_is_in_the_audit(scene: Scene) -> None:
    scene.client("viewer").delete(f"/api/deployments/{scene.deployment.pk}")
    entry = Entry.objects.using("platform").get(outcome="refused")
    assert (entry.tag, entry.actor_label, entry.detail["permission"]) == (
        "access.refused",
        "viewer-north",
        "cloudpods.delete",
    )
