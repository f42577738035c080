from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import ProgrammingError, connections, transaction

from audit.logic.masking import masked
from audit.models import Entry
from audit.services import trail
from portal.kernel import context
from portal.kernel.tenancy import PLATFORM_TENANT_ID, tenant_scope
from portal.models import User
from portal.tags import Tag
from tests.conftest import World


def test_entry_carries_actor_request_and_change(world: World) -> None:
    opened = context.RequestContext(request_id="r-1234567", address="192.0.2.1", channel="web")
    opened.actor = world.actor("ops")

    with context.request_context(opened), tenant_scope(world.north.id), transaction.atomic():
        trail.record(
            tag=Tag.USER_CHANGED,
            target=world.people["dev"],
            before={"theme": "dark"},
            after={"theme": "light"},
        )

    entry = Entry.across_tenants.get()
    assert (entry.tenant_id, entry.category, entry.tag, entry.outcome) == (
        world.north.id,
        "security",
        "user.changed",
        "success",
    )
    assert (entry.actor_kind, entry.actor_id, entry.actor_label) == (
        "user",
        world.people["ops"].pk,
        "ops-north",
    )
    assert (entry.target_type, entry.target_id) == ("portal.user", str(world.people["dev"].pk))
    assert (entry.before, entry.after) == ({"theme": "dark"}, {"theme": "light"})
    assert (entry.request_id, entry.address, entry.channel) == ("r-1234567", "192.0.2.1", "web")


def test_entry_without_a_tenant_is_the_platforms(world: World) -> None:
    trail.record(tag=Tag.USER_CHANGED)

    assert Entry.across_tenants.get().tenant_id == PLATFORM_TENANT_ID


def test_runtime_role_never_reads_the_platforms_entries(world: World) -> None:
    trail.record(tag=Tag.USER_CHANGED)

    with tenant_scope(world.north.id), transaction.atomic():
        assert Entry._base_manager.using("default").count() == 0


def test_entry_goes_with_its_change(world: World) -> None:
    with tenant_scope(world.north.id), transaction.atomic():
        trail.record(tag=Tag.USER_CHANGED)
        transaction.set_rollback(True)

    assert Entry.across_tenants.count() == 0


def test_unregistered_tag_cannot_be_recorded(world: World) -> None:
    with pytest.raises(KeyError):
        trail.record(tag="never.registered")


def test_refusals_are_written_after_the_rollback(world: World) -> None:
    opened = context.RequestContext()
    with context.request_context(opened), tenant_scope(world.north.id), transaction.atomic():
        trail.refuse(tag=Tag.SIGN_IN_FAILED, detail={"why": "test"})
        transaction.set_rollback(True)

    trail.refusals_write(opened)

    entry = Entry.across_tenants.get()
    assert (entry.tenant_id, entry.outcome, entry.detail) == (
        world.north.id,
        "refused",
        {"why": "test"},
    )
    assert opened.refusals == []


@pytest.mark.parametrize("alias", ["default", "platform", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET tag = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_seal SET number = 9",
        "DELETE FROM audit_seal",
        "TRUNCATE audit_seal",
    ],
)
def test_nobody_changes_or_removes_a_row(
    world: World, write, seal, alias: str, statement: str
) -> None:
    write(world.north.id)
    seal(1)

    with (
        tenant_scope(world.north.id),
        transaction.atomic(using=alias),
        connections[alias].cursor() as cursor,
    ):
        if alias == "owner":
            cursor.execute("SET LOCAL app.truncate_allowed = off")
            cursor.execute("ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE audit_seal NO FORCE ROW LEVEL SECURITY")
        with pytest.raises(ProgrammingError, match=r"permission denied|append-only"):
            cursor.execute(statement)
        transaction.set_rollback(True, using=alias)

    assert Entry.across_tenants.count() == 1


def test_number_hash_and_transaction_cannot_be_chosen(world: World) -> None:
    with tenant_scope(world.north.id), transaction.atomic():
        Entry.objects.create(
            tenant_id=world.north.id,
            category="security",
            tag="user.changed",
            outcome="success",
            actor_kind="user",
            actor_label="mallory",
            channel="web",
            seq=7,
            xid=7,
            row_hash="f" * 64,
        )

    entry = Entry.across_tenants.get()
    assert entry.seq != 7
    assert entry.xid != 7
    assert entry.row_hash != "f" * 64


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": "x"}, {"password": "***"}),
        ({"api_token": "x", "token_id": "a"}, {"api_token": "***", "token_id": "a"}),
        ({"nested": [{"client_secret": "x"}]}, {"nested": [{"client_secret": "***"}]}),
        ({"ssh_key": "x", "monkey": "y"}, {"ssh_key": "***", "monkey": "y"}),
        ({"password": None}, {"password": None}),
        ({"must_change_password": True}, {"must_change_password": True}),
        ({"key": "x", "keys": "y"}, {"key": "***", "keys": "***"}),
        (
            {"at": datetime(2026, 1, 2, tzinfo=UTC), "price": Decimal("1.20")},
            {"at": "2026-01-02T00:00:00+00:00", "price": "1.20"},
        ),
    ],
)
def test_secrets_never_reach_an_entry(given: dict, kept: dict) -> None:
    assert masked(given) == kept


def test_masking_of_users_shows_no_hash(world: World) -> None:
    user = User.objects.get(username="dev-north")

    assert masked({"password": user.password, "name": user.username}) == {
        "password": "***",
        "name": "dev-north",
    }
