"""Encrypted secrets of the embedded store."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import PlatformManager, TimestampedModel


class SecretVersion(TimestampedModel):
    """One version of one secret; the ciphertext is bound to tenant, path and version.

    `tenant_id` is no foreign key: platform secrets belong to the platform tenant, which has no row.
    """

    tenant_id = models.UUIDField()
    path = models.CharField(max_length=300)
    version = models.PositiveIntegerField()
    key_id = models.CharField(max_length=16)
    nonce = models.BinaryField(max_length=12)
    ciphertext = models.BinaryField()
    destroyed_at = models.DateTimeField(null=True)

    objects = models.Manager()
    across_tenants = PlatformManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "path", "version"], name="secret_version_once"
            )
        ]
