"""The conventions every address keeps, each with the error that says how to get it right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.kernel.errors import ServiceUnavailable
from portal.models import User
from provisioning.models import Deployment
from tests.api.conftest import JSON, Caller, caller_of
from tests.conftest import World
from tests.factories.accounts import PASSWORD, MembershipFactory, TeamFactory, UserFactory

ABSENT = "019a0000-0000-7000-8000-000000000000"


def fault(answer: HttpResponse) -> tuple[int, str, str | None]:
    body = answer.json()
    assert set(body) <= {"type", "errors", "data"}
    (error,) = body["errors"]
    assert set(error) == {"code", "detail", "attr"}
    assert error["detail"]
    return answer.status_code, error["code"], error["attr"]


@pytest.fixture
def admin(world: World) -> Caller:
    """The administrator of `north`, with three teams."""
    for name in ("alpha", "beta", "gamma"):
        TeamFactory(tenant=world.north, name=name, slug=name)
    return caller_of(world.people["admin"])


def names(answer: HttpResponse) -> list[str]:
    return [team["name"] for team in answer.json()["results"]]


@pytest.mark.parametrize("slash", ["", "/"])
def test_both_forms_answer_and_none_redirects(admin: Caller, slash: str) -> None:
    assert admin("get", f"teams{slash}").status_code == 200
    assert admin("post", f"teams{slash}", {"name": "Delta"}).status_code == 201


def test_addresses_in_pages_of_a_list_lead_on_and_back(admin: Caller) -> None:
    first = admin("get", "teams?limit=2")
    path = first.json()["next"].partition("/api/")[2]
    second = admin("get", path)
    back = admin("get", second.json()["previous"].partition("/api/")[2])

    assert (names(first), names(second), names(back)) == (
        ["alpha", "beta"],
        ["gamma"],
        ["alpha", "beta"],
    )
    assert (first.json()["previous"], second.json()["next"]) == (None, None)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "", "9" * 40])
def test_limit_out_of_bounds_is_told(admin: Caller, limit: str) -> None:
    answer = admin("get", f"teams?limit={limit}")

    assert fault(answer) == (400, "invalid", "limit")
    assert "200" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(("order", "first"), [("name", "alpha"), ("-name", "gamma")])
def test_ordering_goes_both_ways(admin: Caller, order: str, first: str) -> None:
    assert names(admin("get", f"teams?ordering={order}"))[0] == first


@pytest.mark.parametrize("order", ["password", "--name", "name,slug", "%00"])
def test_unknown_ordering_names_the_known(admin: Caller, order: str) -> None:
    answer = admin("get", f"teams?ordering={order}")

    assert fault(answer) == (400, "invalid", "ordering")
    assert "slug" in answer.json()["errors"][0]["detail"]


def test_search_narrows(admin: Caller) -> None:
    assert names(admin("get", "teams?search=ETA")) == ["beta"]
    assert fault(admin("get", f"teams?search={'x' * 64}"))[::2] == (400, "search")


def test_count_comes_when_asked_for(admin: Caller) -> None:
    assert "count" not in admin("get", "teams").json()
    assert admin("get", "teams?count=true&limit=1").json()["count"] == 3
    assert fault(admin("get", "teams?count=maybe")) == (400, "invalid", "count")


def test_times_are_utc_and_ids_are_strings(admin: Caller) -> None:
    team = admin("get", "teams").json()["results"][0]

    assert team["created_at"].endswith("Z")
    assert {type(team[name]) for name in ("id", "tenant_id")} == {str}


def test_nobody_is_401_with_a_challenge(world: World) -> None:
    answer = caller_of(None)("get", "teams")

    assert fault(answer) == (401, "not_authenticated", None)
    assert answer["WWW-Authenticate"] == 'Bearer realm="uHub"'


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_bad_token_is_401(world: World, token: str) -> None:
    headers = {"accept": JSON, "Authorization": f"Bearer {token}"}

    assert caller_of(None)("get", "teams", headers=headers).status_code == 401


def test_missing_permission_is_403(world: World) -> None:
    answer = caller_of(world.people["viewer"])("post", "teams", {"name": "x"})

    assert fault(answer) == (403, "permission_denied", None)
    assert "teams.manage" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("team", [ABSENT, "nonsense", "%00"])
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_absent_object_is_404(admin: Caller, team: str, method: str) -> None:
    assert fault(admin(method, f"teams/{team}", {})) == (404, "not_found", None)


def test_unknown_address_is_404_in_the_same_shape(admin: Caller) -> None:
    assert fault(admin("get", "nothing/here")) == (404, "not_found", None)


def test_unknown_method_is_405(admin: Caller) -> None:
    answer = admin("put", "teams", {})

    assert fault(answer) == (405, "method_not_allowed", None)
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_unreadable_media_type_is_415(admin: Caller) -> None:
    answer = admin("post", "teams", "<team/>", content_type="application/xml")

    assert fault(answer) == (415, "unsupported_media_type", None)


def test_unknown_representation_is_406(admin: Caller) -> None:
    answer = admin("get", "teams", headers={"accept": "application/xml"})

    assert fault(answer) == (406, "not_acceptable", None)


def test_wrong_state_is_409(ask: Caller, owned: Callable[..., Deployment]) -> None:
    row = owned(status="stopped")

    assert fault(ask("post", f"deployments/{row.pk}/stop"))[0] == 409


def test_every_fault_of_a_body_is_told_at_once(admin: Caller) -> None:
    answer = admin("post", "teams", {"slug": "Not Good", "nothing": 1})

    found = {(error["attr"], error["code"]) for error in answer.json()["errors"]}
    assert found == {("name", "required"), ("slug", "invalid"), ("nothing", "unknown")}


def test_throttled_sign_in_says_how_long(world: World) -> None:
    client = Client()
    body = {"grant_type": "password", "username": "dev-north", "password": "wrong"}
    for _ in range(5):
        answer = client.post("/api/auth/token", body)

    assert (answer.status_code, answer.json()["error"]) == (429, "too_many_attempts")
    assert 800 <= int(answer["Retry-After"]) <= 900


def test_needed_part_that_is_down_is_503_with_a_time(
    admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise ServiceUnavailable("The vault does not answer.", retry_after_s=7)

    monkeypatch.setattr("portal.api.teams.team_list", down)
    answer = admin("get", "teams")

    assert fault(answer) == (503, "service_unavailable", None)
    assert answer["Retry-After"] == "7"


@pytest.fixture
def both(world: World) -> User:
    """A member of both organisations."""
    user = UserFactory(username="both")
    for tenant in (world.north, world.south):
        MembershipFactory(user=user, tenant=tenant, role="admin")
    return user


def in_tenant(user: User, slug: str | None) -> HttpResponse:
    headers = {"accept": JSON} | ({"X-Tenant": slug} if slug is not None else {})
    return caller_of(user)("get", "teams", headers=headers)


def test_member_of_several_names_one(both: User) -> None:
    assert fault(in_tenant(both, None)) == (400, "tenant_required", None)
    assert in_tenant(both, "south").status_code == 200


@pytest.mark.parametrize("slug", ["nowhere", "NORTH", "%00", "south"])
def test_organisation_one_is_no_member_of_is_404(world: World, slug: str) -> None:
    assert fault(in_tenant(world.people["dev"], slug)) == (404, "not_found", None)


def test_platform_staff_outside_any_organisation_have_the_platforms_scope(world: World) -> None:
    root = UserFactory(username="root", is_platform_admin=True)

    assert caller_of(root)("get", "settings").status_code == 200
    assert fault(caller_of(root)("get", "teams")) == (403, "permission_denied", None)
    homeless = caller_of(root)("post", "users", {"username": "x1", "role": "dev"})
    assert fault(homeless)[:2] == (400, "tenant_required")


@pytest.mark.parametrize(
    ("method", "path"), [("get", "me"), ("get", "teams"), ("post", "teams"), ("get", "sessions")]
)
def test_first_password_opens_nothing(world: World, method: str, path: str) -> None:
    fresh = UserFactory(username="fresh", must_change_password=True)
    MembershipFactory(user=fresh, tenant=world.north, role="admin")

    assert fault(caller_of(fresh)(method, path)) == (403, "password_change_required", None)


def test_first_password_gets_no_token(world: World) -> None:
    UserFactory(username="fresh", must_change_password=True)
    body = {"grant_type": "password", "username": "fresh", "password": PASSWORD}

    answer = Client().post("/api/auth/token", body)

    assert (answer.status_code, answer.json()["error"]) == (400, "password_change_required")


def test_first_password_opens_its_own_replacement(world: World) -> None:
    fresh = UserFactory(username="fresh", must_change_password=True)
    body = {"old_password": PASSWORD, "new_password": "a much better password"}
    ask = caller_of(fresh)

    assert ask("post", "me/password", body).status_code == 204
    assert ask("get", "me").status_code == 200
