"""Permission × role × route, generated: whoever is denied changes nothing and sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from audit.models import Entry
from portal.kernel.authz import PUBLIC, SIGNED_IN, default_permissions, permission_specs
from portal.kernel.models import uuid7
from portal.kernel.tenancy import tenant_scope, user_scope
from portal.models import Notification, SavedFilter, User
from portal.selectors.sessions import session_list
from portal.services.notifications import Notice, notify
from portal.services.tokens import tokens_issue
from tests.architecture.addresses import address_of
from tests.architecture.routes import Route, kind_of, routes
from tests.architecture.scene import Scene, scene_made
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.snapshot import rows_digest

ROLES = ("viewer", "support", "ops", "dev", "projets", "admin")
PERSONAS = ("anonymous", *ROLES, "outsider")
ACTIONS = ("start", "stop", "restart", "retry", "extend", "resize", "hold", "release", "delete")

FIGURES = {"cpu_cores": 3, "memory_mb": 4096, "disk_gb": 30}
# By the end of an address.
BODIES: dict[str, dict[str, Any]] = {
    "extend": {"hours": 1},
    "resize": FIGURES,
    "restore": {"mode": "in_place"},
    "snapshots": {"name": "before-tests"},
    "volumes": {"name": "tests", "size_gb": 10},
}

# What a service asks beyond what its route declares; the one who asked for the work may, too.
BEYOND = {
    "OperationRetry": "cloudpods.operate",
    "OperationCancel": "operations.manage",
    "retry": "cloudpods.operate",
    "cancel": "operations.manage",
    "DeploymentAction": "cloudpods.operate",
    "ZoneAction": "cloudpods.dns.manage",
    # Only the owner, who is the receiver as well, may do these.
    **dict.fromkeys(("reveal", "ApplicationPasswords"), "owner"),
    **dict.fromkeys(("ownership-transfers.accept", "ownership-transfers.decline"), "owner"),
}

# Ends the session; answers for the whole installation; asks for the token of a host first.
OWN_DOOR = {"sign-out", "readyz", "probes"}


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
    yield from scene_made(world)


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
        return method(address_of(scene, route), **options)  # type: ignore[no-any-return]
    if route.is_api:
        body = json.dumps(body_of(route))
        return method(address_of(scene, route), body, content_type="application/json", **options)  # type: ignore[no-any-return]
    tenant = "south" if persona == "outsider" else "north"
    return method(
        address_of(scene, route),
        {"template": "wordpress", "tenant": tenant, "theme": "dark", **form_of(route)},
    )  # type: ignore[no-any-return]


def body_of(route: Route) -> dict[str, Any]:
    """What is sent: enough to get past the form and to the question who may."""
    *_rest, end = route.path.split("/")
    if end == "resize" and "volumes/" in route.path:
        return {"size_gb": 99}
    return BODIES.get(end, {})


def form_of(route: Route) -> dict[str, Any]:
    """The fields of a page's form, where it is read before it is asked who may."""
    if "/copies/" in route.path:
        return {"mode": "snapshot"}
    return BODIES["volumes"] if route.path.endswith("/volumes") else {}


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
    beyond = BEYOND.get(f"{kind_of(route)}.{route.name}", BEYOND.get(route.name))
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
        "GET /brand.svg",
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
        if expected_denial(persona, route) is not None or kind_of(route) in OWN_DOOR:
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
