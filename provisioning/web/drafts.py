"""What somebody has said so far of a machine to be made: every step's address and form carries it on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

from django.http import QueryDict

PARAMETER_PREFIX: Final = "parameter_"
PARAMETERS_MOST: Final = 50
ADDRESS_MOST: Final = 1_000


class Step(StrEnum):
    """The steps in their order; each has an address of its own."""

    TEMPLATE = "template"
    RESOURCES = "resources"
    NETWORK = "network"
    REVIEW = "review"

    @property
    def before(self) -> Step:
        """The step before; the first one is before itself."""
        return STEPS[max(0, STEPS.index(self) - 1)]

    @property
    def after(self) -> Step:
        """The step after; the last one is after itself."""
        return STEPS[min(len(STEPS) - 1, STEPS.index(self) + 1)]


STEPS: Final = tuple(Step)
FIELDS: Final[dict[Step, tuple[str, ...]]] = {
    Step.TEMPLATE: ("template",),
    Step.RESOURCES: ("cpu_cores", "memory_mb", "disk_gb"),
    Step.NETWORK: ("name", "hostname", "ttl_hours", "tags"),
}
_KEY: Final = "key"
_FIRST: Final = {step: names[0] for step, names in FIELDS.items()}


def step_of(name: str) -> Step:
    """The step that asks for a field; options of the template belong to the network step."""
    for step, names in FIELDS.items():
        if name in names:
            return step
    return Step.NETWORK


@dataclass(frozen=True, slots=True)
class Draft:
    """The values by field, as they were typed; a step that was not shown yet has none."""

    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, given: QueryDict) -> Draft:
        """What an address or a form carries; other names are left alone."""
        known = {name for names in FIELDS.values() for name in names} | {_KEY}
        options = [name for name in given if name.startswith(PARAMETER_PREFIX)]
        wanted = [name for name in given if name in known] + options[:PARAMETERS_MOST]
        return cls({name: given.get(name) or "" for name in wanted})

    @property
    def template(self) -> str:
        """The code of the chosen template, or nothing."""
        return self.values.get("template", "")

    @property
    def key(self) -> str:
        """Tells two submits of one draft from two drafts; other values are another draft."""
        told = urlencode(sorted(self.values.items()))
        return sha256(told.encode()).hexdigest() if self.values.get(_KEY) else ""

    def has(self, step: Step) -> bool:
        """Whether the step was answered."""
        return step in _FIRST and _FIRST[step] in self.values

    def keyed(self) -> Draft:
        """The same with a key."""
        return self if self.values.get(_KEY) else self.changed({_KEY: uuid4().hex})

    def changed(self, values: Mapping[str, str]) -> Draft:
        """The same with other values."""
        return replace(self, values={**self.values, **values})

    def without(self, names: Iterable[str]) -> Draft:
        """The same with these not yet said."""
        gone = set(names)
        return Draft({name: value for name, value in self.values.items() if name not in gone})

    def carried(self, step: Step) -> list[tuple[str, str]]:
        """What the form of a step carries for the other steps."""
        return [
            (name, value)
            for name, value in self.values.items()
            if name == _KEY or step_of(name) is not step
        ]

    def query(self) -> str:
        """The draft as the query of an address; what no address can hold is said again."""
        short = {name: text for name, text in self.values.items() if len(text) <= ADDRESS_MOST}
        return urlencode(short)
