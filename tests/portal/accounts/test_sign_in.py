from __future__ import annotations

import pytest
from axes.models import AccessAttempt
from django.test import Client

from audit.models import Entry
from portal.models import User
from portal.tags import Tag
from tests.conftest import World
from tests.factories.accounts import PASSWORD


def sign_in(client: Client, username: str, password: str = PASSWORD, **more: str):
    return client.post("/sign-in", {"username": username, "password": password, **more})


def tags(tenant_id) -> list[str]:
    found = Entry.across_tenants.filter(tenant_id=tenant_id).order_by("seq")
    return list(found.values_list("tag", flat=True))


def test_right_password_opens_a_session_and_is_audited_in_the_organisation(
    world: World, client: Client
) -> None:
    answer = sign_in(client, "support-north")

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/profile").status_code == 200
    assert tags(world.north.id) == [Tag.SIGNED_IN]


def test_name_is_found_whatever_its_case(world: World, client: Client) -> None:
    assert sign_in(client, "SUPPORT-North").status_code == 302


def test_sign_in_makes_a_new_session_key(world: World, client: Client) -> None:
    client.get("/sign-in")
    session = client.session
    session["before"] = "1"
    session.save()
    client.cookies["sessionid"] = session.session_key

    sign_in(client, "support-north")

    assert client.cookies["sessionid"].value != session.session_key


@pytest.mark.parametrize("username", ["support-north", "nobody-at-all"])
def test_wrong_pair_says_the_same_for_known_and_unknown_names(
    world: World, client: Client, username: str
) -> None:
    answer = sign_in(client, username, "wrong")

    assert answer.status_code == 422
    assert "User name or password is wrong." in answer.content.decode()


def test_failure_is_audited_in_the_organisation_of_a_known_name(
    world: World, client: Client
) -> None:
    sign_in(client, "support-north", "wrong")

    entry = Entry.across_tenants.get(tenant_id=world.north.id)
    assert (entry.tag, entry.outcome, entry.detail) == (
        Tag.SIGN_IN_FAILED,
        "refused",
        {"username": "support-north"},
    )


def test_deactivated_person_cannot_sign_in(world: World, client: Client) -> None:
    User.objects.using("platform").filter(username="support-north").update(is_active=False)

    assert sign_in(client, "support-north").status_code == 422


def test_sixth_attempt_is_throttled_even_with_the_right_password_and_another_case(
    world: World, client: Client
) -> None:
    for _ in range(5):
        sign_in(client, "support-north", "wrong")

    answer = sign_in(client, "Support-NORTH")

    assert answer.status_code == 429
    assert 800 <= int(answer["Retry-After"]) <= 900


def test_the_page_names_the_time_that_is_left_and_who_can_help(
    world: World, client: Client
) -> None:
    wrong = sign_in(client, "support-north", "wrong")
    for _ in range(4):
        sign_in(client, "support-north", "wrong")

    locked = sign_in(client, "support-north")

    assert "After 5 wrong attempts the name is locked for 15 minutes" in wrong.content.decode()
    assert 800 <= locked.context["wait_s"] <= 900
    assert locked.context["wait"] == "15 minutes"
    assert "an administrator can give you a new one" in locked.content.decode()


def test_the_language_is_chosen_before_signing_in(world: World, client: Client) -> None:
    answer = client.post("/language", {"language": "fr", "next": "/sign-in"})

    assert (answer.status_code, answer["Location"]) == (302, "/sign-in")
    assert 'lang="fr"' in client.get("/sign-in").content.decode()


def test_throttle_is_shared_with_the_api(world: World, client: Client) -> None:
    for _ in range(5):
        sign_in(client, "support-north", "wrong")

    answer = client.post(
        "/api/auth/token",
        {"grant_type": "password", "username": "support-north", "password": PASSWORD},
    )

    assert (answer.status_code, answer.json()["error"]) == (429, "too_many_attempts")
    assert int(answer["Retry-After"]) > 0


def test_throttle_counts_per_address(world: World, client: Client) -> None:
    for _ in range(5):
        sign_in(client, "support-north", "wrong")

    answer = Client(REMOTE_ADDR="192.0.2.7").post(
        "/sign-in", {"username": "support-north", "password": PASSWORD}
    )

    assert answer.status_code == 302


def test_success_forgets_earlier_failures(world: World, client: Client) -> None:
    for _ in range(4):
        sign_in(client, "support-north", "wrong")

    sign_in(client, "support-north")

    assert AccessAttempt.objects.count() == 0


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("/deployments?x=1", "/deployments?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_next_leads_only_to_pages_of_ours(
    world: World, client: Client, wanted: str, found: str
) -> None:
    assert sign_in(client, "support-north", next=wanted)["Location"] == found


def test_stranger_is_sent_to_sign_in_and_back(world: World, client: Client) -> None:
    answer = client.get("/profile")

    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=/profile")


def test_sign_out_ends_the_session_and_needs_a_post(world: World, client: Client) -> None:
    sign_in(client, "support-north")

    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert client.get("/profile").status_code == 302
    assert tags(world.north.id) == [Tag.SIGNED_IN, Tag.SIGNED_OUT]


def test_sign_in_without_csrf_token_is_refused(world: World) -> None:
    answer = sign_in(Client(enforce_csrf_checks=True), "support-north")

    assert answer.status_code == 403
