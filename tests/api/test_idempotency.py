"""The same POST under the same key: one effect, one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.http import HttpResponse

from portal.kernel import clock
from portal.models import IdempotencyRecord, Role, User
from portal.services import idempotency
from provisioning.models import Deployment, Template
from tests.api.conftest import JSON, Caller, caller_of
from tests.conftest import World
from tests.factories.accounts import MembershipFactory, UserFactory

WANTED = {"template": "wordpress", "name": "web-1"}
THREADS = 20


def post(
    ask: Caller, path: str, body: Any = None, *, key: str = "one-key", **headers: str
) -> HttpResponse:
    return ask("post", path, body, headers={"accept": JSON, "Idempotency-Key": key, **headers})


def code(answer: HttpResponse) -> str:
    return str(answer.json()["errors"][0]["code"])


def deployments() -> int:
    return Deployment.across_tenants.count()


def records() -> list[IdempotencyRecord]:
    return list(IdempotencyRecord.objects.using("platform").order_by("created_at"))


def test_same_key_and_body_is_the_same_answer(ask: Caller, catalogue: Template) -> None:
    first = post(ask, "deployments", WANTED)
    second = post(ask, "deployments", WANTED)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert first["ETag"] == second["ETag"]
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert deployments() == 1


def test_order_of_names_in_json_does_not_matter(ask: Caller, catalogue: Template) -> None:
    first = post(ask, "deployments", WANTED)
    second = post(ask, "deployments", dict(reversed(WANTED.items())))

    assert first.content == second.content


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("deployments", {"template": "wordpress", "name": "web-2"}),
        ("deployments?dry_run=true", WANTED),
    ],
    ids=["body", "query"],
)
def test_another_request_under_the_key_is_told(
    ask: Caller, catalogue: Template, path: str, body: Any
) -> None:
    post(ask, "deployments", WANTED)

    answer = post(ask, path, body)

    assert (answer.status_code, code(answer)) == (409, "idempotency_key_reused")
    assert deployments() == 1


def test_keys_of_others_paths_and_organisations_are_others(
    world: World, ask: Caller, catalogue: Template
) -> None:
    both = UserFactory(username="both")
    for tenant in (world.north, world.south):
        MembershipFactory(user=both, tenant=tenant, role="support")
    theirs = caller_of(both)

    answers = [
        post(ask, "deployments", WANTED),
        post(theirs, "deployments", {**WANTED, "name": "web-2"}, **{"X-Tenant": "north"}),
        post(theirs, "deployments", {**WANTED, "name": "web-3"}, **{"X-Tenant": "south"}),
    ]
    there = answers[0].json()["id"]
    elsewhere = post(ask, f"deployments/{there}/extend", {"hours": 1})

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert elsewhere.status_code == 200
    assert len(records()) == 4


def test_slash_at_the_end_is_the_same_path(ask: Caller, catalogue: Template) -> None:
    first = post(ask, "deployments", WANTED)

    assert post(ask, "deployments/", WANTED).content == first.content


def test_refused_request_leaves_its_key_free(ask: Caller, catalogue: Template) -> None:
    refused = post(ask, "deployments", {**WANTED, "template": "nothing"})
    corrected = post(ask, "deployments", WANTED)

    assert (refused.status_code, corrected.status_code) == (400, 202)
    assert len(records()) == 1


def test_crash_after_the_effect_leaves_neither(
    ask: Caller, catalogue: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patched:
        patched.setattr(idempotency.RecordStore, "keep", crash)
        broken = post(ask, "deployments", WANTED)
        assert (broken.status_code, deployments(), records()) == (500, 0, [])

    assert post(ask, "deployments", WANTED).status_code == 202
    assert deployments() == 1


def test_crash_after_an_effect_of_platform_staff_leaves_neither(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = caller_of(UserFactory(username="root", is_platform_admin=True))
    body = {"code": "auditor", "name": "Auditor", "permissions": []}

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patched:
        patched.setattr(idempotency.RecordStore, "keep", crash)
        assert post(ask, "roles", body).status_code == 500

    assert not Role.objects.filter(code="auditor").exists()
    first, second = post(ask, "roles", body), post(ask, "roles", body)
    assert (first.status_code, second.content) == (201, first.content)


def test_many_at_once_make_one_deployment(world: World, ask: Caller, catalogue: Template) -> None:
    callers = [caller_of(world.people["support"]) for _ in range(THREADS)]

    def send(caller: Caller) -> HttpResponse:
        try:
            return post(caller, "deployments", WANTED)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(send, callers))

    told = [answer for answer in answers if answer.status_code == 202]
    waiting = [answer for answer in answers if answer.status_code != 202]
    assert deployments() == 1
    assert {code(answer) for answer in waiting} <= {"idempotency_in_flight"}
    assert {answer.content for answer in told} == {post(ask, "deployments", WANTED).content}


def test_first_request_under_way_is_told(
    world: World, ask: Caller, catalogue: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = idempotency.RecordStore.keep
    seen: list[HttpResponse] = []

    def again() -> HttpResponse:
        try:
            return post(caller_of(world.people["support"]), "deployments", WANTED)
        finally:
            connections.close_all()

    def slow(self: Any, *args: Any, **kwargs: Any) -> None:
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(again).result())
        keep(self, *args, **kwargs)

    monkeypatch.setattr(idempotency.RecordStore, "keep", slow)
    post(ask, "deployments", WANTED)

    assert [(answer.status_code, code(answer)) for answer in seen] == [
        (409, "idempotency_in_flight")
    ]


@pytest.mark.parametrize("key", ["", "with space", "x" * 129, "é"])
def test_what_is_no_key_is_told(ask: Caller, catalogue: Template, key: str) -> None:
    answer = post(ask, "deployments", WANTED, key=key)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "Idempotency-Key"
    assert deployments() == 0


def test_key_is_forgotten_after_a_day(ask: Caller, catalogue: Template) -> None:
    post(ask, "deployments", WANTED)

    with clock.travelled(timedelta(hours=24, seconds=1)):
        later = post(caller_of(User.objects.get(username="support-north")), "deployments", WANTED)

    assert (later.status_code, code(later)) == (400, "unique")


def test_cleanup_removes_forgotten_keys(ask: Caller, catalogue: Template) -> None:
    post(ask, "deployments", WANTED)
    call_command("cleanup")
    assert len(records()) == 1

    with clock.travelled(timedelta(hours=24, seconds=1)):
        call_command("cleanup")

    assert records() == []


def test_body_is_kept_as_a_keyed_hash_alone(world: World) -> None:
    from tests.factories.accounts import PASSWORD

    ask = caller_of(world.people["support"])
    body = {"old_password": PASSWORD, "new_password": "another good password"}
    assert post(ask, "me/password", body).status_code == 204

    (record,) = records()
    assert (record.body, len(record.request_hash)) == ("", 64)
    assert "another good password" not in str(record.__dict__)


def test_keys_are_seen_by_their_person_alone(
    world: World, ask: Caller, catalogue: Template
) -> None:
    from django.db import transaction

    from portal.kernel.tenancy import user_scope

    post(ask, "deployments", WANTED)

    def seen(person: User) -> int:
        with transaction.atomic(), user_scope(person.pk):
            return IdempotencyRecord.objects.count()

    assert (seen(world.people["support"]), seen(world.people["admin"])) == (1, 0)
