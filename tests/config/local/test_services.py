from __future__ import annotations

import io
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.local.errors import LocalError, StateBusyError
from config.local.ports import HOST, remembered_port
from config.local.postgres import EmbeddedPostgres
from config.local.privileges import service_user, shelter_of
from config.local.processes import LineLog, Supervisor
from config.local.services import keys_environment, services_environment, state_prepare
from config.local.state import StateLock, secret, secret_file
from config.local.valkey import EmbeddedValkey
from tests.config.local.observation import processes_with, wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state directory that the service user can reach (pytest's own is private)."""
    place = Path(tempfile.mkdtemp(prefix="uhub-test-"))
    state_prepare(place)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(LineLog(io.StringIO())) as started:
        yield started


def start(supervisor: Supervisor, folder: Path, *, is_durable: bool = False) -> EmbeddedPostgres:
    server = EmbeddedPostgres.below(folder, is_durable=is_durable)
    server.prepare()
    supervisor.start(server.program())
    return server


def test_the_database_keeps_its_data_over_a_restart(folder: Path, supervisor: Supervisor) -> None:
    first = start(supervisor, folder)
    with psycopg.connect(first.admin_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    supervisor.stop()
    second = start(supervisor, folder)
    with psycopg.connect(second.admin_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert second.port == first.port


def test_a_committed_row_survives_kill_9_of_the_server(
    folder: Path, supervisor: Supervisor
) -> None:
    with Supervisor(LineLog(io.StringIO())) as doomed:
        server = start(doomed, folder, is_durable=True)
        with psycopg.connect(server.admin_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        note = (server.data_dir / "postmaster.pid").read_text()
        os.kill(int(note.split("\n", 1)[0]), signal.SIGKILL)
        wait_until(lambda: processes_with(str(server.data_dir)) == [])
    again = start(supervisor, folder, is_durable=True)
    with psycopg.connect(again.admin_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_demo_database_is_durable(folder: Path, supervisor: Supervisor) -> None:
    server = start(supervisor, folder, is_durable=True)
    with psycopg.connect(server.admin_url) as connection:
        names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
        found = {name: connection.execute(f"SHOW {name}").fetchone() for name in names}
    assert found == dict.fromkeys(names, ("on",))


def test_the_database_asks_for_a_password(folder: Path, supervisor: Supervisor) -> None:
    server = start(supervisor, folder)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=HOST, port=server.port, user="postgres", password="wrong")


def test_a_server_that_outlived_its_supervisor_is_ended_first(
    folder: Path, supervisor: Supervisor
) -> None:
    orphan = start(supervisor, folder)
    pid = int((orphan.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
    EmbeddedPostgres.below(folder, is_durable=False).prepare()
    assert pid not in processes_with(str(orphan.data_dir))


def test_a_stale_note_with_a_strangers_process_id_does_not_stop_the_start(
    folder: Path, supervisor: Supervisor
) -> None:
    server = EmbeddedPostgres.below(folder, is_durable=False)
    server.prepare()
    (server.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data_dir}\n")
    start(supervisor, folder)
    assert server.is_ready()


def test_data_of_another_release_is_refused_by_name(folder: Path) -> None:
    server = EmbeddedPostgres.below(folder, is_durable=False)
    server.prepare()
    (server.data_dir / "PG_VERSION").write_text("14\n")
    with pytest.raises(LocalError, match="was written by PostgreSQL 14, this is PostgreSQL 18"):
        server.prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows another user")
def test_services_of_root_run_as_nobody(folder: Path, supervisor: Supervisor) -> None:
    server = start(supervisor, folder)
    pid = (server.data_dir / "postmaster.pid").read_text().split()[0]
    assert Path(f"/proc/{pid}").stat().st_uid == service_user().uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows another user")
def test_below_a_private_folder_the_data_goes_to_a_shelter(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    state = private / "state"
    state_prepare(state)
    try:
        server = start(supervisor, state)
        assert server.data_dir == shelter_of(state) / "postgres"
        assert server.is_ready()
    finally:
        supervisor.stop()
        shutil.rmtree(shelter_of(state))


def test_the_broker_answers_and_keeps_its_password_out_of_sight(
    folder: Path, supervisor: Supervisor
) -> None:
    server = EmbeddedValkey.below(folder)
    child = supervisor.start(server.program())
    command = Path(f"/proc/{child.process.pid}/cmdline").read_bytes()
    assert server.is_ready()
    assert server.password.encode() not in command


def test_configured_services_replace_the_embedded_ones(
    folder: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_PLATFORM_URL", "DATABASE_DISPATCH_URL")
    for name in names:
        monkeypatch.setenv(name, f"postgresql://somebody@elsewhere/{name}")
    monkeypatch.setenv("BROKER_URL", "redis://elsewhere/3")
    monkeypatch.delenv("CACHE_URL", raising=False)
    found = services_environment(supervisor, folder)
    expected = {name: f"postgresql://somebody@elsewhere/{name}" for name in names}
    expected |= {"BROKER_URL": "redis://elsewhere/3", "CACHE_URL": "redis://elsewhere/3"}
    assert {name: found[name] for name in expected} == expected
    assert not (folder / "postgres").exists()


def test_half_a_configured_database_is_refused(
    folder: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_OWNER_URL", "DATABASE_PLATFORM_URL", "DATABASE_DISPATCH_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@elsewhere/uhub")
    with pytest.raises(LocalError, match="DATABASE_OWNER_URL, DATABASE_PLATFORM_URL, "):
        services_environment(supervisor, folder)


def test_keys_are_made_once_and_private(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "UHUB_MASTER_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    first = keys_environment(folder)
    assert keys_environment(folder) == first
    assert stat.S_IMODE(Path(first["UHUB_MASTER_KEY_FILE"]).stat().st_mode) == 0o600


def test_a_secret_is_the_same_at_the_second_look(folder: Path) -> None:
    assert secret(folder, "some") == secret(folder, "some")
    assert stat.S_IMODE(secret_file(folder, "some").stat().st_mode) == 0o600


def test_a_port_is_remembered(folder: Path) -> None:
    assert remembered_port(folder, "some") == remembered_port(folder, "some")


def test_the_holder_of_a_state_directory_is_named(folder: Path) -> None:
    holder, other = StateLock(folder), StateLock(folder)
    holder.acquire("uHub on port 8000")
    message = f"is in use by uHub on port 8000 .process {os.getpid()}."
    with pytest.raises(StateBusyError, match=message):
        other.acquire("somebody else")


def test_a_released_state_directory_can_be_taken(folder: Path) -> None:
    holder, other = StateLock(folder), StateLock(folder)
    holder.acquire("uHub on port 8000")
    holder.release()
    other.acquire("somebody else")
    assert other.holder() == (os.getpid(), "somebody else")
