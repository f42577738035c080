"""Members of an organisation and the roles they hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from audit.models import Entry
from portal.kernel.authz import Actor, default_permissions
from portal.models import Membership, Role, Team, TeamMember, User
from portal.services.roles import role_save
from tests.conftest import World
from tests.factories.accounts import PASSWORD, MembershipFactory, TeamFactory, UserFactory

NEW = {"username": "new-person", "role": "dev", "password": "a good first password"}


class Caller:
    """Somebody's way to the API."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        options: dict[str, Any] = {"headers": {"accept": "application/json", **headers}}
        if method != "get":
            options["content_type"] = "application/json"
        return getattr(self.client, method)(f"/api/{path}", body, **options)  # type: ignore[no-any-return]


@pytest.fixture
def admin(world: World) -> Caller:
    """The administrator of `north`."""
    return Caller(world.people["admin"])


@pytest.fixture
def root(world: World) -> Caller:
    """Platform staff outside any organisation."""
    return Caller(UserFactory(username="root", is_platform_admin=True))


def code(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def role_of(world: World, name: str) -> str | None:
    found = Membership.objects.using("platform").filter(user__username=name, tenant=world.north)
    return found.values_list("role__code", flat=True).first()


def test_members_see_one_another_and_nobody_else(world: World) -> None:
    body = Caller(world.people["viewer"])("get", "users?ordering=username").json()

    assert [person["username"] for person in body["results"]] == [
        "admin-north",
        "dev-north",
        "ops-north",
        "projets-north",
        "support-north",
        "viewer-north",
    ]
    assert body["results"][1]["memberships"][0]["role"] == "dev"
    assert "password" not in str(body)


def test_memberships_elsewhere_are_not_shown(world: World, admin: Caller) -> None:
    MembershipFactory(user=world.people["dev"], tenant=world.south, role="admin")

    person = admin("get", f"users/{world.people['dev'].pk}").json()

    assert [item["tenant"] for item in person["memberships"]] == ["north"]


def test_filter_by_role_and_search(admin: Caller) -> None:
    assert [p["username"] for p in admin("get", "users?role=ops").json()["results"]] == [
        "ops-north"
    ]
    assert [p["username"] for p in admin("get", "users?search=PROJ").json()["results"]] == [
        "projets-north"
    ]


def test_platform_staff_see_everybody(world: World, root: Caller) -> None:
    body = root("get", "users?count=true").json()

    assert body["count"] == 8
    stranger = next(p for p in body["results"] if p["username"] == "support-south")
    assert [item["tenant"] for item in stranger["memberships"]] == ["south"]


def test_everybody_is_for_platform_staff(admin: Caller) -> None:
    assert code(admin("get", "users?all=true")) == (403, "permission_denied")


def test_admin_adds_a_person_who_must_change_the_password(world: World, admin: Caller) -> None:
    answer = admin("post", "users", NEW)

    assert answer.status_code == 201
    assert answer.json()["memberships"][0]["role"] == "dev"
    assert answer["Location"] == f"/api/users/{answer.json()['id']}"
    person = User.objects.get(username="new-person")
    assert (person.must_change_password, person.is_platform_admin) == (True, False)
    tags = set(Entry.across_tenants.values_list("tag", flat=True))
    assert {"user.created", "membership.set"} <= tags


def test_account_of_others_cannot_be_drawn_in(world: World, admin: Caller) -> None:
    answer = admin("post", "users", {**NEW, "username": "support-south"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "username"
    assert role_of(world, "support-south") is None


def test_refused_person_is_not_half_made(world: World, admin: Caller) -> None:
    answer = admin("post", "users", {**NEW, "role": "nothing"})

    assert code(answer) == (404, "not_found")
    assert not User.objects.filter(username="new-person").exists()


def test_weak_first_password_is_told(admin: Caller) -> None:
    answer = admin("post", "users", {**NEW, "password": "short"})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "password_too_short")


def test_role_change_counts_on_the_next_request_of_a_token(world: World, admin: Caller) -> None:
    client = Client()
    pair = client.post(
        "/api/auth/token",
        {"grant_type": "password", "username": "viewer-north", "password": PASSWORD},
    ).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert client.post("/api/teams", {"name": "A"}, headers=headers).status_code == 403

    admin("patch", f"users/{world.people['viewer'].pk}", {"role": "admin"})

    assert client.post("/api/teams", {"name": "A"}, headers=headers).status_code == 201


def test_permission_taken_from_a_role_counts_on_the_next_request_of_a_token(
    world: World, root: Caller
) -> None:
    client = Client()
    pair = client.post(
        "/api/auth/token",
        {"grant_type": "password", "username": "viewer-north", "password": PASSWORD},
    ).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert client.get("/api/teams", headers=headers).status_code == 200

    root("patch", "roles/viewer", {"permissions": []})

    assert client.get("/api/teams", headers=headers).status_code == 403


def test_nobody_gives_more_than_he_holds(world: World, admin: Caller) -> None:
    role_save(
        actor=Actor.system("test"), code="beyond", name="Beyond", permissions=["workers.view"]
    )
    role_save(
        actor=Actor.system("test"),
        code="admin",
        name="Admin",
        permissions=sorted(default_permissions("admin") - {"workers.view"}),
    )

    answer = admin("patch", f"users/{world.people['dev'].pk}", {"role": "beyond"})

    assert code(answer) == (403, "permission_denied")
    assert role_of(world, "dev-north") == "dev"


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_platform_admin": True}])
def test_account_is_changed_by_platform_staff_alone(
    world: World, admin: Caller, change: dict[str, bool]
) -> None:
    answer = admin("patch", f"users/{world.people['dev'].pk}", {"role": "ops", **change})

    assert answer.status_code == 403
    person = User.objects.get(username="dev-north")
    assert (person.is_active, person.is_platform_admin) == (True, False)
    assert role_of(world, "dev-north") == "dev"


def test_removed_member_is_out_and_leaves_the_teams(world: World, admin: Caller) -> None:
    team = TeamFactory(tenant=world.north)
    TeamMember.across_tenants.create(tenant=world.north, team=team, user=world.people["dev"])

    answer = admin("delete", f"users/{world.people['dev'].pk}")

    assert answer.status_code == 204
    assert role_of(world, "dev-north") is None
    assert TeamMember.across_tenants.count() == 0
    assert Caller(world.people["dev"])("get", "users").status_code == 403
    assert User.objects.get(username="dev-north").is_active


@pytest.mark.parametrize("method", ["delete", "patch"])
def test_last_administrator_stays(world: World, admin: Caller, method: str) -> None:
    body = {"role": "viewer"} if method == "patch" else None

    answer = admin(method, f"users/{world.people['admin'].pk}", body)

    assert code(answer) == (409, "last_admin")
    assert role_of(world, "admin-north") == "admin"


def test_two_administrators_cannot_leave_at_once(world: World) -> None:
    second = UserFactory(username="second-north")
    MembershipFactory(user=second, tenant=world.north, role="admin")
    people = [world.people["admin"], second]

    def leave(user: User) -> int:
        try:
            return Caller(user)("delete", f"users/{user.pk}").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(leave, people))

    assert statuses == [204, 409]


def test_roles_are_read_by_members(world: World) -> None:
    body = Caller(world.people["viewer"])("get", "roles").json()

    assert [role["code"] for role in body["results"]] == [
        "admin",
        "dev",
        "ops",
        "projets",
        "support",
        "viewer",
    ]
    assert {role["is_default"] for role in body["results"]} == {True}


def test_permissions_are_listed_with_their_words(world: World) -> None:
    body = Caller(world.people["viewer"])("get", "permissions").json()

    assert {item["code"]: item["label"] for item in body["results"]}["teams.view"] == "See teams"


def test_bad_role_is_told(root: Caller) -> None:
    for body, field in (
        ({"code": "x y", "name": "X"}, "code"),
        ({"code": "viewer", "name": "X"}, "code"),
        ({"code": "new", "name": ""}, "name"),
        ({"code": "new", "name": "X", "permissions": ["nothing.at.all"]}, "permissions"),
        ({"code": "new", "name": "X", "permissions": ["settings.manage"]}, "permissions"),
    ):
        answer = root("post", "roles", body)

        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, field), body
    assert Role.objects.count() == 6


