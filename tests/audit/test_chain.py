from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from audit.models import Entry, Seal
from audit.services import trail, verifier
from audit.services.sealer import entries_seal
from audit.services.verifier import entries_verify
from portal.kernel.tenancy import tenant_scope
from portal.tags import Tag
from tests.conftest import World


@pytest.fixture
def chain(world: World, write, seal) -> list[Entry]:
    """Four entries of one tenant under two seals, one of another."""
    entries = [write(world.north.id, f"n{i}", detail={"n": i, "ä": None}) for i in range(2)]
    seal(2)
    entries += [write(world.north.id, f"n{i}") for i in range(2, 4)]
    write(world.south.id, "s0")
    seal(3)
    return entries


def findings(world: World) -> list[tuple[str, str]]:
    (report,) = entries_verify(tenant_id=world.north.id)
    return [(finding.kind, finding.message) for finding in report.findings]


def name(entry: Entry) -> str:
    return f"entry {entry.pk} (number {entry.seq}, user.changed)"


def test_untouched_audit_stands(world: World, chain: list[Entry]) -> None:
    out = StringIO()

    call_command("verify_audit", stdout=out)

    assert "The audit stands: 5 entries, 5 sealed, 0 not yet, 3 seals." in out.getvalue()


def test_seals_point_to_one_another_per_tenant(world: World, chain: list[Entry]) -> None:
    first, second = Seal.across_tenants.filter(tenant_id=world.north.id)

    assert (first.number, first.entry_count, first.previous_hash) == (1, 2, "")
    assert (second.number, second.entry_count, second.previous_hash) == (2, 2, first.seal_hash)


def test_sealing_twice_does_the_work_once(world: World, chain: list[Entry]) -> None:
    assert entries_seal().entries == 0


def test_changed_row_is_named(world: World, chain: list[Entry], tampered) -> None:
    tampered(f"UPDATE audit_entry SET actor_label = 'nobody' WHERE id = '{chain[1].pk}'")

    assert findings(world) == [
        ("changed", f"{name(chain[1])} was changed: its content does not give its hash")
    ]


def test_changed_row_with_a_fitting_hash_is_named(
    world: World, chain: list[Entry], tampered
) -> None:
    tampered(
        f"UPDATE audit_entry SET tag = tag, row_hash = '{'0' * 64}' WHERE id = '{chain[1].pk}'"
    )

    row = next(r for r in verifier._rows(world.north.id)[world.north.id] if r.stored == "0" * 64)
    tampered(
        f"UPDATE audit_entry SET outcome = 'failed' WHERE id = '{row.entry_id}'",
    )
    row = next(r for r in verifier._rows(world.north.id)[world.north.id] if r.stored == "0" * 64)
    tampered(f"UPDATE audit_entry SET row_hash = '{row.computed}' WHERE id = '{row.entry_id}'")

    assert findings(world) == [
        ("changed", f"{name(chain[1])} was changed: it was sealed with another hash")
    ]


def test_transaction_numbers_are_ordered_as_numbers(world: World, write, seal, tampered) -> None:
    for xid, label in ((999, "first"), (1000, "second")):
        entry = write(world.north.id, label)
        tampered(f"UPDATE audit_entry SET xid = {xid} WHERE id = '{entry.pk}'")
        row = next(r for r in verifier._rows(world.north.id)[world.north.id] if r.xid == xid)
        tampered(f"UPDATE audit_entry SET row_hash = '{row.computed}' WHERE id = '{entry.pk}'")

    seal(2)

    assert findings(world) == []


def test_removed_row_is_named(world: World, chain: list[Entry], tampered) -> None:
    tampered(f"DELETE FROM audit_entry WHERE id = '{chain[2].pk}'")

    assert findings(world) == [("removed", f"entry {chain[2].pk} was removed")]


def test_added_row_is_named(world: World, chain: list[Entry], write, tampered) -> None:
    added = write(world.north.id, "late")
    tampered(f"UPDATE audit_entry SET xid = {chain[1].xid} WHERE id = '{added.pk}'")

    kinds = findings(world)

    assert ("added", f"{name(added)} was added after its time was sealed") in kinds


def test_reordered_rows_are_named(world: World, chain: list[Entry], tampered) -> None:
    first, second = chain[2], chain[3]
    tampered(
        f"UPDATE audit_entry SET xid = {second.xid} WHERE id = '{first.pk}'",
        f"UPDATE audit_entry SET xid = {first.xid} WHERE id = '{second.pk}'",
    )

    assert [message for kind, message in findings(world) if kind == "reordered"] == [
        f"{name(second)} was moved: it now stands at place 3",
        f"{name(first)} was moved: it now stands at place 4",
    ]


def test_changed_seal_is_named(world: World, chain: list[Entry], tampered) -> None:
    tampered(
        f"UPDATE audit_seal SET to_xid = to_xid + 1 WHERE tenant_id = '{world.north.id}' AND number = 1"
    )

    assert findings(world) == [("changed", "seal 1 was changed")]


def test_removed_seal_is_named(world: World, chain: list[Entry], tampered) -> None:
    tampered(f"DELETE FROM audit_seal WHERE tenant_id = '{world.north.id}' AND number = 1")

    assert ("removed", "seal 1 was removed") in findings(world)


def test_command_fails_and_names_the_row(world: World, chain: list[Entry], tampered) -> None:
    tampered(f"DELETE FROM audit_entry WHERE id = '{chain[2].pk}'")
    out = StringIO()

    with pytest.raises(CommandError, match="broken in 1 places"):
        call_command("verify_audit", tenant=world.north.id, stdout=out)

    assert f"removed: entry {chain[2].pk} was removed" in out.getvalue()


def test_other_tenants_chain_is_not_touched_by_a_break(
    world: World, chain: list[Entry], tampered
) -> None:
    tampered(f"DELETE FROM audit_entry WHERE id = '{chain[2].pk}'")

    (report,) = entries_verify(tenant_id=world.south.id)
    assert (report.entries, report.findings) == (1, [])


def test_open_transaction_is_not_sealed_over(world: World, write, seal) -> None:
    """An entry that commits after a later one was written still finds its place in a seal."""
    is_written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with tenant_scope(world.north.id), transaction.atomic():
            trail.record(tag=Tag.USER_CHANGED, target_label="slow")
            is_written.set()
            may_commit.wait(30)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    is_written.wait(30)
    write(world.north.id, "quick")
    assert entries_seal().entries == 0
    may_commit.set()
    thread.join()

    seal(2)

    (report,) = entries_verify(tenant_id=world.north.id)
    assert (report.entries, report.unsealed, report.findings) == (2, 0, [])


def test_two_sealers_at_once_make_one_seal(world: World, write) -> None:
    write(world.north.id)

    def run() -> None:
        entries_seal()
        connections["platform"].close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while entries_verify(tenant_id=world.north.id)[0].unsealed:
        entries_seal()

    (report,) = entries_verify(tenant_id=world.north.id)
    assert (report.seals, report.findings) == (1, [])
