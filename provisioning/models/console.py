"""Who may look at a machine's screen for a moment, and who did."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.models.deployment import Deployment
from provisioning.states import ConsoleEnd


class ConsoleSession(TenantModel):
    """A ticket that opens one console once, and then that console.

    The ticket and the web session it is bound to are kept as hashes. `vmid`, `marker` and `guest_uuid` are
    the identity that was proven when it was given.
    """

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ticket_hash = models.CharField(max_length=64, unique=True)
    session_hash = models.CharField(max_length=64)
    vmid = models.PositiveIntegerField()
    marker = models.CharField(max_length=120)
    guest_uuid = models.CharField(max_length=36)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=12, choices=ConsoleEnd, blank=True, default="")

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end="") | models.Q(end__in=ConsoleEnd.values),
                name="consolesession_end_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "deployment", "-created_at", "-id"],
                name="consolesession_newest",
            ),
            models.Index(fields=["expires_at"], name="consolesession_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.vmid} ({self.end})"
