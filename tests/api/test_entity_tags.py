"""ETag, If-Match and If-None-Match: no lost update, and a 304 for what is known."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse

from portal.models import Role, Setting, Team, User
from provisioning.models import Deployment
from tests.api.conftest import JSON, Caller, caller_of
from tests.conftest import World
from tests.factories.accounts import TeamFactory, UserFactory

THREADS = 8
SETTING = "cloudpods.lease.max_hours"


def matching(ask: Caller, method: str, path: str, tag: str, body: Any = None) -> HttpResponse:
    return ask(method, path, body, headers={"accept": JSON, "If-Match": tag})


def known(ask: Caller, path: str, tag: str) -> HttpResponse:
    return ask("get", path, headers={"accept": JSON, "If-None-Match": tag})


@pytest.fixture
def root(world: World) -> Caller:
    """Platform staff outside any organisation."""
    return caller_of(UserFactory(username="root", is_platform_admin=True))


@pytest.fixture
def admin(world: World) -> Caller:
    return caller_of(world.people["admin"])


@pytest.fixture
def team(world: World) -> Team:
    return TeamFactory(tenant=world.north)


def is_lost(answer: HttpResponse) -> bool:
    return (answer.status_code, answer.json()["errors"][0]["code"]) == (412, "precondition_failed")


def test_deployment_changed_meanwhile_is_not_overwritten(
    ask: Caller, owned: Callable[..., Deployment]
) -> None:
    row = owned()
    tag = ask("get", f"deployments/{row.pk}")["ETag"]
    first = matching(ask, "patch", f"deployments/{row.pk}", tag, {"tags": ["mine"]})

    second = matching(ask, "patch", f"deployments/{row.pk}", tag, {"tags": ["theirs"]})

    assert (first.status_code, is_lost(second)) == (200, True)
    assert Deployment.across_tenants.get(pk=row.pk).tags == ["mine"]
    third = matching(ask, "patch", f"deployments/{row.pk}", first["ETag"], {"tags": ["theirs"]})
    assert third.status_code == 200


def test_deployment_changed_meanwhile_is_not_deleted(
    ask: Caller, owned: Callable[..., Deployment]
) -> None:
    row = owned()
    tag = ask("get", f"deployments/{row.pk}")["ETag"]
    ask("patch", f"deployments/{row.pk}", {"tags": ["new"]})

    assert is_lost(matching(ask, "delete", f"deployments/{row.pk}", tag))
    assert Deployment.across_tenants.get(pk=row.pk).status == "running"


def test_many_at_once_with_one_tag_have_one_winner(
    world: World, ask: Caller, owned: Callable[..., Deployment]
) -> None:
    row = owned()
    tag = ask("get", f"deployments/{row.pk}")["ETag"]

    def send(number: int) -> int:
        caller = caller_of(world.people["support"])
        body = {"tags": [f"t{number}"]}
        try:
            return matching(caller, "patch", f"deployments/{row.pk}", tag, body).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = sorted(pool.map(send, range(THREADS)))

    assert statuses == [200] + [412] * (THREADS - 1)


@pytest.mark.parametrize("tag", ['"0123"', 'W/"0123"', "nonsense", ""])
def test_tag_of_nothing_matches_nothing(admin: Caller, team: Team, tag: str) -> None:
    assert is_lost(matching(admin, "patch", f"teams/{team.pk}", tag, {"name": "x"}))


def test_star_matches_whatever_is_there(admin: Caller, team: Team) -> None:
    assert matching(admin, "patch", f"teams/{team.pk}", "*", {"name": "x"}).status_code == 200


def test_weak_tag_never_matches(admin: Caller, team: Team) -> None:
    tag = admin("get", f"teams/{team.pk}")["ETag"]

    assert is_lost(matching(admin, "patch", f"teams/{team.pk}", f"W/{tag}", {"name": "x"}))


def test_absent_object_is_404_whatever_the_tag(admin: Caller, team: Team) -> None:
    absent = "teams/019a0000-0000-7000-8000-000000000000"

    assert matching(admin, "patch", absent, '"0123"', {"name": "x"}).status_code == 404


def test_object_of_others_is_404_whatever_the_tag(world: World, admin: Caller) -> None:
    theirs = TeamFactory(tenant=world.south)

    assert matching(admin, "delete", f"teams/{theirs.pk}", '"0123"').status_code == 404
    assert matching(admin, "patch", f"users/{world.stranger.pk}", '"0"', {}).status_code == 404


def test_members_are_part_of_a_teams_version(world: World, admin: Caller, team: Team) -> None:
    tag = admin("get", f"teams/{team.pk}")["ETag"]
    admin("post", f"teams/{team.pk}/members", {"user": str(world.people["dev"].pk)})

    assert is_lost(matching(admin, "delete", f"teams/{team.pk}", tag))


def test_role_changed_meanwhile(root: Caller) -> None:
    tag = root("get", "roles/viewer")["ETag"]
    assert matching(root, "patch", "roles/viewer", tag, {"name": "One"}).status_code == 200

    assert is_lost(matching(root, "patch", "roles/viewer", tag, {"name": "Two"}))
    assert Role.objects.get(code="viewer").name == "One"


def test_setting_changed_meanwhile(root: Caller) -> None:
    tag = root("get", f"settings/{SETTING}")["ETag"]
    first = matching(root, "patch", f"settings/{SETTING}", tag, {"value": 100})

    second = matching(root, "patch", f"settings/{SETTING}", tag, {"value": 200})

    assert (first.status_code, first.json()["value"], is_lost(second)) == (200, 100, True)
    assert Setting.objects.get(namespace="cloudpods", key="lease.max_hours").value == 100
    third = matching(root, "patch", f"settings/{SETTING}", first["ETag"], {"value": 200})
    assert third.status_code == 200


def test_settings_changed_at_once_have_one_winner_and_no_deadlock(world: World) -> None:
    person = UserFactory(username="root", is_platform_admin=True)
    tag = caller_of(person)("get", f"settings/{SETTING}")["ETag"]

    def send(number: int) -> int:
        caller = caller_of(person)
        path, body = f"settings/{SETTING}", {"value": 100 + number}
        try:
            if number % 2:
                return matching(caller, "patch", path, tag, body).status_code
            return matching(caller, "patch", path, "*", body).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(send, range(THREADS)))

    assert statuses[0::2] == [200] * (THREADS // 2)
    assert statuses[1::2].count(200) <= 1


def test_own_profile_changed_meanwhile(ask: Caller) -> None:
    tag = ask("get", "me")["ETag"]
    assert matching(ask, "patch", "me", tag, {"theme": "light"}).status_code == 200

    assert is_lost(matching(ask, "patch", "me", tag, {"theme": "system"}))
    assert User.objects.get(username="support-north").theme == "light"


def test_role_of_a_member_is_part_of_the_persons_version(world: World, admin: Caller) -> None:
    path = f"users/{world.people['dev'].pk}"
    tag = admin("get", path)["ETag"]
    assert matching(admin, "patch", path, tag, {"role": "ops"}).status_code == 200

    assert is_lost(matching(admin, "patch", path, tag, {"role": "viewer"}))


@pytest.mark.parametrize("path", ["teams", "users", "roles", "templates", "operations", "me"])
def test_known_answer_is_a_304_without_a_body(admin: Caller, team: Team, path: str) -> None:
    tag = admin("get", path)["ETag"]

    answer = known(admin, path, f'"other", {tag}')

    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert answer["Cache-Control"] == "private, no-cache"
    assert "X-Tenant" in answer["Vary"]


def test_changed_list_is_answered_anew(admin: Caller, team: Team) -> None:
    tag = admin("get", "teams")["ETag"]
    admin("patch", f"teams/{team.pk}", {"description": "changed"})

    answer = known(admin, "teams", tag)

    assert (answer.status_code, answer.json()["results"][0]["description"]) == (200, "changed")


def test_what_a_role_sees_is_part_of_the_tag(world: World, team: Team) -> None:
    tags = {role: caller_of(world.people[role])("get", "me")["ETag"] for role in ("dev", "viewer")}

    assert len(set(tags.values())) == 2


def test_errors_and_empty_answers_have_no_tag(admin: Caller, team: Team) -> None:
    assert "ETag" not in admin("get", "teams/nothing")
    assert "ETag" not in admin("delete", f"teams/{team.pk}")
