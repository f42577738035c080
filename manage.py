#!/usr/bin/env python
"""Django's command line for uHub."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    # db_roles makes the very URLs that the settings ask for; the simulator needs no settings at all
    if sys.argv[1:2] in (["db_roles"], ["proxmox_simulator"]):
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.mypy"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
