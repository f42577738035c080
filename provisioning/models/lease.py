"""What was said before a lease ended, and what was asked beyond its rules."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.models.deployment import Deployment
from provisioning.states import LeaseEnd, RequestStatus


class LeaseWarning(TenantModel):
    """One warning of one end of one version of a lease, sent `offset_hours` before it.

    `recipients` is a list of {user_id, name, email, is_decisive, operation_id, delivered_at, failure};
    `delivered_at` is when the first decisive one was reached: the owner, or the administrators where the
    owner cannot be. `failure` says why none of them can be any more.
    """

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="warnings")
    lease_version = models.PositiveIntegerField()
    kind = models.CharField(max_length=6, choices=LeaseEnd)
    offset_hours = models.PositiveIntegerField()
    ends_at = models.DateTimeField()
    recipients = models.JSONField(default=list)
    delivered_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "deployment", "lease_version", "kind", "offset_hours"],
                name="leasewarning_once_per_offset",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=LeaseEnd.values), name="leasewarning_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.offset_hours} h"


class ExtensionRequest(TenantModel):
    """Somebody wants more hours than the rules give; somebody else decides."""

    deployment = TenantForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="extension_requests"
    )
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    hours = models.PositiveIntegerField()
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=10, choices=RequestStatus, default=RequestStatus.PENDING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = "extension request"
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "deployment"],
                name="extensionrequest_one_open",
                condition=models.Q(status="pending"),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=RequestStatus.values),
                name="extensionrequest_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="extensionrequest_newest")
        ]

    def __str__(self) -> str:
        return f"{self.hours} h"
