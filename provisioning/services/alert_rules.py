"""Thresholds: the ones that are there from the beginning, and those people set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from audit.services import trail
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from provisioning.logic.alerting import FIRST_NAMES, AlertStatus, Operator, Severity
from provisioning.logic.measures import SHARES, Metric, SubjectKind
from provisioning.models import Alert, AlertRule
from provisioning.permissions import Permission
from provisioning.selectors.alerts import alert_get, is_platforms, rule_rows
from provisioning.tags import Tag

FIELDS: Final = (
    "name",
    "subject_kind",
    "metric",
    "operator",
    "threshold",
    "hysteresis",
    "for_s",
    "severity",
    "is_active",
)
RULES_MOST: Final = 100
FOR_MOST_S: Final = 24 * 3600
_K, _M = SubjectKind, Metric
_MINUTE_S: Final = 60
_FIRST: Final = (
    ("node-memory", _K.NODE, _M.MEMORY, 90, 10, Severity.WARNING),
    ("node-memory-full", _K.NODE, _M.MEMORY, 97, 5, Severity.CRITICAL),
    ("node-cpu", _K.NODE, _M.CPU, 95, 15, Severity.WARNING),
    ("node-disk", _K.NODE, _M.DISK, 90, 10, Severity.CRITICAL),
    ("host-memory", _K.HOST, _M.MEMORY, 95, 10, Severity.WARNING),
    ("host-disk", _K.HOST, _M.DISK, 90, 10, Severity.CRITICAL),
    ("machine-cpu", _K.DEPLOYMENT, _M.CPU, 98, 60, Severity.WARNING),
)


def rules_ensure() -> int:
    """Makes the platform's first rules where they lack; those that people changed stay as they are."""
    known = set(
        AlertRule.across_tenants.filter(tenant_id=PLATFORM_TENANT_ID).values_list("code", flat=True)
    )
    made = [
        AlertRule(
            tenant_id=PLATFORM_TENANT_ID,
            code=code,
            name=FIRST_NAMES[code],
            subject_kind=kind,
            metric=metric,
            operator=Operator.ABOVE,
            threshold=threshold,
            hysteresis=3,
            for_s=minutes * _MINUTE_S,
            severity=severity,
        )
        for code, kind, metric, threshold, minutes, severity in _FIRST
        if code not in known
    ]
    AlertRule.across_tenants.bulk_create(made, ignore_conflicts=True)
    return len(made)


def rule_create(*, actor: Actor, values: Mapping[str, Any]) -> AlertRule:
    """Sets a threshold for the organisation in scope, or for the platform by its staff.

    Raises:
        Refused: the actor does not set thresholds.
        InvalidInput: a field breaks its rule, the name is taken, or there are too many rules.
    """
    authorize(actor, Permission.ALERTS_MANAGE)
    own = None if is_platforms(actor) else actor.tenant_id
    tenant_id = own or PLATFORM_TENANT_ID
    with rule_rows(actor) as rows:
        if rows.count() >= RULES_MOST:
            raise InvalidInput(gettext("There are at most %(most)s rules.") % {"most": RULES_MOST})
        rule = AlertRule(tenant_id=tenant_id)
        _fill(rule, values)
        _save(rule, alias=rows.db, is_new=True)
        after = _shown(rule)
        trail.record(
            tag=Tag.ALERT_RULE_SAVED, target=rule, after=after, actor=actor, tenant_id=tenant_id
        )
    return rule


def rule_change(*, actor: Actor, rule_id: UUID | str, values: Mapping[str, Any]) -> AlertRule:
    """Changes a threshold; what stands against one that is switched off ends.

    Raises:
        Refused, InvalidInput: as `rule_create`.
        NotFound: there is no such rule.
    """
    authorize(actor, Permission.ALERTS_MANAGE)
    with rule_rows(actor) as rows:
        rule = _locked(rows, rule_id)
        before = _shown(rule)
        _fill(rule, values)
        after = _shown(rule)
        if before != after:
            _save(rule, alias=rows.db, is_new=False)
            trail.record(
                tag=Tag.ALERT_RULE_SAVED,
                target=rule,
                before=before,
                after=after,
                actor=actor,
                tenant_id=rule.tenant_id,
            )
    return rule


