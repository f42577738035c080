"""`manage.py proxmox_simulator`: the bundled Proxmox VE simulator, started by hand."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from integrations.proxmox.simulator.program import DESCRIPTION, build_parser, run


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        build_parser(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        if status := run(Namespace(**options)):
            raise SystemExit(status)
