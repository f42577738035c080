"""Maintenance: a flag with a reason, set by a person."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Maintainable(models.Model):
    """Something that people take out of service for a while and say why."""

    is_in_maintenance = models.BooleanField(default=False, db_default=False)
    maintenance_reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    maintenance_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    maintenance_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
