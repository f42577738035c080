"""A field that offers organisations with the people who can own a machine there."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy

from portal.models import Membership


class ReceiverField(forms.ChoiceField):
    """One of them, found by typing where there are scripts; its value is `first:second`, split by `receiver_of`."""

    widget = forms.Select(
        attrs={"data-searchable": gettext_lazy("Find an organisation or a person")}
    )

    def offer(self, people: Iterable[tuple[str, Membership]]) -> None:
        """The choices: values with whom they stand for."""
        shown = [(value, f"{one.tenant.name} · {one.user}") for value, one in people]
        self.choices = [("", "—"), *shown]


def receiver_of(value: str) -> tuple[str, str]:
    """The two halves of a value."""
    first, _mark, second = value.partition(":")
    return first, second
