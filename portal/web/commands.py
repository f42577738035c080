"""What the platform itself offers in the palette: operations, looks, organisations, the own account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from audit.permissions import Permission as AuditPermission
from portal.kernel.authz import SIGNED_IN
from portal.kernel.commands import (
    Asking,
    Availability,
    Command,
    Offer,
    Parameter,
    ParameterKind,
    Plan,
    Row,
)
from portal.models import Operation
from portal.permissions import Permission
from portal.selectors.operations import (
    operation_list,
    operation_may_cancel,
    operation_may_retry,
)

_K = ParameterKind
OPERATION: Final = Parameter("operation", _K.SUBJECT, gettext_lazy("an operation"), of="operation")
TENANT: Final = Parameter("tenant", _K.SUBJECT, gettext_lazy("an organisation"), of="tenant")


def _offer_operations(verb: str) -> Offer:
    """Which operations can be tried again, or canceled."""

    def offer(asking: Asking, ids: Sequence[str]) -> Mapping[str, Availability]:
        rows: list[Operation] = asking.once(
            ("operations", tuple(ids[:1])),
            lambda: list(operation_list(actor=asking.actor).filter(pk__in=list(ids)[:1])),
        )
        return {str(row.pk): _operation(asking, row, verb) for row in rows}

    return offer


def _operation(asking: Asking, row: Operation, verb: str) -> Availability:
    may = {"retry": operation_may_retry, "cancel": operation_may_cancel}[verb]
    if may(actor=asking.actor, operation=row):
        return Availability()
    reason = _("Its state or your role does not allow it.")
    return Availability(reason, Permission.OPERATIONS_MANAGE, is_listed=False)


def _operation_plan(verb: str, title: Any, text: Any, confirm: Any) -> Any:
    def plan(_asking: Asking, values: Mapping[str, Any]) -> Plan:
        row: Row = values["operation"]
        return Plan(
            title=str(title) % {"name": row.title},
            text=str(text),
            confirm=str(confirm),
            action=reverse(f"portal:operation_{verb}", args=[row.id]),
        )

    return plan


def _replay_plan(_asking: Asking, _values: Mapping[str, Any]) -> Plan:
    return Plan(
        title=_("Try all failed operations again"),
        text=_("Every operation of your organisation that failed is put in the queue once more."),
        confirm=_("Try all again"),
        action=reverse("portal:operations_replay"),
        fields={"all": "1"},
        is_dangerous=True,
    )


def _tenant_plan(_asking: Asking, values: Mapping[str, Any]) -> Plan:
    row: Row = values["tenant"]
    return Plan(
        title=_("Work in %(name)s") % {"name": row.title},
        text=_("Its dashboard opens."),
        confirm=_("Switch"),
        action=reverse("portal:tenant_switch"),
        fields={"tenant": row.id},
    )


def _sign_out_plan(_asking: Asking, _values: Mapping[str, Any]) -> Plan:
    return Plan(
        title=_("Sign out"),
        text=_("This browser forgets you."),
        confirm=_("Sign out"),
        action=reverse("portal:sign_out"),
    )


def _theme(theme: str, label: Any, icon: str, phrase: Any, *phrases: str) -> Command:
    def plan(_asking: Asking, _values: Mapping[str, Any]) -> Plan:
        return Plan(
            title=str(label),
            confirm=_("Change"),
            action=reverse("portal:theme"),
            fields={"theme": theme},
        )

    return Command(
        key=f"theme.{theme}",
        label=label,
        icon=icon,
        permission=SIGNED_IN,
        phrases=phrases,
        phrase=phrase,
        plan=plan,
        keywords=("theme", "thème", "apparence"),
        order=200,
    )


COMMANDS: Final = (
    Command(
        key="operation.retry",
        label=gettext_lazy("Try an operation again"),
        sub=gettext_lazy("an operation"),
        icon="rotate-cw",
        permission=Permission.OPERATIONS_VIEW,
        phrases=("retry operation", "réessayer l'opération"),
        phrase=pgettext_lazy("first words of a command line", "retry operation"),
        pattern=gettext_lazy("Try again: %(name)s"),
        parameters=(OPERATION,),
        plan=_operation_plan(
            "retry",
            gettext_lazy("Try again: %(name)s"),
            gettext_lazy("It is put in the queue once more."),
            gettext_lazy("Try again"),
        ),
        offer=_offer_operations("retry"),
        order=100,
    ),
    Command(
        key="operation.cancel",
        label=gettext_lazy("Cancel an operation"),
        sub=gettext_lazy("an operation"),
        icon="ban",
        permission=Permission.OPERATIONS_VIEW,
        phrases=("cancel operation", "annuler l'opération"),
        phrase=pgettext_lazy("first words of a command line", "cancel operation"),
        pattern=gettext_lazy("Cancel: %(name)s"),
        parameters=(OPERATION,),
        plan=_operation_plan(
            "cancel",
            gettext_lazy("Cancel: %(name)s"),
            gettext_lazy("It stops after the step it is at."),
            gettext_lazy("Cancel the operation"),
        ),
        offer=_offer_operations("cancel"),
        order=102,
    ),
    Command(
        key="operation.replay",
        label=gettext_lazy("Try all failed operations again"),
        icon="list-restart",
        permission=Permission.OPERATIONS_MANAGE,
        phrases=("replay failed", "rejouer les échecs"),
        phrase=pgettext_lazy("first words of a command line", "replay failed"),
        plan=_replay_plan,
        order=104,
    ),
    Command(
        key="tenant.switch",
        label=gettext_lazy("Switch organisation"),
        sub=gettext_lazy("an organisation"),
        icon="building-2",
        permission=SIGNED_IN,
        phrases=("switch to", "passer à"),
        phrase=pgettext_lazy("first words of a command line", "switch to"),
        pattern=gettext_lazy("Work in %(name)s"),
        parameters=(TENANT,),
        plan=_tenant_plan,
        order=190,
    ),
    _theme(
        *("dark", gettext_lazy("Dark theme"), "moon"),
        pgettext_lazy("words of a command line", "dark theme"),
        *("dark theme", "theme dark", "thème sombre"),
    ),
    _theme(
        *("light", gettext_lazy("Light theme"), "sun"),
        pgettext_lazy("words of a command line", "light theme"),
        *("light theme", "theme light", "thème clair"),
    ),
    _theme(
        *("system", gettext_lazy("Theme of the system"), "sun-moon"),
        pgettext_lazy("words of a command line", "system theme"),
        *("system theme", "theme system", "thème du système"),
    ),
    Command(
        key="stuck-work",
        label=gettext_lazy("Stuck work"),
        sub=gettext_lazy("what does not go on by itself"),
        icon="octagon-alert",
        permission=Permission.STUCK_VIEW,
        url="/stuck-work",
        keywords=("blocked", "bloqué", "dead letter", "retry", "rollback"),
        order=128,
    ),
    Command(
        key="workers",
        label=gettext_lazy("Workers and queues"),
        sub=gettext_lazy("what waits, and who works"),
        icon="cpu",
        permission=Permission.WORKERS_VIEW,
        url="/workers",
        keywords=("queue", "file d'attente", "worker", "celery"),
        order=130,
    ),
    Command(
        key="system-health",
        label=gettext_lazy("System health"),
        sub=gettext_lazy("parts and events of the platform"),
        icon="heart-pulse",
        permission=AuditPermission.SYSTEM_EVENTS_VIEW,
        url="/system-health",
        keywords=("logs", "journal", "events", "événements", "readiness"),
        order=132,
    ),
    Command(
        key="system-health.errors",
        label=gettext_lazy("Errors of the platform's processes"),
        sub=gettext_lazy("system events"),
        icon="octagon-x",
        permission=AuditPermission.SYSTEM_EVENTS_VIEW,
        url="/system-health?level=error",
        keywords=("exceptions", "erreurs", "logs"),
        order=134,
    ),
    Command(
        key="profile",
        label=gettext_lazy("My profile"),
        sub=gettext_lazy("language, time zone, sessions"),
        icon="circle-user",
        permission=SIGNED_IN,
        url="/profile",
        keywords=("account", "compte", "langue", "fuseau horaire"),
        order=210,
    ),
    Command(
        key="sign-out",
        label=gettext_lazy("Sign out"),
        icon="log-out",
        permission=SIGNED_IN,
        phrases=("sign out", "log out", "logout", "se déconnecter"),
        phrase=pgettext_lazy("words of a command line", "sign out"),
        plan=_sign_out_plan,
        order=220,
    ),
)
