"""PowerDNS of the machine, where Debian's packages are installed: names that `dig` can ask for.

It answers on the loopback interface alone, keeps its zones in one SQLite file below the state directory
and runs as the unprivileged user of the other embedded services.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from config.local.ports import HOST, remembered_port
from config.local.privileges import ServiceUser, reachable_folder, service_user
from config.local.processes import Program
from config.local.state import secret, write_private

DEMO_ZONE = "demo.uhub.local"
PACKAGES = "pdns-server and pdns-backend-sqlite3"
_SCHEMAS = (
    Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"),
    Path("/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql"),
    Path("/usr/share/doc/pdns/schema.sqlite3.sql"),
)


@dataclass(frozen=True)
class EmbeddedNameServer:
    """One server with its ports, its key and its folder."""

    port: int
    api_port: int
    key: str
    user: ServiceUser
    binary: str
    folder: Path

    @classmethod
    def below(cls, state_dir: Path, *, port: int) -> EmbeddedNameServer | None:
        """Return the server that belongs to `state_dir`; None where the packages are missing."""
        binary = shutil.which("pdns_server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if binary is None or _schema() is None:
            return None
        user = service_user()
        return cls(
            port=port,
            api_port=remembered_port(state_dir, "name-server-api"),
            key=secret(state_dir, "name_server_key"),
            user=user,
            binary=binary,
            folder=reachable_folder(state_dir, user) / "name-server",
        )

    @property
    def url(self) -> str:
        """Where its API answers."""
        return f"http://{HOST}:{self.api_port}"

    @property
    def resolver(self) -> str:
        """Where it answers questions."""
        return f"{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads uHub to it."""
        return {
            "NAME_SERVER_URL": self.url,
            "NAME_SERVER_KEY": self.key,
            "NAME_SERVER_RESOLVER": self.resolver,
        }

    def prepare(self) -> None:
        """Write its settings and, the first time, its empty database."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        database, settings = self.folder / "zones.sqlite3", self.folder / "pdns.conf"
        if not database.exists():
            schema = _schema()
            assert schema is not None
            connection = sqlite3.connect(database)
            try:
                connection.executescript(schema.read_text("utf-8"))
            finally:
                connection.close()
        write_private(settings, self._settings(database))
        for path in (self.folder, database, settings):
            self.user.own(path)

    def program(self) -> Program:
        """Return the server as a child; its key is in a private file, out of sight of `ps`."""
        return Program(
            name="name-server",
            argv=self.user.command([self.binary, f"--config-dir={self.folder}"]),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            cwd=Path("/"),
            is_ready=self.is_ready,
            is_revived=True,
            is_quiet=True,
        )

    def is_ready(self) -> bool:
        """Tell whether the API knows our key and answers."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/api/v1/servers/localhost", headers={"X-API-Key": self.key}
        )
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _settings(self, database: Path) -> str:
        lines = {
            "launch": "gsqlite3",
            "gsqlite3-database": str(database),
            "local-address": HOST,
            "local-port": str(self.port),
            "socket-dir": str(self.folder),
            "webserver": "yes",
            "webserver-address": HOST,
            "webserver-port": str(self.api_port),
            "webserver-allow-from": HOST,
            "api": "yes",
            "api-key": self.key,
            "cache-ttl": "0",
            "query-cache-ttl": "0",
            "negquery-cache-ttl": "0",
            "zone-cache-refresh-interval": "0",
            "security-poll-suffix": "",
            "version-string": "anonymous",
            "receiver-threads": "1",
            "distributor-threads": "1",
            "loglevel": "3",
            "disable-syslog": "yes",
            "daemon": "no",
            "guardian": "no",
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


def _schema() -> Path | None:
    return next((path for path in _SCHEMAS if path.is_file()), None)
