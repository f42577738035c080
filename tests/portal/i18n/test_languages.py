"""Which language and zone an answer is made in: profile, then cookie, then browser, then the installation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone, translation

from portal.kernel.dates import date_and_time, exact_moment, moment_with_offset
from portal.models import User
from portal.services.tokens import tokens_issue
from tests.conftest import World

MOMENT = datetime(2026, 11, 21, 13, 5, 9, tzinfo=UTC)


def language(client: Client, path: str = "/sign-in", **headers: str) -> str:
    answer = client.get(path, headers={name.replace("_", "-"): v for name, v in headers.items()})
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in answer["Vary"].split(",")}
    return str(answer["Content-Language"])


def chosen(world: World, value: str) -> Client:
    User.objects.using("platform").filter(username="support-north").update(language=value)
    client = Client()
    client.force_login(world.people["support"])
    return client


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [("fr", "fr"), ("fr-CA, en;q=0.5", "fr"), ("en-GB", "en"), ("de", "en"), ("", "en")],
)
def test_nobody_signed_in_is_spoken_to_as_the_browser_asks(
    world: World, accepted: str, spoken: str
) -> None:
    assert language(Client(), accept_language=accepted) == spoken


def test_the_cookie_goes_before_the_browser(world: World) -> None:
    client = Client()
    client.cookies["django_language"] = "fr"
    assert language(client, accept_language="en") == "fr"


def test_the_profile_goes_before_all(world: World) -> None:
    client = chosen(world, "fr")
    client.cookies["django_language"] = "en"
    assert language(client, "/profile", accept_language="en") == "fr"


def test_a_profile_that_leaves_it_open_follows_the_browser(world: World) -> None:
    client = chosen(world, "browser")
    assert language(client, "/profile", accept_language="fr") == "fr"
    assert language(client, "/profile", accept_language="en") == "en"


def test_fragments_speak_like_their_page(world: World) -> None:
    client = chosen(world, "fr")
    answer = client.get("/operations", headers={"HX-Request": "true", "accept-language": "en"})
    assert answer["Content-Language"] == "fr"


def test_the_api_speaks_as_it_is_asked_and_its_codes_never_change(world: World) -> None:
    chosen(world, "fr")
    tokens = tokens_issue(user=world.people["support"])
    told = {}
    for accepted in ("fr", "en"):
        answer = Client().get(
            "/api/operations/nothing",
            headers={
                "accept-language": accepted,
                "authorization": f"Bearer {tokens.access_token}",
                "accept": "application/json",
            },
        )
        error = answer.json()["errors"][0]
        told[accepted] = (error["code"], error["detail"], answer["Content-Language"])
    assert told == {
        "fr": ("not_found", "Cette opération n’existe pas.", "fr"),
        "en": ("not_found", "There is no such operation.", "en"),
    }


def test_the_framework_speaks_french_too(world: World) -> None:
    client = chosen(world, "fr")
    answer = client.patch("/api/me", {"email": "none"}, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid")
    assert "adresse" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("spoken", "short", "exact", "offset"),
    [
        ("en", "21 Nov 2026, 14:05", "21 November 2026, 14:05:09 (UTC+01:00)", "(UTC+01:00)"),
        ("fr", "21 nov. 2026 à 14:05", "21 novembre 2026 à 14:05:09 (UTC+01:00)", "(UTC+01:00)"),
    ],
)
def test_moments_are_written_as_the_language_does(
    spoken: str, short: str, exact: str, offset: str
) -> None:
    with translation.override(spoken), timezone.override("Europe/Paris"):
        assert date_and_time(MOMENT) == short
        assert exact_moment(MOMENT) == exact
        assert moment_with_offset(MOMENT) == f"{short} {offset}"


def test_an_offset_may_be_behind_and_half(world: World) -> None:
    with timezone.override("America/St_Johns"):
        assert exact_moment(MOMENT).endswith("(UTC-03:30)")
