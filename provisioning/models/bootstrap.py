"""What is installed on a machine after its first start, and how that went."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from provisioning.models.deployment import Deployment
from provisioning.states import BootstrapStatus


class Bootstrap(TenantModel):
    """The document of the template's version that the machine was made from, and its last run.

    `run` counts the runs; a run that was asked for twice happens once. `snippet` is set where the node
    brings the document itself. `secrets_path` is where the generated passwords are; `secrets_shown_at` is
    when the owner saw them.
    """

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="bootstraps")
    document = models.TextField()
    snippet = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(
        max_length=8, choices=BootstrapStatus, default=BootstrapStatus.PENDING
    )
    run = models.PositiveIntegerField(default=1)
    pid = models.PositiveIntegerField(null=True)
    exit_code = models.IntegerField(null=True)
    message = models.CharField(max_length=500, blank=True, default="")
    log_tail = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    secret_names = models.JSONField(default=list)
    secrets_path = models.CharField(max_length=200, blank=True, default="")
    secrets_shown_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "deployment"], name="bootstrap_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=BootstrapStatus.values),
                name="bootstrap_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.run}"
