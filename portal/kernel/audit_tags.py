"""The registry of audit tags: what happened, in which category, in which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Category(StrEnum):
    """Categories of an audit entry."""

    LIFECYCLE = "lifecycle"
    HEALTH = "health"
    BACKUP = "backup"
    QUOTA = "quota"
    SECURITY = "security"
    BILLING = "billing"
    PROJECT = "project"
    SETTINGS = "settings"

    @property
    def label(self) -> str:
        """The category in the reader's language."""
        return str(_LABELS[self])


_LABELS: Final[Mapping[Category, Promise]] = {
    Category.LIFECYCLE: _("Life of machines"),
    Category.HEALTH: _("Health"),
    Category.BACKUP: _("Backups"),
    Category.QUOTA: _("Quota"),
    Category.SECURITY: _("Security"),
    Category.BILLING: _("Billing"),
    Category.PROJECT: _("Projects"),
    Category.SETTINGS: _("Settings"),
}


@dataclass(frozen=True, slots=True)
class TagSpec:
    """A tag's category and how it reads."""

    category: Category
    label: str | Promise


ACCESS_REFUSED: Final = "access.refused"
ACTION_FAILED: Final = "action.failed"
"""The two tags the kernel itself writes: a refused request, an action that could not be done."""

_tags: dict[str, TagSpec] = {}


def register_tags(specs: Mapping[str, TagSpec]) -> None:
    """Makes an app's tags known (called from its `apps.py`)."""
    _tags.update({str(tag): spec for tag, spec in specs.items()})


def tag_spec(tag: str) -> TagSpec:
    """The tag's meaning. Raises KeyError for one that was never registered: it cannot be recorded."""
    return _tags[str(tag)]


def tag_specs() -> dict[str, TagSpec]:
    """All registered tags."""
    return dict(_tags)
