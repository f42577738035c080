"""Consoles: one ticket, one look, one person, one session, one machine; over as soon as any of them is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction

from audit.models import Entry
from integrations.proxmox.interface import PowerState
from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import NotFound, Refused
from portal.kernel.tenancy import tenant_scope
from portal.models import Membership, User, WebSession
from portal.services.web_sessions import SessionStore
from provisioning.errors import ConsoleUnavailable, TooManyConsoles
from provisioning.models import ConsoleSession, Deployment
from provisioning.services import consoles
from tests.conftest import World
from tests.loops import run_async
from tests.provisioning.viewers import KEY, person, signed_in, viewer
from tests.provisioning.ward import Ward


@pytest.fixture
def ward(world: World) -> Ward:
    return Ward(world)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(settings.CONSOLE, "recheck_s", 0.05)
    monkeypatch.setitem(settings.CONSOLE, "rechecks_per_identity", 2)
    return iter(())


def issue(ward: Ward, row: Deployment, session_key: str, *, role: str = "support") -> str:
    actor = ward.world.actor(role)
    with tenant_scope(row.tenant_id):
        return consoles.console_request(
            actor=actor, deployment_id=row.pk, session_key=session_key
        ).token


def apart(act: Callable[..., object], *arguments: object) -> None:
    """Does it in a thread of its own, and gives the connections back."""
    try:
        act(*arguments)
    finally:
        connections.close_all()


def console_of(row: Deployment) -> ConsoleSession:
    return ConsoleSession.across_tenants.get(deployment=row)


def opened_screens(ward: Ward) -> int:
    return sum(call.method == "console_open" for call in ward.fake.calls)


def looked(row: Deployment, token: str, key: str, **headers: str) -> tuple[bool, int]:
    """Comes and looks at once: whether the handshake was taken, and the code of a refusal."""

    async def come() -> tuple[bool, int]:
        async with viewer(row.pk, token, key, **headers) as one:
            return one.is_accepted, one.code

    return run_async(come())


def test_a_ticket_shows_the_screen_and_nothing_of_the_hypervisor(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)

    async def look() -> tuple[str, bytes]:
        async with viewer(row.pk, token, key) as one:
            title = await one.greet()
            picture = await one.picture()
            await one.send(KEY)
            return title, picture

    title, picture = run_async(look())
    assert (title, len(picture)) == ("web-1", 16 + 64 * 32 * 4)
    entries = Entry.objects.using("platform").filter(tag__startswith="console.").order_by("pk")
    assert list(entries.values_list("tag", "actor_label", "category")) == [
        ("console.requested", person(ward).username, "security"),
        ("console.opened", person(ward).username, "security"),
        ("console.closed", person(ward).username, "security"),
    ]
    assert entries.last().detail["code"] == "left"  # type: ignore[union-attr]
    assert console_of(row).end == "left"


def test_neither_ticket_nor_session_is_kept_in_the_clear(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)
    kept = ConsoleSession.across_tenants.values().get()
    assert token not in str(kept)
    assert key not in str(kept)


def test_a_ticket_is_good_once(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)
    assert looked(row, token, key) == (True, 0)
    assert looked(row, token, key) == (False, 1008)
    assert opened_screens(ward) <= 1


def test_of_many_that_come_with_one_ticket_one_gets_in(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)

    async def come() -> bool:
        async with viewer(row.pk, token, key) as one:
            return one.is_accepted

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(come() for _ in range(6)))

    assert sorted(run_async(all_at_once())) == [False] * 5 + [True]


def _another_session(ward: Ward, row: Deployment, key: str) -> dict[str, Any]:
    return {"key": signed_in(person(ward))}


def _another_person(ward: Ward, row: Deployment, key: str) -> dict[str, Any]:
    return {"key": signed_in(person(ward, "ops"))}


def _too_late(ward: Ward, row: Deployment, key: str) -> dict[str, Any]:
    ConsoleSession.objects.using("platform").update(expires_at=clock.now())
    return {}


def _signed_out(ward: Ward, row: Deployment, key: str) -> dict[str, Any]:
    WebSession.objects.using("platform").filter(session_key=key).delete()
    return {}


def _another_machine(ward: Ward, row: Deployment, key: str) -> dict[str, Any]:
    return {"row": ward.deployment("web-2")}


HANDSHAKES: dict[str, Callable[[Ward, Deployment, str], dict[str, Any]]] = {
    "another session": _another_session,
    "another person": _another_person,
    "too late": _too_late,
    "signed out": _signed_out,
    "another machine": _another_machine,
    "foreign page": lambda ward, row, key: {"origin": "https://evil.example"},
    "foreign port": lambda ward, row, key: {"origin": "http://testserver:81"},
    "no page": lambda ward, row, key: {"origin": ""},
    "opaque page": lambda ward, row, key: {"origin": "null"},
    "foreign host": lambda ward, row, key: {
        "host": "evil.example",
        "origin": "http://evil.example",
    },
    "no cookie": lambda ward, row, key: {"cookie": ""},
    "wrong ticket": lambda ward, row, key: {"token": "x" * 43},
    "no ticket": lambda ward, row, key: {"token": ""},
}


def test_a_handshake_that_is_refused_opens_nothing(ward: Ward) -> None:
    row = ward.deployment()
    for case, change in HANDSHAKES.items():
        ConsoleSession.objects.using("platform").all().delete()
        key = signed_in(person(ward))
        token = issue(ward, row, key)
        more = change(ward, row, key)
        ward.fake.calls.clear()
        place, ticket, cookie = more.pop("row", row), more.pop("token", token), more.pop("key", key)
        assert looked(place, ticket, cookie, **more) == (False, 1008), case
        assert ward.fake.calls == []
        assert console_of(row).opened_at is None


def _stopped(ward: Ward, row: Deployment, key: str) -> None:
    Deployment.across_tenants.filter(pk=row.pk).update(status="stopped")


REVOCATIONS: dict[str, tuple[int, Callable[[Ward, Deployment, str], object]]] = {
    "signed out": (
        4006,
        lambda ward, row, key: (
            WebSession.objects.using("platform").filter(session_key=key).delete()
        ),
    ),
    "deactivated": (
        4006,
        lambda ward, row, key: (
            User.objects.using("platform").filter(pk=person(ward).pk).update(is_active=False)
        ),
    ),
    "password changed": (
        4006,
        lambda ward, row, key: (
            User.objects.using("platform")
            .filter(pk=person(ward).pk)
            .update(password="argon2$other")
        ),
    ),
    "no member any more": (
        4005,
        lambda ward, row, key: (
            Membership.objects.using("platform").filter(user=person(ward)).delete()
        ),
    ),
    "owner changed": (
        4005,
        lambda ward, row, key: Deployment.across_tenants.filter(pk=row.pk).update(
            owner=person(ward, "ops")
        ),
    ),
    "stopped": (4002, _stopped),
    "being deleted": (
        4003,
        lambda ward, row, key: Deployment.across_tenants.filter(pk=row.pk).update(
            status="deleting"
        ),
    ),
    "lease over": (
        4004,
        lambda ward, row, key: Deployment.across_tenants.filter(pk=row.pk).update(
            expires_at=clock.now()
        ),
    ),
    "number changed": (
        4007,
        lambda ward, row, key: Deployment.across_tenants.filter(pk=row.pk).update(vmid=20_990),
    ),
    "stranger under the number": (4007, lambda ward, row, key: ward.fake.replace_guest(row.vmid)),
    "switched off": (4002, lambda ward, row, key: ward.power(row, PowerState.STOPPED)),
}


# What happens to a machine or a session, and what keeps its person from any other console.
OF_ALL = ("deactivated", "password changed", "no member any more")
OF_ONE = tuple(case for case in REVOCATIONS if case not in OF_ALL)


def ended(ward: Ward, case: str) -> int:
    """Opens the console of a machine of its own, lets it happen, and answers the code of the end."""
    row, key = ward.deployment(f"web-{case.replace(' ', '-')}"), signed_in(person(ward))
    token = issue(ward, row, key)

    async def watched() -> int:
        async with viewer(row.pk, token, key) as one:
            await one.greet()
            await asyncio.to_thread(apart, REVOCATIONS[case][1], ward, row, key)
            return await one.closed()

    return run_async(watched())


@pytest.mark.parametrize("cases", [OF_ONE, *((case,) for case in OF_ALL)])
def test_what_ends_an_open_console(ward: Ward, cases: tuple[str, ...]) -> None:
    assert {case: ended(ward, case) for case in cases} == {
        case: REVOCATIONS[case][0] for case in cases
    }
    closed = Entry.objects.using("platform").filter(tag="console.closed")
    assert closed.count() == len(cases)


@pytest.mark.parametrize(("rule", "code"), [("idle_minutes", 4008), ("max_minutes", 4009)])
def test_a_console_is_closed_when_its_time_is_over(
    ward: Ward, rule: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)
    wanted = f"cloudpods.console.{rule}"
    real = consoles.setting_get
    monkeypatch.setattr(
        "provisioning.web.console_socket.setting_get",
        lambda name: 0 if name == wanted else real(name),
    )

    async def watched() -> int:
        async with viewer(row.pk, token, key) as one:
            await one.greet()
            return await one.closed()

    assert run_async(watched()) == code


def test_a_screen_that_closes_says_so(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)
    screens = []
    real = ward.fake.console_enter

    async def entered(ticket: Any) -> Any:
        screens.append(await real(ticket))
        return screens[-1]

    monkeypatch.setattr(ward.fake, "console_enter", entered)

    async def watched() -> int:
        async with viewer(row.pk, token, key) as one:
            await one.greet()
            screens[0].end()
            return await one.closed()

    assert run_async(watched()) == 4001


@pytest.mark.parametrize(
    "words",
    [b"\x07" * 8, b"\x02\x00\xff\xff", b"\x06\x00\x00\x00\x7f\xff\xff\xff", b"\x04" * 600_000],
)
def test_what_no_viewer_says_closes_the_console_and_goes_nowhere(ward: Ward, words: bytes) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)

    async def watched() -> int:
        async with viewer(row.pk, token, key) as one:
            await one.greet()
            await one.send(words)
            return await one.closed()

    assert run_async(watched()) == 4011


def test_another_machine_under_the_number_is_not_shown(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)
    ward.fake.replace_guest(row.vmid)

    async def come() -> int:
        async with viewer(row.pk, token, key) as one:
            return await one.closed()

    assert run_async(come()) == 4007
    assert opened_screens(ward) == 0
    entry = Entry.objects.using("platform").get(tag="console.refused")
    assert (entry.outcome, entry.detail["code"]) == ("refused", "foreign")


def test_what_a_dead_process_left_open_is_closed_on_paper(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    issue(ward, row, key)
    long_ago = clock.now() - timedelta(minutes=10)
    ConsoleSession.objects.using("platform").update(opened_at=long_ago, updated_at=long_ago)
    assert consoles.consoles_settle() == 1
    assert console_of(row).end == "restart"


def test_nobody_has_more_consoles_open_than_one_may(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    for _ in range(5):
        issue(ward, row, key)
    with pytest.raises(TooManyConsoles):
        issue(ward, row, key)


def test_a_machine_that_does_not_run_has_no_console(ward: Ward) -> None:
    for status in ("stopped", "error", "deleting", "provisioning"):
        row = ward.deployment(f"web-{status}", status=status)
        with pytest.raises(ConsoleUnavailable):
            issue(ward, row, signed_in(person(ward)))
    assert not ConsoleSession.across_tenants.exists()


def test_who_may_not_operate_a_machine_gets_no_ticket(ward: Ward) -> None:
    row = ward.deployment()
    for role in ("projets", "dev"):
        with pytest.raises((Refused, NotFound)):
            issue(ward, row, signed_in(person(ward, role)), role=role)
    assert not ConsoleSession.across_tenants.exists()


def test_who_comes_without_a_web_session_gets_no_ticket(ward: Ward) -> None:
    with pytest.raises(Refused):
        issue(ward, ward.deployment(), "")


def test_a_session_that_was_renewed_is_another_one(ward: Ward) -> None:
    row, key = ward.deployment(), signed_in(person(ward))
    token = issue(ward, row, key)
    store = SessionStore(key)
    with transaction.atomic():
        store.cycle_key()
    assert looked(row, token, str(store.session_key)) == (False, 1008)


def test_a_system_actor_gets_no_ticket(ward: Ward) -> None:
    row = ward.deployment()
    actor = Actor.system("test", tenant_id=row.tenant_id)
    with tenant_scope(row.tenant_id), pytest.raises(Refused):
        consoles.console_request(actor=actor, deployment_id=row.pk, session_key="x")
