"""What the audit writes about itself and about refused requests."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.audit_tags import ACCESS_REFUSED, ACTION_FAILED, Category, TagSpec


class Tag(StrEnum):
    """Audit tags."""

    REFUSED = ACCESS_REFUSED
    FAILED = ACTION_FAILED
    EXPORTED = "audit.exported"
    LIST_EXPORTED = "list.exported"


TAGS: dict[str, TagSpec] = {
    Tag.REFUSED: TagSpec(Category.SECURITY, _("Refused: no permission")),
    Tag.FAILED: TagSpec(Category.LIFECYCLE, _("Action failed")),
    Tag.EXPORTED: TagSpec(Category.SECURITY, _("Audit exported")),
    Tag.LIST_EXPORTED: TagSpec(Category.SECURITY, _("List exported")),
}
