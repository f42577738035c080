"""How machines are: where each stands now, what was seen, and what was done about it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.models.deployment import Deployment
from provisioning.states import HealAction, HealStatus, Verdict


class HealthState(TenantModel):
    """Where one machine stands: when it is looked at next, and how often in a row it was known to be bad.

    `checks` are the parts of the last look: {kind, verdict, text, elapsed_ms}. An agent counts as missing only
    once it has answered, which `agent_seen_at` remembers.
    """

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.UNKNOWN)
    reason = models.CharField(max_length=300, blank=True, default="")
    bad_count = models.PositiveIntegerField(default=0)
    checks = models.JSONField(default=list)
    agent_seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "deployment"], name="healthstate_once_per_deployment"
            ),
            models.CheckConstraint(
                condition=models.Q(verdict__in=Verdict.values), name="healthstate_verdict_known"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="healthstate_due")]

    def __str__(self) -> str:
        return self.verdict


class HealthObservation(TenantModel):
    """A span in which every look said the same: it begins with `created_at` and was last seen at `seen_at`."""

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict)
    reason = models.CharField(max_length=300, blank=True, default="")
    count = models.PositiveIntegerField(default=1)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verdict__in=Verdict.values),
                name="healthobservation_verdict_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "deployment", "-created_at", "-id"],
                name="healthobservation_newest",
            ),
            models.Index(fields=["seen_at"], name="healthobservation_seen"),
        ]

    def __str__(self) -> str:
        return self.verdict


class HealAttempt(TenantModel):
    """One try to make a machine well, with the operation that made it."""

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    operation_id = models.UUIDField(null=True)
    action = models.CharField(max_length=8, choices=HealAction)
    status = models.CharField(max_length=8, choices=HealStatus, default=HealStatus.RUNNING)
    reason = models.CharField(max_length=300, blank=True, default="")
    detail = models.CharField(max_length=300, blank=True, default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "deployment"],
                name="healattempt_one_at_a_time",
                condition=models.Q(status="running"),
            ),
            models.CheckConstraint(
                condition=models.Q(action__in=HealAction.values), name="healattempt_action_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=HealStatus.values), name="healattempt_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "deployment", "-created_at", "-id"], name="healattempt_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} ({self.status})"
