"""`make demo` and `make dev`: the whole of uHub on one machine, in the foreground, in one log."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.local import programs
from config.local.errors import LocalError, StopRequestedError
from config.local.name_server import DEMO_ZONE, PACKAGES, EmbeddedNameServer
from config.local.ports import HOST
from config.local.processes import LineLog, Program, Supervisor
from config.local.services import services_environment, state_prepare
from config.local.simulators import (
    SEEDING_SCALE,
    SimulatedCluster,
    simulated_clusters,
    time_scale,
)
from config.local.state import PROJECT_DIR, StateLock, state_dir, write_private
from portal.kernel.database.roles import DatabaseRolesError, database_is_migrated

SETTINGS = "config.settings.dev"
# In the range that uHub takes its numbers from: something to find out about.
STRANGER = {"node": "pve4", "name": "forgotten-test"}
ACCOUNTS = (
    ("uHub", "uHub-ADMIN", "first administrator; asks for a new password"),
    ("demo-admin", "demo-admin", "administrator of the platform and of the first tenant"),
    ("demo-support", "demo-support", "creates and operates virtual machines"),
    ("demo-ops", "demo-ops", "operations"),
    ("demo-dev", "demo-dev", "development"),
    ("demo-projets", "demo-projets", "project lead"),
    ("demo-viewer", "demo-viewer", "reads"),
)


class Demo:
    """One run of the demo on one state directory."""

    def __init__(self, folder: Path, ports: programs.Ports, *, has_reload: bool) -> None:
        self._folder = folder
        self._ports = ports
        self._has_reload = has_reload
        self._has_simulator = not os.environ.get("PROXMOX_URL")
        self._clusters: tuple[SimulatedCluster, ...] = ()
        self._names: EmbeddedNameServer | None = None
        self._log = LineLog()

    def run(self) -> None:
        """Bring everything up, stay until a signal, and end what was started.

        Raises LocalError when something does not come up or dies.
        """
        began = time.monotonic()
        state_prepare(self._folder)
        lock = StateLock(self._folder)
        lock.acquire(f"uHub on port {self._ports.web}")
        try:
            if not os.environ.get("NAME_SERVER_URL"):
                self._ports = self._ports.with_free_names(self._folder)
                self._names = EmbeddedNameServer.below(self._folder, port=self._ports.names)
            has_names = self._names is not None
            self._ports.check(with_simulator=self._has_simulator, with_names=has_names)
            if self._has_simulator:
                self._clusters = simulated_clusters(self._ports, self._folder)
            with Supervisor(self._log, inherited=(lock.descriptor,)) as supervisor:
                self._bring_up(supervisor)
                self._announce(time.monotonic() - began)
                supervisor.watch()
                self._log.write("uhub", "stopping")
        finally:
            lock.release()

    def _bring_up(self, supervisor: Supervisor) -> None:
        with self._phase("database and broker"):
            env = self._environment(supervisor)
        if self._clusters:
            with self._phase("simulators"):
                supervisor.start_all([cluster.program(env) for cluster in self._clusters])
        if self._names is not None:
            with self._phase("name server"):
                self._names.prepare()
                supervisor.start(self._names.program())
        self._prepare_data(supervisor, env)
        with self._phase("web, worker, scheduler"):
            supervisor.start_all(self._programs(env))

    def _environment(self, supervisor: Supervisor) -> dict[str, str]:
        """Return the environment of our processes; a copy in a private file serves `manage.py`."""
        found = services_environment(supervisor, self._folder)
        for cluster in self._clusters:
            found |= cluster.environment
        if self._names is not None:
            found |= self._names.environment
        found |= {"DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONUNBUFFERED": "1"}
        lines = (f"{name}='{value}'\n" for name, value in sorted(found.items()))
        write_private(self._folder / "demo.env", "".join(lines))
        return dict(os.environ) | found

    def _programs(self, env: dict[str, str]) -> list[Program]:
        reload = self._has_reload
        chosen = [
            programs.web(self._ports, env, has_reload=reload),
            programs.worker(env, has_reload=reload),
            programs.scheduler(self._folder, env, has_reload=reload),
        ]
        if self._clusters:
            chosen.append(programs.people(env))
        follower = programs.assets(env) if reload else None
        return [*chosen, follower] if follower else chosen

    def _prepare_data(self, supervisor: Supervisor, env: dict[str, str]) -> None:
        """Migrate and seed, unless exactly this code has already done so on this database.

        Clusters whose address changed since are only told their new one.
        """
        code, place = self._folder / "demo.stamp", self._folder / "demo.clusters"
        now, clusters = code_digest(env["DATABASE_URL"]), env["PROXMOX_URL"]
        clusters += "".join(f" {cluster.url}" for cluster in self._clusters)
        clusters += f" {self._names.url} {self._names.resolver}" if self._names else ""
        seed: tuple[str, ...] = ("seed_demo",)
        if most := os.environ.get("DEMO_MACHINES"):
            seed += ("--machines", most)
        phases: list[tuple[str, tuple[str, ...]]] = [
            ("migrate", ("migrate", "--database", "owner", "--noinput", "--verbosity", "0")),
            ("bootstrap", ("bootstrap",)),
        ]
        if _holds(code, now) and database_is_migrated(env["DATABASE_OWNER_URL"]):
            if _holds(place, clusters):
                return
            phases, seed = [], ("seed_demo", "--without-machines")
        code.unlink(missing_ok=True)
        for cluster in self._clusters:
            cluster.hurry(SEEDING_SCALE)
        for name, words in (*phases, ("seed", seed)):
            with self._phase(name):
                supervisor.run(Program(name=name, argv=programs.manage(*words), env=env))
        for cluster in self._clusters:
            cluster.hurry(time_scale())
        if self._clusters and phases:
            self._clusters[-1].stranger_appears(vmid=29_990, **STRANGER)
        place.write_text(clusters)
        code.write_text(now)

    def _announce(self, elapsed_s: float) -> None:
        width = max(len(name) for name, _, _ in ACCOUNTS)
        rows = [f"  {name:<{width}}  {word:<{width}}  {use}" for name, word, use in ACCOUNTS]
        heading = f"  {'user':<{width}}  {'password':<{width}}"
        self._log.write("uhub", f"everything is up after {elapsed_s:.1f} s; Ctrl-C ends it")
        ready = f"uHub is ready: {self._ports.url}"
        self._log.say("\n".join(["", ready, self._names_told(), "", heading, *rows, ""]))

    def _names_told(self) -> str:
        """Where names are asked for, or why nobody answers."""
        if self._names is not None:
            return f"Names: dig @{HOST} -p {self._names.port} <machine>.<organisation>.{DEMO_ZONE}"
        if os.environ.get("NAME_SERVER_URL"):
            return f"Names: {os.environ['NAME_SERVER_URL']}"
        return f"Names: none; {PACKAGES} are not installed"

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._log.write("uhub", f"{name}: {time.monotonic() - began:.1f} s")


def _holds(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def code_digest(database_url: str) -> str:
    """Return a digest of all our Python, the locked dependencies and the database's address."""
    digest = hashlib.sha256(database_url.encode())
    files = [PROJECT_DIR / "requirements.lock"]
    for folder in (*programs.SOURCES, "integrations"):
        files += sorted((PROJECT_DIR / folder).rglob("*.py"))
    for file in files:
        digest.update(f"{file.relative_to(PROJECT_DIR)}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def main() -> int:
    """Parse the command line and return the exit code: 0 after an orderly end."""
    parser = argparse.ArgumentParser(prog="python -m config.local.demo", description=__doc__)
    parser.add_argument("--reload", action="store_true", help="restart processes on changes")
    options = parser.parse_args()
    try:
        ports = programs.Ports.from_environment()
        Demo(state_dir(), ports, has_reload=options.reload).run()
    except StopRequestedError:
        return 130
    except (LocalError, DatabaseRolesError) as error:
        print(f"uHub: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
