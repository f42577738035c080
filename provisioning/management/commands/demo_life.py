"""`manage.py demo_life`: the demo's people at work."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from provisioning.services.demo_life import DemoLife


class Command(BaseCommand):
    """Plays a scene every so often until it is told to stop."""

    help = (
        "Lets the people of the demo start, stop, extend, make and remove machines now and then. "
        "For the demo alone; SIGTERM or Ctrl-C ends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=float, default=25.0, help="Seconds between two scenes (25)."
        )
        parser.add_argument(
            "--scenes", type=int, default=0, help="End after so many scenes; 0 goes on for ever."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        is_over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: is_over.set())
        life, played = DemoLife(), 0
        while not is_over.wait(options["every"] if played else 0):
            if done := life.play():
                self.stdout.write(done)
            played += 1
            if played == options["scenes"]:
                return
