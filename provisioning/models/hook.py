"""What an organisation has done around the life of its machines, and how that went."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.logic.hook_states import HookEvent, HookType, OnFailure, RunStatus
from provisioning.models.deployment import Deployment


class Hook(TenantModel):
    """An address that is asked, or an approved script that is run, at one moment of a machine's life.

    `target` is an address or a script's name. `config` holds headers, env, timeout, blocking,
    on_failure, is_idempotent, and secret_headers and secret_env: names whose values are behind
    `secret_ref`.
    """

    name = models.CharField(max_length=100)
    event = models.CharField(max_length=20, choices=HookEvent)
    type = models.CharField(max_length=6, choices=HookType)
    target = models.CharField(max_length=2048)
    is_active = models.BooleanField(default=True)
    config = models.JSONField(default=dict)
    secret_ref = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "hook"
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="hook_name_once"),
            models.CheckConstraint(
                condition=models.Q(event__in=HookEvent.values), name="hook_event_known"
            ),
            models.CheckConstraint(
                condition=models.Q(type__in=HookType.values), name="hook_type_known"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="hook_newest"),
            models.Index(
                fields=["tenant", "event"], name="hook_wanted", condition=models.Q(is_active=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class HookRun(TenantModel):
    """One run of a hook for one deployment; it keeps what the hook was when its hook changes or goes.

    `cause` makes it one run per hook and occasion. `code` is the exit status or the HTTP status.
    """

    hook = TenantForeignKey(Hook, on_delete=models.SET_NULL, related_name="runs", null=True)
    hook_name = models.CharField(max_length=100)
    event = models.CharField(max_length=20, choices=HookEvent)
    type = models.CharField(max_length=6, choices=HookType)
    deployment = TenantForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="hook_runs", null=True
    )
    cause = models.CharField(max_length=80)
    operation_id = models.UUIDField(null=True)
    is_blocking = models.BooleanField(default=False)
    on_failure = models.CharField(max_length=6, choices=OnFailure, default=OnFailure.OPEN)
    deadline_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=9, choices=RunStatus, default=RunStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    payload = models.JSONField(default=dict)
    code = models.IntegerField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="")
    output = models.TextField(blank=True, default="")
    duration_ms = models.PositiveIntegerField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=160, blank=True, default="")

    class Meta:
        verbose_name = "hook run"
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "hook", "cause"], name="hookrun_once_per_cause"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=RunStatus.values), name="hookrun_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="hookrun_newest"),
            models.Index(fields=["tenant", "deployment", "-created_at"], name="hookrun_of_pod"),
        ]

    def __str__(self) -> str:
        return f"{self.hook_name} {self.event}"
