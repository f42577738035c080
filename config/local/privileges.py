"""The unprivileged user that embedded services run as, and folders which that user can reach.

PostgreSQL refuses to run as root. Creating a system user for a demo would leave a trace on the
machine, so root borrows an existing one through `setpriv`; everybody else runs the services as
themselves.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.local.errors import LocalError

NOBODY_ID = 65534
PLACES = Path("/var/tmp")  # noqa: S108 - below it we make a folder of our own and check its owner


@dataclass(frozen=True)
class ServiceUser:
    """Who the embedded services run as."""

    uid: int
    gid: int
    is_borrowed: bool

    def command(self, argv: list[str]) -> list[str]:
        """Return `argv`, wrapped so that it runs as this user."""
        if not self.is_borrowed:
            return argv
        identity = ["--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups"]
        return ["setpriv", *identity, "--", *argv]

    def run(self, argv: list[str], *, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `argv` as this user and return what it said, whatever its exit code."""
        return subprocess.run(
            self.command(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd="/",
        )

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user can traverse every part of `folder`."""
        if not self.is_borrowed:
            return os.access(folder, os.X_OK)
        return self.run(["test", "-x", str(folder)]).returncode == 0

    def can_execute(self, program: Path) -> bool:
        """Tell whether this user can start `program`."""
        if not self.is_borrowed:
            return os.access(program, os.X_OK)
        return self.run(["test", "-r", str(program), "-a", "-x", str(program)]).returncode == 0

    def own(self, path: Path) -> None:
        """Give one file or folder to this user."""
        if self.is_borrowed:
            os.chown(path, self.uid, self.gid)


def service_user() -> ServiceUser:
    """Return the user for embedded services: the caller, or `nobody` when the caller is root.

    Raises LocalError when root has no `setpriv` to change user with.
    """
    if os.geteuid() != 0:
        return ServiceUser(uid=os.geteuid(), gid=os.getegid(), is_borrowed=False)
    if shutil.which("setpriv") is None:
        raise LocalError(
            "PostgreSQL does not run as root and `setpriv` (package util-linux) is missing: "
            "install it or start as an ordinary user."
        )
    return ServiceUser(uid=NOBODY_ID, gid=NOBODY_ID, is_borrowed=True)


def shelter_of(state_dir: Path) -> Path:
    """Return the folder that stands in for a state directory which the service user can't enter."""
    digest = hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:12]
    return PLACES / f"uhub-{os.geteuid()}-{digest}"


def reachable_folder(state_dir: Path, user: ServiceUser) -> Path:
    """Return a folder for service data: `state_dir` itself, or a shelter outside private folders.

    Raises LocalError when the shelter exists and is somebody else's: its name can be guessed.
    """
    if user.can_enter(state_dir):
        return state_dir
    shelter = shelter_of(state_dir)
    shelter.mkdir(mode=0o711, exist_ok=True)
    facts = shelter.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise LocalError(f"{shelter} exists and is not a folder of our own: remove it.")
    shelter.chmod(0o711)
    return shelter
