"""Throw-away services for the tests: `python -m config.local.testing -- pytest …`.

`--serve` keeps them running and writes their environment to a file, for people who run tests
often. Each shell that reads the file gets a database and broker numbers of its own, so that test
runs side by side do not meet.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from config.local.errors import LocalError, StopRequestedError
from config.local.privileges import shelter_of
from config.local.processes import LineLog, Supervisor
from config.local.services import services_environment, state_prepare
from config.local.state import StateLock, state_dir, write_private

SETTINGS = "config.settings.test"
NEVER_IN_TESTS = ("PROXMOX_URL", "VAULT_ADDR", "EMAIL_URL", "STORAGE_URL")


def services_folder() -> Path:
    """Make a folder for one test run that the service user can reach whatever TMPDIR says."""
    return Path(tempfile.mkdtemp(prefix="uhub-test-"))


def test_environment(found: dict[str, str]) -> dict[str, str]:
    """Return the environment of a test run: the services, and nothing of a real installation."""
    kept = {name: value for name, value in os.environ.items() if name not in NEVER_IN_TESTS}
    return kept | found | {"DJANGO_SETTINGS_MODULE": SETTINGS}


def command_run(argv: list[str]) -> int:
    """Run `argv` with services of its own, remove every trace of them, return its exit code."""
    folder = services_folder()
    try:
        state_prepare(folder)
        with Supervisor(LineLog(sys.stderr)) as supervisor:
            found = services_environment(supervisor, folder, is_durable=False)
            return supervisor.run_in_foreground(argv, test_environment(found))
    finally:
        _remove(folder)


def services_serve(folder: Path, environment_file: Path) -> None:
    """Keep services running until a signal, their environment in `environment_file` meanwhile."""
    state_prepare(folder)
    lock = StateLock(folder)
    lock.acquire("the test services")
    log = LineLog()
    try:
        with Supervisor(log, inherited=(lock.descriptor,)) as supervisor:
            found = services_environment(supervisor, folder, is_durable=False)
            write_private(environment_file, shell_environment(found))
            log.write("uhub", f"test services are ready: set -a; . {environment_file}")
            supervisor.watch()
    finally:
        environment_file.unlink(missing_ok=True)
        lock.release()


def shell_environment(found: dict[str, str]) -> str:
    """Return lines for a shell to read; its process id gives it its own part of the services."""
    lines = ["UHUB_TEST_SHELL=${BASHPID:-$$}\n"]
    for name, value in sorted((found | {"DJANGO_SETTINGS_MODULE": SETTINGS}).items()):
        own = value
        if name.startswith("DATABASE_"):
            own = f"{value}_$UHUB_TEST_SHELL"
        elif name in {"BROKER_URL", "CACHE_URL"}:
            base, _, number = value.rpartition("/")
            own = f"{base}/$(( UHUB_TEST_SHELL % 31 * 2 + 2 + {number} ))"
        lines.append(f'{name}="{own}"\n')
    return "".join(lines)


def _remove(folder: Path) -> None:
    for place in (folder, shelter_of(folder)):
        shutil.rmtree(place, ignore_errors=True)


def main() -> int:
    """Parse the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.local.testing", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="keep the services running")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- the command to run")
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not options.serve and not command:
        parser.error("give a command after -- or --serve")
    try:
        if options.serve:
            services_serve(state_dir() / "testing", state_dir() / "testing.env")
            return 0
        return command_run(command)
    except StopRequestedError:
        return 130
    except LocalError as error:
        print(f"uHub: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
