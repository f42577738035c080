"""The state directory: who holds it, and the secrets generated into it once."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path

from config.local.errors import StateBusyError

PROJECT_DIR = Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    """Return STATE_DIR as an absolute path; a relative one is below the checkout."""
    return (PROJECT_DIR / os.environ.get("STATE_DIR", ".state")).resolve()


def secret(folder: Path, name: str, *, size_bytes: int = 32) -> str:
    """Return the secret called `name`, generated at its first use into a file of mode 0600."""
    file = secret_file(folder, name)
    if not file.exists():
        write_private(file, secrets.token_urlsafe(size_bytes))
    return file.read_text().strip()


def secret_file(folder: Path, name: str) -> Path:
    """Return where the secret called `name` is kept; its folder exists afterwards."""
    place = folder / "secrets"
    place.mkdir(mode=0o700, exist_ok=True)
    return place / name


def write_private(file: Path, text: str) -> None:
    """Write `text` so that no other user can read it and no reader sees half of it."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(file)


class StateLock:
    """The exclusive right to a state directory, for as long as a descriptor of it is open.

    The watchdog inherits the descriptor: after `kill -9` of the supervisor the directory stays
    taken until the last child is gone, so a new start never meets the remains of the old one.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "lock"
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file that carries the lock."""
        if self._descriptor is None:
            raise StateBusyError(f"{self._file} is not held by this process.")
        return self._descriptor

    def holder(self) -> tuple[int, str]:
        """Return the process id and the purpose that the last holder wrote down (0 if none)."""
        words = self._file.read_text().split(" ", 1) if self._file.exists() else []
        return (int(words[0]), words[1].strip()) if len(words) == 2 else (0, "nobody")

    def acquire(self, purpose: str, *, patience_s: float = 20) -> None:
        """Take the lock.

        A holder that is alive is named at once; the remains of a dead one are waited for.
        Raises StateBusyError.
        """
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pid, what = self.holder()
                if is_alive(pid) or time.monotonic() > deadline:
                    os.close(descriptor)
                    message = f"{self._file.parent} is in use by {what} (process {pid})."
                    raise StateBusyError(f"{message} End it or choose another STATE_DIR.") from None
                time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {purpose}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def is_alive(pid: int) -> bool:
    """Tell whether a process with this id runs (a zombie does not)."""
    if pid <= 0:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
