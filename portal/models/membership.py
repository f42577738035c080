"""Who belongs to which tenant, as what."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TimestampedModel


class Membership(TimestampedModel):
    """One person's role inside one tenant. Visible in that tenant's scope and in that person's."""

    user = models.ForeignKey(
        "portal.User", on_delete=models.PROTECT, related_name="memberships", verbose_name=_("user")
    )
    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="memberships",
        verbose_name=_("organisation"),
    )
    role = models.ForeignKey(
        "portal.Role", on_delete=models.PROTECT, related_name="memberships", verbose_name=_("role")
    )

    class Meta:
        ordering = ("tenant__name", "user__username")
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once_per_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} · {self.tenant_id}"
