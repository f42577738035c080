"""The tenant: the isolated customer everything else belongs to."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy

from portal.kernel.models import TimestampedModel

SLUG = RegexValidator(
    r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", gettext_lazy("Lower-case letters, digits and hyphens.")
)


class Tenant(TimestampedModel):
    """A customer; `slug` is what people and `X-Tenant` use. `timezone` is the billing zone."""

    slug = models.CharField(max_length=40, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=64, default="Europe/Paris")
    currency = models.CharField(max_length=3, default="EUR")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
