"""What the audit writes about itself and about refused requests."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.audit_tags import Category, TagSpec


class Tag(StrEnum):
    """Audit tags."""

    ACCESS_REFUSED = "access.refused"
    ACTION_FAILED = "action.failed"
    EXPORTED = "audit.exported"


TAGS: dict[str, TagSpec] = {
    Tag.ACCESS_REFUSED: TagSpec(Category.SECURITY, _("Refused: no permission")),
    Tag.ACTION_FAILED: TagSpec(Category.LIFECYCLE, _("Action failed")),
    Tag.EXPORTED: TagSpec(Category.SECURITY, _("Audit exported")),
}
