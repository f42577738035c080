"""Roles: named sets of permissions, the same for every tenant."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TimestampedModel

CODE = RegexValidator(r"^[a-z][a-z0-9-]{0,39}$", _("Lower-case letters, digits and hyphens."))


class Role(TimestampedModel):
    """A set of permissions. Six are seeded; platform administrators edit them and add others.

    `known_permissions` remembers which permissions existed when the defaults were last applied, so that
    a permission that comes with a new version reaches the roles it is meant for while a permission that
    somebody took away stays away.
    """

    code = models.CharField(_("code"), max_length=40, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=80)
    permissions = models.JSONField(_("permissions"), default=list, blank=True)
    known_permissions = models.JSONField(default=list, editable=False)

    class Meta:
        ordering = ("code",)
        verbose_name = _("role")
        verbose_name_plural = _("roles")

    def __str__(self) -> str:
        return self.name
