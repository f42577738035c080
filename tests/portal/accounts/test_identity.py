from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections
from django.test import AsyncClient, Client

from audit.models import Entry
from audit.services import trail
from billing.models import Tenant
from portal.kernel.tenancy import tenant_scope
from portal.models import User
from portal.tags import Tag
from tests.conftest import World
from tests.factories.accounts import PASSWORD, MembershipFactory, TenantFactory, UserFactory
from tests.ports import port_hold


@pytest.fixture
def entries(world: World) -> World:
    """One audit entry in each tenant."""
    for tenant in (world.north, world.south):
        with tenant_scope(tenant.id):
            trail.record(tag=Tag.USER_CHANGED, target_type="test", target_label=tenant.slug)
    return world


@pytest.fixture
def both(entries: World) -> User:
    """An admin of both tenants."""
    user = UserFactory(username="both")
    for tenant in (entries.south, entries.north):
        MembershipFactory(user=user, tenant=tenant, role="admin")
    return user


def bearer(client: Client, username: str) -> dict[str, str]:
    answer = client.post(
        "/api/auth/token",
        {"grant_type": "password", "username": username, "password": PASSWORD},
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def seen(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [
        entry["target_label"]
        for entry in answer.json()["results"]
        if entry["target_type"] == "test"
    ]


def test_scope_holds_inside_the_views_transaction(entries: World, client: Client) -> None:
    client.post("/sign-in", {"username": "admin-north", "password": PASSWORD})

    assert seen(client.get("/api/audit")) == ["north"]


def test_scope_holds_under_asgi(entries: World) -> None:
    client = AsyncClient()
    client.force_login(entries.people["admin"])

    def ask() -> list[str]:
        try:
            return seen(async_to_sync(client.get)("/api/audit"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:  # the browser tests leave a loop running in this one
        assert thread.submit(ask).result() == ["north"]


def test_scope_ends_with_the_request(entries: World, client: Client) -> None:
    client.post("/sign-in", {"username": "admin-north", "password": PASSWORD})
    client.get("/api/audit")

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_entry")
        assert cursor.fetchone() == (0,)


def test_member_of_one_tenant_names_none(entries: World, client: Client) -> None:
    assert seen(client.get("/api/audit", headers=bearer(client, "admin-north"))) == ["north"]


@pytest.mark.parametrize("slug", ["north", "south"])
def test_header_chooses_the_tenant(both: User, client: Client, slug: str) -> None:
    headers = bearer(client, "both") | {"X-Tenant": slug}

    assert seen(client.get("/api/audit", headers=headers)) == [slug]


def test_member_of_several_must_name_one(both: User, client: Client) -> None:
    answer = client.get("/api/audit", headers=bearer(client, "both"))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "tenant_required"


def test_me_answers_without_a_chosen_tenant(both: User, client: Client) -> None:
    body = client.get("/api/me", headers=bearer(client, "both")).json()

    assert (body["tenant"], body["role"], body["permissions"]) == (None, None, [])
    assert [tenant["slug"] for tenant in body["tenants"]] == ["north", "south"]


@pytest.mark.parametrize("slug", ["south", "nowhere"])
def test_tenant_of_others_is_a_404(entries: World, client: Client, slug: str) -> None:
    headers = bearer(client, "admin-north") | {"X-Tenant": slug}

    assert client.get("/api/audit", headers=headers).status_code == 404


def test_page_of_anothers_tenant_is_a_404(entries: World, client: Client) -> None:
    client.post("/sign-in", {"username": "admin-north", "password": PASSWORD})

    assert client.get("/audit?tenant=south").status_code == 404


def test_pages_fall_back_to_the_first_tenant_by_name(both: User, client: Client) -> None:
    client.post("/sign-in", {"username": "both", "password": PASSWORD})

    assert ">North<" in client.get("/profile").content.decode()
    assert client.get("/profile").context["request"].tenant_choice.slug == "north"


def test_switch_and_deep_link_choose_for_the_session(both: User, client: Client) -> None:
    client.post("/sign-in", {"username": "both", "password": PASSWORD})

    client.post("/tenant", {"tenant": "south"})
    assert client.get("/profile").context["request"].tenant_choice.slug == "south"

    client.get("/profile?tenant=north")
    assert client.get("/profile").context["request"].tenant_choice.slug == "north"
    assert seen(client.get("/api/audit")) == ["north"]


def test_switch_to_anothers_tenant_is_a_404(entries: World, client: Client) -> None:
    client.post("/sign-in", {"username": "admin-north", "password": PASSWORD})

    assert client.post("/tenant", {"tenant": "south"}).status_code == 404


def test_closed_tenant_is_no_choice(both: User, client: Client) -> None:
    Tenant.objects.using("platform").filter(slug="south").update(is_active=False)

    body = client.get("/api/me", headers=bearer(client, "both")).json()

    assert body["tenant"]["slug"] == "north"


def test_platform_staff_without_a_tenant_read_the_platforms_audit(
    entries: World, client: Client
) -> None:
    UserFactory(username="root", is_platform_admin=True)
    client.post("/sign-in", {"username": "root", "password": PASSWORD})

    answer = client.get("/api/audit")

    assert [entry["tag"] for entry in answer.json()["results"]] == [Tag.SIGNED_IN]


def test_me_says_who_where_and_what_is_allowed(world: World, client: Client) -> None:
    body = client.get("/api/me", headers=bearer(client, "viewer-north")).json()

    assert body["role"] == "viewer"
    assert body["tenant"]["slug"] == "north"
    assert "operations.view" in body["permissions"]
    assert "cloudpods.create" not in body["permissions"]
    assert (body["theme"], body["language"]) == ("dark", "en")


def test_session_needs_the_csrf_token_for_unsafe_methods(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["support"])

    answer = client.patch("/api/me", {"theme": "light"}, content_type="application/json")

    assert answer.status_code == 403
    assert User.objects.get(username="support-north").theme == "dark"


def test_refused_request_is_audited_after_the_rollback(world: World, client: Client) -> None:
    headers = bearer(client, "viewer-north")

    answer = client.patch(
        "/api/settings/cloudpods.lease.max_hours",
        {"value": 1},
        content_type="application/json",
        headers=headers | {"X-Request-Id": "a-request-of-mine"},
    )

    assert answer.status_code == 403
    entry = Entry.across_tenants.get(tenant_id=world.north.id, tag="access.refused")
    assert (entry.outcome, entry.actor_label, entry.request_id, entry.channel) == (
        "refused",
        "viewer-north",
        "a-request-of-mine",
        "api",
    )
    assert entry.detail == {
        "code": "permission_denied",
        "method": "PATCH",
        "path": "/api/settings/cloudpods.lease.max_hours",
        "permission": "settings.manage",
    }


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        (2, "6.6.6.6, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "10.0.0.1", "127.0.0.1"),
        (1, "nonsense", ""),
    ],
)
def test_only_trusted_proxies_name_the_address(
    world: World, client: Client, settings, count: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = count

    client.post(
        "/sign-in",
        {"username": "support-north", "password": PASSWORD},
        headers={"X-Forwarded-For": forwarded},
    )

    assert Entry.across_tenants.get(tenant_id=world.north.id).address == address


@pytest.mark.parametrize("given", ["short", "with space in it", "x" * 65])
def test_insane_request_id_is_replaced(world: World, client: Client, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given})

    assert len(answer["X-Request-Id"]) == 32


def test_queries_of_an_anonymous_probe(world: World, client: Client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


def test_readiness_is_503_without_the_broker(world: World, client: Client, settings) -> None:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port_hold()}/0"

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["checks"]["broker"]) == (503, "unreachable")


def test_tenant_name_is_visible_to_members_alone(world: World) -> None:
    from portal.selectors.memberships import tenant_choices

    TenantFactory(slug="hidden")

    assert [choice.slug for choice in tenant_choices(world.people["support"].pk)] == ["north"]
