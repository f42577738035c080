from __future__ import annotations

import pytest
from django.test import Client

from audit.models import Entry
from portal.models import User
from portal.tags import Tag
from tests.conftest import World
from tests.factories.accounts import PASSWORD

NEW = "another long sentence"


@pytest.fixture
def fresh(world: World, client: Client) -> Client:
    """Somebody signed in with a first password."""
    User.objects.using("platform").filter(username="support-north").update(
        must_change_password=True
    )
    client.post("/sign-in", {"username": "support-north", "password": PASSWORD})
    return client


def change(client: Client, old: str = PASSWORD, new: str = NEW, again: str = ""):
    return client.post(
        "/password-change",
        {"old_password": old, "new_password1": new, "new_password2": again or new},
    )


def test_every_page_leads_to_the_change(fresh: Client) -> None:
    for path in ("/", "/profile", "/deployments", "/audit", "/nowhere", "/admin/"):
        answer = fresh.get(path)

        assert (answer.status_code, answer["Location"]) == (302, "/password-change"), path


def test_api_answers_403_with_the_code(fresh: Client) -> None:
    for path in ("/api/me", "/api/settings", "/api/deployments", "/api/audit/"):
        answer = fresh.get(path)

        assert answer.status_code == 403, path
        assert answer.json()["errors"][0]["code"] == "password_change_required"


def test_htmx_is_sent_to_the_change(fresh: Client) -> None:
    answer = fresh.get("/profile", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/password-change")


def test_change_opens_everything_and_keeps_the_session(world: World, fresh: Client) -> None:
    answer = change(fresh)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert fresh.get("/profile").status_code == 200
    user = User.objects.get(username="support-north")
    assert user.check_password(NEW)
    assert (
        Entry.across_tenants.filter(tenant_id=world.north.id, tag=Tag.PASSWORD_CHANGED).count() == 1
    )


def test_change_ends_other_sessions(world: World, client: Client) -> None:
    other = Client()
    for browser in (client, other):
        browser.post("/sign-in", {"username": "support-north", "password": PASSWORD})

    change(client)

    assert other.get("/profile").status_code == 302


def test_change_through_the_api_is_open_with_a_first_password(fresh: Client) -> None:
    answer = fresh.post(
        "/api/me/password",
        {"old_password": PASSWORD, "new_password": NEW},
        content_type="application/json",
    )

    assert answer.status_code == 204
    assert not User.objects.get(username="support-north").must_change_password


def test_bad_change_says_why_and_changes_nothing(fresh: Client) -> None:
    for old, new, again, words in (
        ("wrong", NEW, NEW, "The current password is wrong."),
        (PASSWORD, PASSWORD, PASSWORD, "differs from the current one"),
        (PASSWORD, "short", "short", "too short"),
        (PASSWORD, "support-north1", "support-north1", "too similar to the user name"),
        (PASSWORD, "password1234", "password1234", "too common"),
        (PASSWORD, NEW, "something else", "The two new passwords differ."),
    ):
        answer = change(fresh, old, new, again)

        assert answer.status_code == 422, words
        assert words in answer.content.decode()
    user = User.objects.get(username="support-north")
    assert user.check_password(PASSWORD)
    assert user.must_change_password
