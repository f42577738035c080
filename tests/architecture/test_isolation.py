from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, connections, transaction

from audit.models import Entry
from audit.services import trail
from portal.kernel.rls_tables import TABLES, TableKind
from portal.kernel.tenancy import tenant_scope
from portal.services.isolation import isolation_verify
from portal.tags import Tag
from tests.conftest import World

pytestmark = pytest.mark.django_db(
    transaction=True, databases=("default", "owner", "platform", "dispatch")
)


@pytest.fixture
def broken() -> Iterator[Callable[[str, str], None]]:
    """Breaks the schema as its owner, and repairs it afterwards."""
    repairs: list[str] = []

    def _broken(statement: str, repair: str) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute(statement)
        repairs.append(repair)

    yield _broken
    with connections["owner"].cursor() as cursor:
        for repair in reversed(repairs):
            cursor.execute(repair)


def outcomes(table: str) -> dict[str, str]:
    return next(proof.outcomes for proof in isolation_verify().proofs if proof.table == table)


def test_tests_run_as_the_runtime_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("uhub_runtime", False, False)


def test_isolation_holds_in_every_table() -> None:
    report = isolation_verify()

    tenant_tables = {name for name, kind in TABLES.items() if kind is not TableKind.PLATFORM}
    assert (report.faults, [p for p in report.proofs if not p.is_proven]) == ([], [])
    assert {proof.table for proof in report.proofs} == tenant_tables


def test_proof_leaves_nothing_behind(world: World) -> None:
    before = Entry.across_tenants.count()

    isolation_verify()

    assert Entry.across_tenants.count() == before


def test_command_prints_the_table_and_passes() -> None:
    out = StringIO()

    call_command("verify_isolation", stdout=out)

    assert "Isolation holds in all" in out.getvalue()
    assert "portal_operation " in out.getvalue()


def test_open_policy_is_found(broken: Callable[[str, str], None]) -> None:
    broken(
        "CREATE POLICY hole ON billing_quotausage TO uhub_runtime USING (true) WITH CHECK (true)",
        "DROP POLICY hole ON billing_quotausage",
    )

    report = isolation_verify()

    assert report.faults == [
        "table billing_quotausage has an unknown policy 'hole' for the runtime role"
    ]
    assert outcomes("billing_quotausage") == {
        "no tenant": "rows are visible",
        "read": "rows of others are visible",
        "insert": "a row can be given to others",
        "update": "a row of others was changed",
        "delete": "ok",  # the runtime role holds no DELETE there
        "reference": "-",
    }


def test_missing_policy_is_found(broken: Callable[[str, str], None]) -> None:
    predicate = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
    broken(
        "DROP POLICY tenant ON billing_quotausage",
        f"CREATE POLICY tenant ON billing_quotausage TO uhub_runtime USING ({predicate}) "
        f"WITH CHECK ({predicate})",
    )

    assert "table billing_quotausage lacks its policy 'tenant'" in isolation_verify().faults


def test_disabled_security_is_found_by_the_command(broken: Callable[[str, str], None]) -> None:
    broken(
        "ALTER TABLE billing_quotausage DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE billing_quotausage ENABLE ROW LEVEL SECURITY",
    )
    out = StringIO()

    with pytest.raises(CommandError, match="1 faults in the catalog, 1 tables"):
        call_command("verify_isolation", stdout=out)

    assert "billing_quotausage, read: rows of others are visible" in out.getvalue()


def test_security_that_is_not_forced_is_found(broken: Callable[[str, str], None]) -> None:
    broken(
        "ALTER TABLE billing_quotausage NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE billing_quotausage FORCE ROW LEVEL SECURITY",
    )

    assert isolation_verify().faults == [
        "table billing_quotausage does not force row-level security"
    ]


def test_policy_with_a_way_around_is_found(broken: Callable[[str, str], None]) -> None:
    plain = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
    bypass = f"current_setting('app.bypass', true) = 'on' OR {plain}"
    broken(
        f"ALTER POLICY tenant ON billing_quotausage USING ({bypass})",
        f"ALTER POLICY tenant ON billing_quotausage USING ({plain})",
    )

    (fault,) = isolation_verify().faults
    assert fault.startswith("policy tenant of billing_quotausage does not compare the tenant alone")


def test_simple_foreign_key_between_tenants_tables_is_found(
    broken: Callable[[str, str], None],
) -> None:
    composite = (
        "ADD CONSTRAINT portal_operationattempt_operation_id_tenant_fk FOREIGN KEY "
        "(tenant_id, operation_id) REFERENCES portal_operation (tenant_id, id)"
    )
    broken(
        "ALTER TABLE portal_operationattempt "
        "DROP CONSTRAINT portal_operationattempt_operation_id_tenant_fk",
        f"ALTER TABLE portal_operationattempt {composite}",
    )
    broken(
        "ALTER TABLE portal_operationattempt ADD CONSTRAINT simple FOREIGN KEY (operation_id) "
        "REFERENCES portal_operation (id)",
        "ALTER TABLE portal_operationattempt DROP CONSTRAINT simple",
    )

    assert isolation_verify().faults == [
        "foreign key simple of portal_operationattempt does not carry the tenant"
    ]


def test_unlisted_table_is_found(broken: Callable[[str, str], None]) -> None:
    broken("CREATE TABLE forgotten (id int, tenant_id uuid)", "DROP TABLE forgotten")

    assert isolation_verify().faults == ["table forgotten is not listed in portal/kernel/rls.py"]


def test_view_with_its_owners_eyes_is_found(broken: Callable[[str, str], None]) -> None:
    broken("CREATE VIEW peephole AS SELECT * FROM billing_quotausage", "DROP VIEW peephole")
    broken("GRANT SELECT ON peephole TO uhub_runtime", "REVOKE ALL ON peephole FROM uhub_runtime")

    assert isolation_verify().faults == ["view peephole runs with its owner's eyes"]


def test_system_check_says_the_same(broken: Callable[[str, str], None]) -> None:
    broken("CREATE TABLE forgotten (id int)", "DROP TABLE forgotten")

    messages = checks.run_checks(tags=["database"], databases=["default"])

    assert [(m.id, m.msg) for m in messages] == [
        ("portal.E001", "table forgotten is not listed in portal/kernel/rls.py")
    ]


@pytest.mark.parametrize("process", ["web", "worker"])
def test_process_refuses_to_start_as_the_owner(process: str) -> None:
    program = {
        "web": "import config.asgi",
        "worker": (
            "import django; django.setup()\n"
            "from celery.signals import worker_init\n"
            "worker_init.send(sender=None)"
        ),
    }[process]
    owner = os.environ["DATABASE_OWNER_URL"].rsplit("/", 1)[0]
    name = connections["owner"].settings_dict["NAME"]

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"DATABASE_URL": f"{owner}/{name}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode != 0
    assert "DATABASE_URL must name the runtime role: role uhub_owner owns tables." in done.stderr


def test_no_tenant_in_scope_is_no_rows(world: World) -> None:
    with tenant_scope(world.north.id), transaction.atomic():
        trail.record(tag=Tag.USER_CHANGED)

    with transaction.atomic():
        assert Entry._base_manager.using("default").count() == 0


def test_runtime_role_cannot_make_itself_an_administrator(world: World) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE portal_user SET is_platform_admin = true")


@pytest.mark.parametrize("table", ["portal_role", "portal_membership", "portal_setting"])
def test_runtime_role_cannot_give_itself_rights(world: World, table: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DELETE FROM {table}")
