"""The list of sessions on the profile."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.logic.agents import agent_words
from tests.conftest import World
from tests.factories.accounts import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML) Chrome/140.0 Safari/537.36"


def signed_in(agent: str) -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post("/sign-in", {"username": "support-north", "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox · Linux"),
        (CHROME, "Chrome · Windows"),
        ("python-requests/2.32", "Python"),
        ("x" * 80, "x" * 40),
        ("", ""),
    ],
)
def test_programs_read_as_people_call_them(agent: str, words: str) -> None:
    assert agent_words(agent) == words


def test_profile_lists_sessions_and_ends_one(world: World) -> None:
    mine, other = signed_in(FIREFOX), signed_in(CHROME)
    page = mine.get("/profile")
    (shown,) = [item for item in page.context["sessions"] if not item["is_current"]]

    answer = mine.post(f"/profile/sessions/{shown['id']}/revoke", follow=True)

    assert "Chrome · Windows" in page.content.decode()
    assert answer.redirect_chain == [("/profile#sessions", 302)]
    assert "Chrome" not in answer.content.decode()
    assert other.get("/profile").status_code == 302


def test_all_others_end_with_one_button(world: World) -> None:
    mine, other = signed_in(FIREFOX), signed_in(CHROME)
    assert "End all others" in mine.get("/profile").content.decode()

    page = mine.post("/profile/sessions/revoke-others", follow=True)

    assert "End all others" not in page.content.decode()
    assert other.get("/profile").status_code == 302


@pytest.mark.parametrize("name", ["nonsense", "019a0000-0000-7000-8000-000000000000"])
def test_absent_session_is_404(world: World, name: str) -> None:
    assert signed_in(FIREFOX).post(f"/profile/sessions/{name}/revoke").status_code == 404
