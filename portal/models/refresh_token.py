"""Refresh tokens of the API: used once, in families that die together."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TimestampedModel


class RefreshToken(TimestampedModel):
    """One link of a family. Only the hash is kept; a second use of a link revokes the whole family.

    `family_expires_at` never moves: a session that is refreshed for ever ends all the same.
    """

    user = models.ForeignKey("portal.User", on_delete=models.PROTECT, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    family = models.UUIDField()
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    family_expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "family"], name="refresh_token_family"),
            models.Index(fields=["family_expires_at"], name="refresh_token_expiry"),
        ]
