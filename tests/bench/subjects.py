"""The list of what is measured; each module of subjects adds its own with `@measured`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.timing import Act, Measurement, compare
from tests.bench.world import BenchWorld

Prepare = Callable[[BenchWorld, ExitStack], tuple[Act, Act]]


@dataclass(frozen=True, slots=True)
class Subject:
    """`prepare` answers the subject and its yardstick; what it opens is closed through the stack."""

    name: str
    yardstick: str
    prepare: Prepare
    goal: float | None
    calls: int


_subjects: dict[str, Subject] = {}


def measured(
    name: str, *, beside: str, goal: float | None = None, calls: int = 20
) -> Callable[[Prepare], Prepare]:
    """Adds a subject: `group.what`, its yardstick in words, and the most the ratio may be."""

    def add(prepare: Prepare) -> Prepare:
        _subjects[name] = Subject(name, beside, prepare, goal, calls)
        return prepare

    return add


def chosen(only: Collection[str]) -> list[Subject]:
    """All subjects, or those whose name begins with one of the words."""
    return [
        subject
        for subject in _subjects.values()
        if not only or any(subject.name.startswith(word) for word in only)
    ]


def measurements(world: BenchWorld, only: Collection[str] = ()) -> Iterator[Measurement]:
    """Takes them one after the other."""
    for subject in chosen(only):
        with ExitStack() as stack:
            act, yardstick = subject.prepare(world, stack)
            yield compare(
                subject.name,
                act,
                subject.yardstick,
                yardstick,
                calls=subject.calls,
                goal=subject.goal,
            )
