"""Fields of an answer that not everyone may see, said where the fields are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from portal.kernel import context


class GuardedFields:
    """A serializer some of whose fields are shown only to actors that hold a permission.

    To others they are absent, or what `instead` says.
    """

    guarded_fields: ClassVar[Mapping[str, str]] = {}
    instead: ClassVar[Mapping[str, Any]] = {}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)  # type: ignore[misc]
        return fields_hide(type(self), shown)


def hidden_fields(serializer: type[Any]) -> list[str]:
    """The fields that whoever asks may not see."""
    guarded: Mapping[str, str] = getattr(serializer, "guarded_fields", {})
    actor = context.current().actor if guarded else None
    return [name for name, needed in guarded.items() if actor is None or not actor.may(needed)]


def fields_hide(serializer: type[Any], shown: dict[str, Any]) -> dict[str, Any]:
    """An answer without what whoever asks may not see."""
    for name in hidden_fields(serializer):
        if name in serializer.instead:
            shown[name] = serializer.instead[name]
        else:
            shown.pop(name, None)
    return shown


def has_words_of_its_own(serializer: type[Any]) -> bool:
    """Whether a serializer shows its object in a way that its fields do not tell."""
    own = [base for base in serializer.__mro__ if not base.__module__.startswith("rest_framework")]
    return any("to_representation" in vars(base) for base in own if base is not GuardedFields)
