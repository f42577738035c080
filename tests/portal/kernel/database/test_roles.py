from __future__ import annotations

import io
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from config.local.postgres import EmbeddedPostgres
from config.local.processes import LineLog, Supervisor
from config.local.services import state_prepare
from config.local.state import PROJECT_DIR
from portal.kernel.database.roles import (
    VARIABLES,
    DatabaseRolesError,
    check_version,
    database_roles_create,
)

ROLES = sorted(VARIABLES.values())


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="uhub-test-"))
    state_prepare(place)
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def admin_url(folder: Path) -> Iterator[str]:
    with Supervisor(LineLog(io.StringIO())) as supervisor:
        server = EmbeddedPostgres.below(folder, is_durable=False)
        server.prepare()
        supervisor.start(server.program())
        yield server.admin_url


@pytest.fixture
def password_file(folder: Path) -> Path:
    return folder / "passwords.json"


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def test_each_url_belongs_to_its_role(admin_url: str, password_file: Path) -> None:
    urls = database_roles_create(admin_url=admin_url, password_file=password_file)
    found = {name: query(url, "SELECT current_user::text")[0][0] for name, url in urls.items()}
    assert found == VARIABLES


def test_no_role_is_privileged(admin_url: str, password_file: Path) -> None:
    database_roles_create(admin_url=admin_url, password_file=password_file)
    found = query(
        admin_url,
        "SELECT rolname::text, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin "
        "FROM pg_roles WHERE rolname LIKE 'uhub%' ORDER BY 1",
    )
    assert found == [(role, False, False, False, False, True) for role in ROLES]


def test_a_second_run_changes_no_url(admin_url: str, password_file: Path) -> None:
    first = database_roles_create(admin_url=admin_url, password_file=password_file)
    assert database_roles_create(admin_url=admin_url, password_file=password_file) == first


def test_a_role_that_was_raised_is_brought_back(admin_url: str, password_file: Path) -> None:
    database_roles_create(admin_url=admin_url, password_file=password_file)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("ALTER ROLE uhub_runtime SUPERUSER BYPASSRLS")
    database_roles_create(admin_url=admin_url, password_file=password_file)
    statement = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'uhub_runtime'"
    assert query(admin_url, statement) == [(False, False)]


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_PLATFORM_URL"])
def test_only_the_owner_may_create_tables(
    admin_url: str, password_file: Path, variable: str
) -> None:
    urls = database_roles_create(admin_url=admin_url, password_file=password_file)
    with (
        psycopg.connect(urls[variable]) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE public.forbidden ()")


def test_the_owner_owns_database_and_schema(admin_url: str, password_file: Path) -> None:
    urls = database_roles_create(admin_url=admin_url, password_file=password_file)
    statement = (
        "SELECT pg_get_userbyid(datdba)::text, pg_get_userbyid(nspowner)::text "
        "FROM pg_database, pg_namespace WHERE datname = 'uhub' AND nspname = 'public'"
    )
    assert query(urls["DATABASE_OWNER_URL"], statement) == [("uhub_owner", "uhub_owner")]


def test_a_managed_server_without_superuser_is_enough(
    admin_url: str, password_file: Path, folder: Path
) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for database in ("uhub", "uhub_command"):
            connection.execute(f"DROP DATABASE IF EXISTS {database}")  # type: ignore[arg-type]
        for role in ROLES:
            connection.execute(f"DROP ROLE IF EXISTS {role}")  # type: ignore[arg-type]
        connection.execute("CREATE ROLE manager LOGIN CREATEROLE CREATEDB PASSWORD 'manager'")
    url = f"postgresql://manager:manager@{admin_url.rpartition('@')[2]}"
    urls = database_roles_create(admin_url=url, password_file=password_file)
    owner = urls["DATABASE_OWNER_URL"]
    assert query(owner, "SELECT has_schema_privilege('public', 'CREATE')") == [(True,)]
    assert database_roles_create(admin_url=url, password_file=password_file) == urls


def test_passwords_are_kept_in_a_private_file(admin_url: str, password_file: Path) -> None:
    database_roles_create(admin_url=admin_url, password_file=password_file)
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600


def test_an_old_server_is_refused() -> None:
    connection = SimpleNamespace(info=SimpleNamespace(server_version=140011))
    with pytest.raises(DatabaseRolesError, match="PostgreSQL 14 is too old"):
        check_version(connection)  # type: ignore[arg-type]


def test_a_server_that_is_not_there_is_reported(password_file: Path) -> None:
    with pytest.raises(DatabaseRolesError, match="the database server refused"):
        database_roles_create(
            admin_url="postgresql://nobody@127.0.0.1:1/none", password_file=password_file
        )


def test_the_command_prints_what_the_environment_needs(admin_url: str, folder: Path) -> None:
    command = [sys.executable, "manage.py", "db_roles", "--url", admin_url]
    command += ["--passwords", str(folder / "command.json"), "--database", "uhub_command"]
    answer = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    lines = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    assert list(lines) == list(VARIABLES)
    assert query(lines["DATABASE_URL"], "SELECT current_database()::text") == [("uhub_command",)]