def test_role_is_made_changed_reset_and_deleted(root: Caller) -> None:
    made = root("post", "roles", {"code": "auditor", "name": "Auditor"})
    changed = root("patch", "roles/auditor", {"permissions": ["teams.view"]})
    cleared = root("patch", "roles/viewer", {"permissions": []})
    reset = root("post", "roles/viewer/reset")
    gone = root("delete", "roles/auditor")

    assert (made.status_code, made["Location"]) == (201, "/api/roles/auditor")
    assert changed.json()["permissions"] == ["teams.view"]
    assert cleared.json()["permissions"] == []
    assert set(reset.json()["permissions"]) == default_permissions("viewer")
    assert (gone.status_code, Role.objects.count()) == (204, 6)
    tags = list(Entry.across_tenants.order_by("seq").values_list("tag", flat=True))
    assert tags == [
        "role.created",
        "role.changed",
        "role.changed",
        "role.changed",
        "role.deleted",
    ]


def test_roles_in_use_and_default_roles_stay(world: World, root: Caller) -> None:
    root("post", "roles", {"code": "auditor", "name": "Auditor"})
    user = UserFactory()
    MembershipFactory(user=user, tenant=world.north, role="auditor")

    assert code(root("delete", "roles/viewer")) == (409, "role_is_default")
    assert code(root("delete", "roles/auditor")) == (409, "role_in_use")
    assert code(root("post", "roles/auditor/reset")) == (409, "role_not_default")


