"""Saved filters: what somebody looks for in a list, under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TenantModel


class SavedFilter(TenantModel):
    """A list's query string of one person: his own, or shared with the organisation.

    `table` names the list, `query` was checked against it. At most one of a person's filters per list is
    the default, with which the list opens for him.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    table = models.CharField(_("list"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("filter"), max_length=1_000, blank=True)
    is_shared = models.BooleanField(_("shared"), default=False)
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "owner", "table", "name"], name="saved_filter_name_once_per_list"
            ),
            models.UniqueConstraint(
                fields=["tenant", "owner", "table"],
                name="saved_filter_one_default_per_list",
                condition=models.Q(is_default=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name
