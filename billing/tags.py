"""What the billing app writes to the audit."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.audit_tags import Category, TagSpec


class Tag(StrEnum):
    """Audit tags."""

    QUOTA_REFUSED = "quota.refused"
    QUOTA_CHANGED = "quota.changed"
    QUOTA_REPAIRED = "quota.repaired"
    TENANT_CREATED = "tenant.created"
    TENANT_CHANGED = "tenant.changed"


TAGS: dict[str, TagSpec] = {
    Tag.QUOTA_REFUSED: TagSpec(Category.QUOTA, _("Refused by quota")),
    Tag.QUOTA_CHANGED: TagSpec(Category.QUOTA, _("Quota changed")),
    Tag.QUOTA_REPAIRED: TagSpec(Category.QUOTA, _("Quota usage recomputed")),
    Tag.TENANT_CREATED: TagSpec(Category.BILLING, _("Organisation created")),
    Tag.TENANT_CHANGED: TagSpec(Category.BILLING, _("Organisation changed")),
}
