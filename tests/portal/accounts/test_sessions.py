"""Where people are signed in, and ending it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from portal.kernel import clock
from portal.models import User, WebSession
from portal.services.web_sessions import SessionStore
from tests.conftest import World
from tests.factories.accounts import PASSWORD, UserFactory

NEW_PASSWORD = "a new and better password"


def signed_in(username: str, agent: str = "Firefox") -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post("/sign-in", {"username": username, "password": PASSWORD})
    return client


def tokens(username: str) -> tuple[Client, dict[str, str], str]:
    client = Client(headers={"User-Agent": "a program"})
    body = {"grant_type": "password", "username": username, "password": PASSWORD}
    pair = client.post("/api/auth/token", body).json()
    return client, {"Authorization": f"Bearer {pair['access_token']}"}, pair["refresh_token"]


def listed(client: Client, **more: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/sessions", **more)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def status(client: Client, **more: Any) -> int:
    return int(client.get("/api/me", **more).status_code)


def revoke(client: Client, session_id: str, **more: Any) -> HttpResponse:
    return client.delete(f"/api/sessions/{session_id}", **more)  # type: ignore[no-any-return]


def root() -> Client:
    client = Client()
    client.force_login(UserFactory(username="root", is_platform_admin=True))
    return client


def test_list_shows_browsers_and_tokens(world: World) -> None:
    browser = signed_in("support-north")
    tokens("support-north")
    signed_in("dev-north")

    found = {item["kind"]: item for item in listed(browser)}

    assert len(listed(browser)) == 2
    assert (found["web"]["agent"], found["web"]["address"]) == ("Firefox", "127.0.0.1")
    assert (found["token"]["agent"], found["token"]["is_current"]) == ("a program", False)
    assert found["web"]["is_current"]


def test_key_of_a_session_is_shown_nowhere(world: World) -> None:
    browser = signed_in("support-north")

    assert browser.session.session_key not in browser.get("/api/sessions").content.decode()


def test_token_knows_its_own_family(world: World) -> None:
    signed_in("support-north")
    client, headers, _ = tokens("support-north")

    current = [item["kind"] for item in listed(client, headers=headers) if item["is_current"]]

    assert current == ["token"]


def test_revoked_browser_is_out_on_the_next_request(world: World) -> None:
    mine, lost = signed_in("support-north"), signed_in("support-north", "stolen")
    (other,) = [item for item in listed(mine) if not item["is_current"]]
    assert status(lost) == 200

    assert revoke(mine, other["id"]).status_code == 204

    assert (status(lost), status(mine)) == (401, 200)


def test_revoked_family_stops_its_access_token_at_once(world: World) -> None:
    mine = signed_in("support-north")
    client, headers, refresh = tokens("support-north")
    (family,) = [item for item in listed(mine) if item["kind"] == "token"]
    assert status(client, headers=headers) == 200

    revoke(mine, family["id"])

    assert status(client, headers=headers) == 401
    again = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert client.post("/api/auth/token", again).status_code == 400


def test_refreshed_family_is_one_session(world: World) -> None:
    client, headers, refresh = tokens("support-north")
    before = listed(client, headers=headers)[0]
    with clock.travelled(timedelta(seconds=30)):
        client.post("/api/auth/token", {"grant_type": "refresh_token", "refresh_token": refresh})
        (after,) = listed(client, headers=headers)

    assert (after["id"], after["created_at"]) == (before["id"], before["created_at"])
    assert after["last_used_at"] > before["last_used_at"]


def test_all_others_end_at_once(world: World) -> None:
    mine, other = signed_in("support-north"), signed_in("support-north")
    client, headers, _ = tokens("support-north")

    answer = mine.post("/api/sessions/revoke-others")

    assert (answer.status_code, answer.json()) == (200, {"revoked": 2})
    assert (status(mine), status(other), status(client, headers=headers)) == (200, 401, 401)


def test_session_of_somebody_else_is_absent(world: World) -> None:
    theirs = signed_in("dev-north")
    (session,) = listed(theirs)

    answer = revoke(signed_in("support-north"), session["id"])

    assert (answer.status_code, status(theirs)) == (404, 200)


@pytest.mark.parametrize("session_id", ["nonsense", "019a0000-0000-7000-8000-000000000000"])
def test_absent_session_is_404(world: World, session_id: str) -> None:
    assert revoke(signed_in("support-north"), session_id).status_code == 404
    assert revoke(root(), session_id).status_code == 404


def test_sessions_of_others_are_for_platform_staff(world: World) -> None:
    theirs, staff = signed_in("dev-north"), root()
    dev = world.people["dev"].pk

    refused = signed_in("admin-north").get(f"/api/sessions?user={dev}")
    seen = staff.get(f"/api/sessions?user={dev}").json()["results"]

    assert refused.status_code == 403
    assert [(item["agent"], item["is_current"]) for item in seen] == [("Firefox", False)]
    assert revoke(staff, seen[0]["id"]).status_code == 204
    assert status(theirs) == 401


def test_family_of_others_ends_by_platform_staff(world: World) -> None:
    client, headers, _ = tokens("dev-north")
    staff = root()
    seen = staff.get(f"/api/sessions?user={world.people['dev'].pk}").json()["results"]

    revoke(staff, seen[0]["id"])

    assert status(client, headers=headers) == 401


def test_ending_a_session_is_in_the_audit(world: World) -> None:
    mine = signed_in("support-north")
    signed_in("support-north")
    (other,) = [item for item in listed(mine) if not item["is_current"]]

    revoke(mine, other["id"])

    entry = Entry.across_tenants.get(tag="session.revoked")
    assert (entry.tenant_id, entry.actor_label) == (world.north.pk, "support-north")
    assert entry.detail["session"] == other["id"]


@pytest.mark.parametrize("door", ["page", "api"])
def test_new_password_ends_everything_but_this_browser(world: World, door: str) -> None:
    mine, other = signed_in("support-north"), signed_in("support-north")
    client, headers, _ = tokens("support-north")

    if door == "page":
        answer = mine.post(
            "/password-change",
            {
                "old_password": PASSWORD,
                "new_password1": NEW_PASSWORD,
                "new_password2": NEW_PASSWORD,
            },
        )
    else:
        answer = mine.post(
            "/api/me/password",
            {"old_password": PASSWORD, "new_password": NEW_PASSWORD},
            content_type="application/json",
        )

    assert answer.status_code in {204, 302}
    assert (status(mine), status(other), status(client, headers=headers)) == (200, 401, 401)
    assert [item["is_current"] for item in listed(mine)] == [True]


def test_deactivated_person_is_out(world: World) -> None:
    theirs = signed_in("dev-north")

    answer = root().patch(
        f"/api/users/{world.people['dev'].pk}?all=true",
        {"is_active": False},
        content_type="application/json",
    )

    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert status(theirs) == 401
    assert not WebSession.objects.filter(user=world.people["dev"]).exists()


def test_last_use_is_written_once_a_minute(world: World) -> None:
    browser = signed_in("support-north")

    def used() -> Any:
        return WebSession.objects.get(user=world.people["support"]).last_used_at

    at_first = used()
    browser.get("/api/me")
    assert used() == at_first
    with clock.travelled(timedelta(seconds=61)):
        browser.get("/api/me")
    assert used() - at_first > timedelta(seconds=60)


@pytest.mark.usefixtures("lasting_memory")
def test_bound_sessions_cost_no_question_more(world: World) -> None:
    from django.db import connection

    browser = signed_in("support-north")
    browser.get("/api/me")

    with CaptureQueriesContext(
        connection,
    ) as captured:
        browser.get("/api/me")

    about = [q["sql"] for q in captured.captured_queries if "portal_websession" in (q["sql"] or "")]
    assert len(about) == 1


def test_signing_out_ends_the_row(world: World) -> None:
    browser = signed_in("support-north")
    browser.post("/sign-out")

    assert not WebSession.objects.filter(user=world.people["support"]).exists()


def test_user_is_bound_at_sign_in(world: World) -> None:
    signed_in("support-north")

    row = WebSession.objects.get(user__isnull=False)
    assert row.user == User.objects.get(username="support-north")


def test_an_ended_session_is_not_written_anew_from_async_code(world: World) -> None:
    signed_in("support-north")
    key = WebSession.objects.get(user__isnull=False).session_key
    store = SessionStore(key)
    with ThreadPoolExecutor(1) as apart:  # this thread may have a browser's event loop
        loaded = apart.submit(lambda: asyncio.run(store.aload())).result()
        assert loaded[SESSION_KEY] == str(world.people["support"].pk)
        WebSession.objects.filter(session_key=key).delete()

        with pytest.raises(UpdateError):
            apart.submit(lambda: asyncio.run(store.asave())).result()

    assert not WebSession.objects.filter(session_key=key).exists()
