"""What stands between a worker and a script: takes rights and room away, then becomes the script.

Run by `process` as a program of its own, with nothing but the standard library, because limits cannot
be set safely between fork and exec in a process that has threads. Arguments: the limits as JSON, the
parent's process id, the script's path.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def _threads_of(uid: int) -> int:
    """Count what the kernel counts: all threads of a user, not of this process alone."""
    count = 0
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            if entry.stat().st_uid == uid:
                count += sum(1 for _thread in os.scandir(f"/proc/{entry.name}/task"))
    return count


def main() -> None:
    """Limit this process, tie its life to the parent's, and become the script."""
    limits, parent, path = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(126)
    limits["RLIMIT_NPROC"] += _threads_of(os.getuid())
    for name, most in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    os.execve(path, [path], dict(os.environ))  # noqa: S606 - no shell, and the path was judged


if __name__ == "__main__":
    main()
