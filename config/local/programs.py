"""uHub's own processes as the supervisor starts them on one machine."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from config.local.errors import LocalError
from config.local.ports import HOST, is_free, remembered_port
from config.local.processes import Program
from config.local.state import PROJECT_DIR

SOURCES = ("config", "portal", "provisioning", "projects", "incidents", "billing", "audit")
NAMES_BEHIND = 10
WATCHED = (*SOURCES, "integrations", "templates")


@dataclass(frozen=True)
class Ports:
    """Where the demo listens, always on the loopback interface."""

    web: int
    simulator: int
    names: int = 0

    @classmethod
    def from_environment(cls) -> Ports:
        """Read PORT, SIMULATOR_PORT and DNS_PORT. Raises LocalError naming the wrong one."""
        simulator = _port("SIMULATOR_PORT", 8006)
        names = _port("DNS_PORT", min(simulator + NAMES_BEHIND, 65534))
        return cls(web=_port("PORT", 8000), simulator=simulator, names=names)

    def with_free_names(self, folder: Path) -> Ports:
        """Return them with another port for names, where nobody chose one and the usual one is taken."""
        if os.environ.get("DNS_PORT") or is_free(self.names):
            return self
        return replace(self, names=remembered_port(folder, "name-server"))

    @property
    def control(self) -> int:
        """The simulator's control port, the next number."""
        return self.simulator + 1

    @property
    def url(self) -> str:
        """Where a browser goes."""
        return f"http://{HOST}:{self.web}"

    def check(self, *, with_simulator: bool, with_names: bool = False) -> None:
        """Refuse ports that somebody else listens on. Raises LocalError naming the variable."""
        wanted = {"PORT": [self.web]}
        if with_simulator:
            wanted["SIMULATOR_PORT"] = [self.simulator, self.control]
        if with_names:
            wanted["DNS_PORT"] = [self.names]
        numbers = [number for some in wanted.values() for number in some]
        if len(set(numbers)) < len(numbers):
            raise LocalError("PORT, SIMULATOR_PORT, the next one and DNS_PORT must be different.")
        for variable, some in wanted.items():
            for number in some:
                if not is_free(number):
                    raise LocalError(f"port {number} is in use: choose another {variable}.")


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65535:
        raise LocalError(f"{variable} must be a port number, not {text!r}.")
    return int(text)


def manage(*words: str) -> list[str]:
    """Return the command line of one management command."""
    return [sys.executable, str(PROJECT_DIR / "manage.py"), *words]


def web(ports: Ports, env: dict[str, str], *, has_reload: bool) -> Program:
    """Return the web server; open live streams must not hold up its end."""
    options = ["--host", HOST, "--port", str(ports.web), "--timeout-graceful-shutdown", "3"]
    options += ["--no-access-log", "--no-server-header"]
    if has_reload:
        options += ["--reload", "--reload-include", "*.html"]
        options += [word for folder in _watched() for word in ("--reload-dir", folder)]
    return Program(
        name="web",
        argv=[sys.executable, "-m", "uvicorn", "config.asgi:application", *options],
        env=env,
        is_revived=True,
        is_ready=lambda: _answers(f"{ports.url}/readyz", fallback=f"{ports.url}/healthz"),
        ready_timeout_s=90,
    )


def worker(env: dict[str, str], *, has_reload: bool) -> Program:
    """Return the worker; gossip and mingle are chatter that has stalled consumers before."""
    options = ["-P", "threads", "-c", "16", "--loglevel", "INFO"]
    options += ["--without-gossip", "--without-mingle"]
    return Program(
        name="worker",
        argv=_celery(["worker", *options], has_reload=has_reload),
        env=env,
        is_revived=True,
        ready_text="ready.",
        ready_timeout_s=90,
        stop_timeout_s=15,
    )


def scheduler(folder: Path, env: dict[str, str], *, has_reload: bool) -> Program:
    """Return the scheduler; its file is a cache, and made anew it shows that it runs."""
    schedule = folder / "celerybeat-schedule"
    for remains in folder.glob(f"{schedule.name}*"):
        remains.unlink()
    options = ["--schedule", str(schedule), "--pidfile", "", "--loglevel", "INFO"]
    return Program(
        name="scheduler",
        argv=_celery(["beat", *options], has_reload=has_reload),
        env=env,
        is_revived=True,
        is_ready=lambda: any(folder.glob(f"{schedule.name}*")),
    )


def people(env: dict[str, str]) -> Program:
    """Return the demo's cast at work: now and then somebody does something."""
    return Program(name="people", argv=manage("demo_life"), env=env, is_revived=True)


def assets(env: dict[str, str]) -> Program | None:
    """Return the asset builder that follows changes, where node is there to run it."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    return Program(name="assets", argv=[npm, "run", "--silent", "watch"], env=env)


def _celery(words: list[str], *, has_reload: bool) -> list[str]:
    """Return a Celery command without its banner, and without its warning to root."""
    python = [sys.executable, "-W", "ignore:You're running the worker"]
    command = [*python, "-m", "celery", "-A", "config", "--quiet", *words]
    if not has_reload:
        return command
    watcher = [sys.executable, "-m", "watchfiles", "--filter", "python"]
    return [*watcher, shlex.join(command), *_watched()]


def _watched() -> list[str]:
    return [folder for folder in WATCHED if (PROJECT_DIR / folder).is_dir()]


def _answers(url: str, *, fallback: str) -> bool:
    """Tell whether `url` answers 200; `fallback` is asked where there is no such page."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
            return True
    except urllib.error.HTTPError as error:
        return error.code == 404 and bool(fallback) and _answers(fallback, fallback="")
    except OSError:
        return False
