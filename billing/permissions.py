"""What roles may do with money and quotas."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.kernel.authz import ROLES, PermissionSpec, spec


class Permission(StrEnum):
    """Permissions of the billing app."""

    BILLING_VIEW = "billing.view"
    QUOTA_VIEW = "quota.view"


PERMISSIONS: dict[str, PermissionSpec] = {
    Permission.BILLING_VIEW: spec(_("See consumption and invoices"), ("admin", "projets")),
    Permission.QUOTA_VIEW: spec(_("See quotas"), ROLES),
}
