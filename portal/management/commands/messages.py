"""`manage.py messages`: brings the French catalogue up to the sources, checks it, compiles it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import django
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.logic import catalogue, extraction

LANGUAGE: Final = "fr"
SOURCES: Final = (
    *("config", "portal", "provisioning", "projects", "incidents", "billing", "audit"),
    *("integrations", "templates"),
)
STRANGERS: Final = ("unfold", "drf_standardized_errors", "axes")
"""Packages whose pages people see and that ship no French: what Django says otherwise comes from it."""
_KINDS: Final = frozenset({".py", ".html", ".txt"})
_PATH: Final = f"locale/{LANGUAGE}/LC_MESSAGES/django"


def catalogue_path() -> Path:
    """The catalogue of the whole product."""
    return Path(settings.LOCALE_PATHS[0]) / LANGUAGE / "LC_MESSAGES" / "django.po"


def root() -> Path:
    """The checkout."""
    return Path(settings.LOCALE_PATHS[0]).parents[1]


def extract_all() -> extraction.Extract:
    """Everything that has to be in the catalogue."""
    found = extraction.extract(
        (path, str(path.relative_to(root())))
        for folder in SOURCES
        for path in _files(root() / folder)
    )
    strangers = extraction.extract(
        (path, str(path.relative_to(_home(name).parent)))
        for name in STRANGERS
        for path in _files(_home(name))
    )
    known = catalogue.catalogues_texts(_compiled())
    strangers.places = {
        message: places for message, places in strangers.places.items() if message.key not in known
    }
    strangers.faults.clear()
    found.merge(strangers)
    return found


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        is_ours = not {"migrations", "tests", "simulator", "node_modules"} & set(path.parts)
        if path.suffix in _KINDS and is_ours:
            yield path


def _home(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise CommandError(f"{package} is not installed")
    return Path(found.origin).parent


def _compiled() -> Iterator[Path]:
    """The French of Django and of the packages that ship it, as far as it is loaded."""
    homes = [Path(django.__file__).parent / "conf", *(Path(a.path) for a in apps.get_app_configs())]
    ours = catalogue_path().with_suffix(".mo")
    paths = [home / f"{_PATH}.mo" for home in homes]
    yield from (path for path in paths if path.exists() and path != ours)


class Command(BaseCommand):
    """Without an option it writes; `--check` only tells; `--compile` makes what Django loads."""

    help = "Updates, checks or compiles the French catalogue"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--check", action="store_true", help="fail on what is not translated")
        group.add_argument("--compile", action="store_true", help="make the .mo beside the .po")

    def handle(self, *args: Any, **options: Any) -> None:
        path = catalogue_path()
        known = catalogue.catalogue_read(path)
        if options["compile"]:
            known.save_as_mofile(str(path.with_suffix(".mo")))
            return
        found = extract_all()
        made = catalogue.catalogue_updated(known, found)
        faults = catalogue.catalogue_faults(known if options["check"] else made, found)
        if not options["check"]:
            known = made
            path.parent.mkdir(parents=True, exist_ok=True)
            known.save(str(path))
        elif str(made).strip() != path.read_text(encoding="utf-8").strip():
            faults.append("the catalogue is not written as the sources have it now")
        for fault in faults:
            self.stdout.write(fault)
        told = f"{len(known)} messages, {len(faults)} faults"
        if faults and options["check"]:
            raise CommandError(f"{told}: make messages, then translate in {path.name}")
        self.stdout.write(told)