def test_roles_are_edited_by_platform_staff_alone(admin: Caller) -> None:
    assert admin("post", "roles", {"code": "new", "name": "X"}).status_code == 403
    assert admin("patch", "roles/viewer", {"name": "X"}).status_code == 403
    assert admin("delete", "roles/viewer").status_code == 403
    assert admin("post", "roles/viewer/reset").status_code == 403
    assert Role.objects.get(code="viewer").name == "Viewer"


def test_team_lives(world: World, admin: Caller) -> None:
    made = admin("post", "teams", {"name": "Night Shift"}).json()
    dev = str(world.people["dev"].pk)
    joined = admin("post", f"teams/{made['id']}/members", {"user": dev}).json()
    again = admin("post", f"teams/{made['id']}/members", {"user": dev}).json()
    renamed = admin("patch", f"teams/{made['id']}", {"name": "Day Shift"}).json()
    left = admin("delete", f"teams/{made['id']}/members/{dev}").json()
    gone = admin("delete", f"teams/{made['id']}")

    assert (made["slug"], made["members"]) == ("night-shift", [])
    assert [person["username"] for person in joined["members"]] == ["dev-north"]
    assert again == joined
    assert (renamed["name"], renamed["slug"]) == ("Day Shift", "night-shift")
    assert (left["members"], gone.status_code) == ([], 204)
    tags = list(Entry.across_tenants.order_by("seq").values_list("tag", flat=True))
    assert tags == [
        "team.created",
        "team.member_added",
        "team.changed",
        "team.member_removed",
        "team.deleted",
    ]


def test_slug_is_once_per_organisation(world: World, admin: Caller) -> None:
    TeamFactory(tenant=world.south, slug="ops")
    first = admin("post", "teams", {"name": "Ops"})
    second = admin("post", "teams", {"name": "OPS"})

    assert first.status_code == 201
    assert code(second) == (400, "slug_taken")
    assert Team.across_tenants.count() == 2


def test_strangers_cannot_join(world: World, admin: Caller) -> None:
    assert world.stranger is not None
    team = TeamFactory(tenant=world.north)

    answer = admin("post", f"teams/{team.pk}/members", {"user": str(world.stranger.pk)})

    assert code(answer) == (400, "not_a_member")


def test_teams_of_others_are_absent(world: World) -> None:
    team = TeamFactory(tenant=world.north)
    assert world.stranger is not None
    outsider = Caller(world.stranger)

    assert outsider("get", f"teams/{team.pk}").status_code == 404
    assert outsider("get", "teams").json()["results"] == []


def test_teams_filter_by_member(world: World, admin: Caller) -> None:
    team, _other = TeamFactory(tenant=world.north), TeamFactory(tenant=world.north)
    TeamMember.across_tenants.create(tenant=world.north, team=team, user=world.people["dev"])

    found = admin("get", f"teams?member={world.people['dev'].pk}").json()["results"]

    assert [item["id"] for item in found] == [str(team.pk)]
