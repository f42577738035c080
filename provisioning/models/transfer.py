"""A machine that changes hands within its organisation."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.models.deployment import Deployment
from provisioning.states import TransferStatus


class OwnershipTransfer(TenantModel):
    """Somebody offers a machine to a colleague, who accepts or declines until `expires_at`."""

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="transfers")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    from_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    to_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=10, choices=TransferStatus, default=TransferStatus.PENDING)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = "ownership transfer"
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "deployment"],
                name="ownershiptransfer_one_open",
                condition=models.Q(status="pending"),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=TransferStatus.values),
                name="ownershiptransfer_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="ownershiptransfer_newest"),
            models.Index(
                fields=["expires_at"],
                name="ownershiptransfer_due",
                condition=models.Q(status="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.status}"
