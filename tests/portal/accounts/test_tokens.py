from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import jwt
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from audit.models import Entry
from portal.errors import InvalidGrant
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.models import RefreshToken, User
from portal.services import accounts, tokens
from portal.tags import Tag
from tests.conftest import World
from tests.factories.accounts import PASSWORD, UserFactory


def grant(client: Client, username: str = "support-north", password: str = PASSWORD):
    return client.post(
        "/api/auth/token",
        {"grant_type": "password", "username": username, "password": password},
    )


def refresh(client: Client, token: str):
    return client.post("/api/auth/token", {"grant_type": "refresh_token", "refresh_token": token})


def me(client: Client, token: str):
    return client.get("/api/me", headers={"Authorization": f"Bearer {token}"})


def test_password_grant_answers_the_rfcs_shape_and_the_token_opens_the_api(
    world: World, client: Client
) -> None:
    answer = grant(client)

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert answer["Cache-Control"] == "no-store"
    assert me(client, body["access_token"]).json()["user"]["username"] == "support-north"


@pytest.mark.parametrize("path", ["/api/auth/token", "/api/auth/token/"])
def test_json_and_both_forms_of_the_address_answer(world: World, client: Client, path: str) -> None:
    body = {"grant_type": "password", "username": "support-north", "password": PASSWORD}

    assert client.post(path, body, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password", "username": "support-north"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        (
            {"grant_type": "password", "username": "support-north", "password": "no"},
            "invalid_grant",
        ),
        ({"grant_type": "password", "username": "a\x00b", "password": "no"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, "invalid_grant"),
        (
            {"grant_type": "refresh_token", "refresh_token": f"uhub_refresh_{uuid4().hex}_x"},
            "invalid_grant",
        ),
        ({"grant_type": "refresh_token", "refresh_token": "uhub_refresh_zz_x"}, "invalid_grant"),
    ],
)
def test_what_cannot_be_granted_is_a_400_in_the_rfcs_words(
    world: World, client: Client, body: dict[str, str], error: str
) -> None:
    answer = client.post("/api/auth/token", body)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("{", "application/json"), ("[1]", "application/json"), ("<a/>", "text/xml")],
)
def test_body_that_cannot_be_read_is_an_invalid_request(
    world: World, client: Client, body: str, content_type: str
) -> None:
    answer = client.post("/api/auth/token", body, content_type=content_type)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_first_password_gets_no_token(world: World, client: Client) -> None:
    User.objects.using("platform").filter(username="support-north").update(
        must_change_password=True
    )

    answer = grant(client)

    assert (answer.status_code, answer.json()["error"]) == (400, "password_change_required")
    assert RefreshToken.objects.using("platform").count() == 0


def test_refresh_replaces_the_pair_and_keeps_the_familys_end(world: World, client: Client) -> None:
    first = grant(client).json()

    second = refresh(client, first["refresh_token"]).json()

    assert second["refresh_token"] != first["refresh_token"]
    rows = RefreshToken.objects.using("platform")
    assert rows.values("family", "family_expires_at").distinct().count() == 1
    assert me(client, second["access_token"]).status_code == 200


def test_used_refresh_token_revokes_its_family_and_is_audited(world: World, client: Client) -> None:
    first = grant(client).json()
    second = refresh(client, first["refresh_token"]).json()

    answer = refresh(client, first["refresh_token"])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert refresh(client, second["refresh_token"]).status_code == 400
    assert me(client, second["access_token"]).status_code == 401
    assert Entry.across_tenants.filter(tenant_id=world.north.id, tag=Tag.TOKEN_REUSED).count() == 1


def test_thirty_refreshes_at_once_have_one_winner(world: World) -> None:
    user = world.people["support"]
    token = tokens.tokens_issue(user=User.objects.get(pk=user.pk)).refresh_token
    gate, winners, losers = Barrier(30), [], []

    def run() -> None:
        gate.wait()
        try:
            winners.append(tokens.tokens_refresh(refresh_token=token))
        except InvalidGrant:
            losers.append(1)
        finally:
            connections.close_all()

    threads = [Thread(target=run) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(winners), len(losers)) == (1, 29)


def test_family_ends_however_often_it_is_refreshed(world: World, client: Client) -> None:
    token = grant(client).json()["refresh_token"]
    for day in (13, 26):
        with clock.travelled(timedelta(days=day)):
            token = refresh(client, token).json()["refresh_token"]

    with clock.travelled(timedelta(days=30, seconds=1)):
        assert refresh(client, token).status_code == 400


def test_refresh_token_expires(world: World, client: Client) -> None:
    token = grant(client).json()["refresh_token"]

    with clock.travelled(timedelta(days=14, seconds=1)):
        assert refresh(client, token).status_code == 400


def test_access_token_expires(world: World, client: Client) -> None:
    token = grant(client).json()["access_token"]

    with clock.travelled(timedelta(seconds=601)):
        answer = me(client, token)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="uHub"'


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoke_ends_the_family_by_either_token(world: World, client: Client, which: str) -> None:
    pair = grant(client).json()

    answer = client.post("/api/auth/revoke", {"token": pair[which]})

    assert answer.status_code == 200
    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 400


def test_revoking_nonsense_is_answered_the_same(world: World, client: Client) -> None:
    assert client.post("/api/auth/revoke", {"token": "nonsense"}).status_code == 200


def test_new_password_ends_tokens(world: World, client: Client) -> None:
    pair = grant(client).json()
    accounts.password_change(
        actor=world.actor("support"),
        user=User.objects.get(username="support-north"),
        old_password=PASSWORD,
        new_password="another long sentence",
    )

    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 400


def test_deactivation_ends_tokens(world: World, client: Client) -> None:
    pair = grant(client).json()
    UserFactory(username="root", is_platform_admin=True)
    accounts.user_update(
        actor=Actor.system("test"),
        user_id=world.people["support"].pk,
        changes={"is_active": False},
    )

    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "refresh"},
        {"aud": "someone-else"},
        {"iss": "someone-else"},
        {"sid": str(uuid4())},
        {"pwd_v": "0" * 16},
    ],
)
def test_token_with_a_foreign_claim_opens_nothing(
    world: World, client: Client, change: dict[str, str]
) -> None:
    token = grant(client).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})

    forged = jwt.encode(claims | change, tokens._key(), algorithm="HS256")

    assert me(client, forged).status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_only_our_algorithm_is_accepted(world: World, client: Client, algorithm: str) -> None:
    token = grant(client).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    key = None if algorithm == "none" else settings.SECRET_KEY

    assert me(client, jwt.encode(claims, key, algorithm=algorithm)).status_code == 401


def test_no_token_is_a_401_and_never_a_redirect(world: World, client: Client) -> None:
    answer = client.get("/api/me")

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "not_authenticated"
