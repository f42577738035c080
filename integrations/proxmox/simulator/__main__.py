"""`python -m integrations.proxmox.simulator`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from integrations.proxmox.simulator.program import build_parser, run


def main(argv: Sequence[str]) -> int:
    return run(build_parser().parse_args(argv))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
