"""Thresholds on figures, and what stands against them."""

from __future__ import annotations

from django.db import models

from portal.kernel.models import TenantForeignKey, TenantModel
from portal.kernel.stored_text import translated
from provisioning.logic.alerting import FIRST_NAMES, AlertStatus, Operator, Severity
from provisioning.logic.measures import Metric, SubjectKind


class AlertRule(TenantModel):
    """A threshold on one metric of one kind of subject.

    A rule of the platform tenant, which has no row, watches nodes, the portal's hosts and the machines of
    all organisations; a rule of an organisation watches its own machines and hosts. An alert ends when the
    figure has come back by `hysteresis` and stayed so for as long as it took to fire. `code` names a rule
    that was there from the beginning.
    """

    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    code = models.CharField(max_length=40, blank=True, default="")
    name = models.CharField(max_length=120)
    subject_kind = models.CharField(max_length=10, choices=SubjectKind)
    metric = models.CharField(max_length=10, choices=Metric)
    operator = models.CharField(max_length=5, choices=Operator, default=Operator.ABOVE)
    threshold = models.FloatField()
    hysteresis = models.FloatField(default=0)
    for_s = models.PositiveIntegerField()
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.WARNING)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name = "alert rule"
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="alert_rule_once_per_tenant"),
            models.CheckConstraint(
                condition=models.Q(subject_kind__in=SubjectKind.values),
                name="alert_rule_subject_known",
            ),
            models.CheckConstraint(
                condition=models.Q(metric__in=Metric.values), name="alert_rule_metric_known"
            ),
            models.CheckConstraint(
                condition=models.Q(operator__in=Operator.values), name="alert_rule_operator_known"
            ),
            models.CheckConstraint(
                condition=models.Q(severity__in=Severity.values), name="alert_rule_severity_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """The name in the reader's language while it is the one the rule began with; else as it was typed."""
        return translated(self.name) if FIRST_NAMES.get(self.code) == self.name else self.name


class Alert(TenantModel):
    """A rule that one subject breaks, once per rule and subject while it stands.

    `since` is when the threshold was crossed, `seen_at` the last reading that says so or otherwise, and
    `calm_since` since when the figure has been back. What nobody measures changes nothing. `told` is the
    status people were last told of.
    """

    tenant = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    rule = TenantForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    subject_id = models.UUIDField()
    subject_kind = models.CharField(max_length=10, choices=SubjectKind)
    subject_name = models.CharField(max_length=255)
    severity = models.CharField(max_length=8, choices=Severity)
    status = models.CharField(max_length=8, choices=AlertStatus, default=AlertStatus.PENDING)
    value = models.FloatField()
    peak = models.FloatField()
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    calm_since = models.DateTimeField(null=True)
    fired_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=160, blank=True, default="")
    told = models.CharField(max_length=8, blank=True, default="", db_default="")

    class Meta:
        verbose_name = "alert"
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject_id"],
                name="alert_once_while_it_stands",
                condition=models.Q(status__in=["pending", "firing"]),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=AlertStatus.values), name="alert_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(subject_kind__in=SubjectKind.values), name="alert_subject_known"
            ),
            models.CheckConstraint(
                condition=models.Q(severity__in=Severity.values), name="alert_severity_known"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="alert_newest"),
            models.Index(
                fields=["updated_at"],
                name="alert_untold",
                condition=models.Q(status__in=["firing", "resolved"])
                & ~models.Q(told=models.F("status")),
            ),
        ]

    def __str__(self) -> str:
        return self.subject_name
