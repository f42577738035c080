"""Teams: people of one tenant who take on work together."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TenantForeignKey, TenantModel


class Team(TenantModel):
    """A named group of members; `slug` is what addresses and assignments use."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("short name"), max_length=40)
    description = models.CharField(_("description"), max_length=500, blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="team_slug_once_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class TeamMember(TenantModel):
    """One person in one team; only members of the organisation are."""

    team = TenantForeignKey(Team, on_delete=models.CASCADE, related_name="places")
    user = models.ForeignKey("portal.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("team member")
        verbose_name_plural = _("team members")
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="team_member_once_per_team")
        ]

    def __str__(self) -> str:
        return f"{self.team_id} · {self.user_id}"