def rule_delete(*, actor: Actor, rule_id: UUID | str) -> None:
    """Deletes a threshold with its alerts. Raises Refused, NotFound, Conflict for one of the first ones."""
    authorize(actor, Permission.ALERTS_MANAGE)
    with rule_rows(actor) as rows:
        rule = _locked(rows, rule_id)
        if rule.code:
            raise Conflict(gettext("This rule came with uHub. It can be switched off."))
        trail.record(
            tag=Tag.ALERT_RULE_DELETED,
            target=rule,
            before=_shown(rule),
            actor=actor,
            tenant_id=rule.tenant_id,
        )
        Alert.objects.using(rows.db).filter(rule_id=rule.pk).delete()
        rows.filter(pk=rule.pk).delete()


def alert_acknowledge(*, actor: Actor, alert_id: UUID | str) -> Alert:
    """Says that somebody looks after it. Raises Refused, NotFound, Conflict when it is over."""
    authorize(actor, Permission.ALERTS_MANAGE)
    with rule_rows(actor) as rows, transaction.atomic(using=rows.db):
        alert = alert_get(actor=actor, alert_id=alert_id)
        if alert.status != AlertStatus.FIRING:
            raise Conflict(gettext("This alert is over."))
        standing = Alert.objects.using(rows.db).filter(pk=alert.pk, acknowledged_at__isnull=True)
        now = clock.now()
        who = {"acknowledged_at": now, "acknowledged_by": actor.label[:160], "updated_at": now}
        if standing.update(**who):
            trail.record(
                tag=Tag.ALERT_ACKNOWLEDGED,
                target=alert,
                target_label=alert.subject_name,
                actor=actor,
                tenant_id=alert.tenant_id,
            )
    return alert_get(actor=actor, alert_id=alert_id)


def _fill(rule: AlertRule, values: Mapping[str, Any]) -> None:
    """Sets what is given; the name a first rule is shown under leaves the one it has."""
    shown = rule.title
    for name in FIELDS:
        if name in values and not (name == "name" and values[name] == shown):
            setattr(rule, name, values[name])
    faults = []
    if not 0 <= rule.for_s <= FOR_MOST_S:
        most = {"most": FOR_MOST_S}
        faults.append(Fault("for_s", "invalid", gettext("From 0 to %(most)s seconds.") % most))
    if rule.metric in SHARES and not 0 <= rule.threshold <= 100:
        faults.append(Fault("threshold", "invalid", gettext("A share is from 0 to 100 percent.")))
    if rule.threshold < 0 or rule.hysteresis < 0:
        faults.append(Fault("hysteresis", "invalid", gettext("Not below 0.")))
    if rule.subject_kind == SubjectKind.NODE and rule.tenant_id != PLATFORM_TENANT_ID:
        text = gettext("Nodes are watched by the platform's staff.")
        faults.append(Fault("subject_kind", "invalid", text))
    if faults:
        raise InvalidInput(faults=tuple(faults))


def _save(rule: AlertRule, *, alias: str, is_new: bool) -> None:
    try:
        rule.clean_fields(exclude=["tenant"])
        with transaction.atomic(using=alias):
            rule.save(using=alias, force_insert=is_new)
    except ValidationError as error:
        faults = [
            Fault(name, "invalid", str(messages[0]))
            for name, messages in error.message_dict.items()
        ]
        raise InvalidInput(faults=tuple(faults)) from None
    except IntegrityError:
        raise InvalidInput(gettext("There is a rule of this name."), field="name") from None


def _locked(rows: Any, rule_id: UUID | str) -> AlertRule:
    try:
        found: AlertRule | None = rows.select_for_update().filter(pk=UUID(str(rule_id))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound(gettext("There is no such rule."))
    return found


def _shown(rule: AlertRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in FIELDS}
