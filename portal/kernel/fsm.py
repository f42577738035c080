"""The only writer of state fields: a guarded UPDATE along a declared table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext

from portal.kernel import clock
from portal.kernel.errors import InvalidTransition

Table = Mapping[str, frozenset[str]]


def may(table: Table, current: str, to: str) -> bool:
    """Whether the table has the edge."""
    return to in table.get(current, frozenset())


def transition(obj: Model, *, table: Table, to: str, field: str = "status", **changes: Any) -> None:
    """Moves `obj.field` to `to`, with further `changes`, in one UPDATE guarded by the state read before.

    Raises:
        InvalidTransition: the table has no such edge, or someone else moved the row in between.
    """
    current = getattr(obj, field)
    if not may(table, current, to):
        raise InvalidTransition(
            gettext("%(kind)s is %(current)s; it cannot become %(wanted)s from there.")
            % {"kind": obj._meta.verbose_name, "current": current, "wanted": to},
            current=str(current),
            wanted=str(to),
        )
    values = {field: to, "updated_at": clock.now(), **changes}
    manager = type(obj)._base_manager.using(obj._state.db)
    moved = manager.filter(pk=obj.pk, **{field: current}).update(**values)
    if moved != 1:
        raise InvalidTransition(
            gettext("%(kind)s is no longer %(current)s.")
            % {"kind": obj._meta.verbose_name, "current": current},
            current=str(current),
            wanted=str(to),
        )
    for name, value in values.items():
        setattr(obj, name, value)
