"""Hosts outside the clusters: servers that report themselves, and those the portal runs on."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TenantModel


class HostKind(models.TextChoices):
    """How figures of a host come: from a probe that runs there, or from our own worker."""

    PROBE = "probe", _("Probe")
    PORTAL = "portal", _("uHub itself")


class MonitoredHost(TenantModel):
    """A host with its probe's token, of which only a digest is kept.

    Hosts of the portal belong to the platform tenant, which has no row, hence no constraint on `tenant`.
    """

    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=6, choices=HostKind, default=HostKind.PROBE)
    note = models.CharField(max_length=200, blank=True, default="")
    system = models.CharField(max_length=120, blank=True, default="")
    interval_s = models.PositiveIntegerField(default=60)
    token_digest = models.CharField(max_length=64, null=True, unique=True)
    token_hint = models.CharField(max_length=8, blank=True, default="")

    class Meta:
        verbose_name = "host"
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="host_once_per_tenant"),
            models.CheckConstraint(
                condition=models.Q(kind__in=HostKind.values), name="host_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
