"""What people are told of alerts: a notice for each, a mail for the critical ones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel import events
from portal.kernel.authz import Actor
from portal.kernel.notices import Words, register_notice_kind
from portal.kernel.stored_text import translated
from portal.kernel.tenancy import PLATFORM_TENANT_ID
from portal.kernel.ui import Tone
from portal.models import User
from portal.selectors.memberships import members_permitted
from portal.selectors.notifications import platform_people
from portal.services.mail import MailReference, mail_enqueue
from portal.services.notifications import Notice, notify
from portal.services.preferences import person_language
from provisioning.events import AlertChanged
from provisioning.logic.alerting import AlertStatus, Severity
from provisioning.logic.measures import SHARES, Metric
from provisioning.permissions import Permission

FIRED: Final = "alert.fired"
RESOLVED: Final = "alert.resolved"
_TEMPLATE: Final = "provisioning/mail/alert.txt"


def alert_notices_register() -> None:
    """Makes the kinds known and subscribes to alerts."""
    register_notice_kind(
        FIRED, gettext_lazy("A threshold is crossed"), "siren", Tone.DANGER, text=_fired_text
    )
    register_notice_kind(
        RESOLVED,
        gettext_lazy("An alert is over"),
        "circle-check",
        Tone.OK,
        default_on=False,
        text=_resolved_text,
    )
    events.subscribe(AlertChanged, _told)


def _told(event: AlertChanged) -> None:
    people = _people(event)
    kind = FIRED if event.status == AlertStatus.FIRING else RESOLVED
    words = {
        "subject": event.subject,
        "rule": event.rule,
        "metric": event.metric,
        "value": round(event.value, 1),
    }
    path = reverse("provisioning:alert_list")
    notify(
        Notice(kind, f"alert:{event.alert_id}:{event.status}", path, words),
        tenant_id=event.tenant_id,
        user_ids=people,
    )
    if kind == FIRED and event.severity == Severity.CRITICAL:
        _mails(event, people)


def _people(event: AlertChanged) -> set[UUID]:
    """The owner and who sets thresholds there; for the platform its staff."""
    if event.tenant_id == PLATFORM_TENANT_ID:
        return set(platform_people())
    people = members_permitted(tenant_id=event.tenant_id, permission=Permission.ALERTS_MANAGE)
    return {*people, *([event.owner_id] if event.owner_id else [])}


def _mails(event: AlertChanged, people: Collection[UUID]) -> None:
    actor = Actor.system("alerts", tenant_id=event.tenant_id)
    readers = User.objects.filter(pk__in=people, is_active=True).exclude(email="")
    for reader in readers.order_by("pk"):
        with translation.override(person_language(reader)):
            values = _mail_values(event)
        mail_enqueue(
            actor=actor,
            recipient=reader,
            template=_TEMPLATE,
            values=values,
            reference=MailReference("alert", event.alert_id),
            tenant_id=event.tenant_id,
        )


def _mail_values(event: AlertChanged) -> dict[str, str]:
    """What the mail says, in the language in force."""
    return {
        "subject": event.subject,
        "rule": translated(event.rule),
        "metric": str(Metric(event.metric).label),
        "value": _figure(event.metric, event.value),
        "threshold": _figure(event.metric, event.threshold),
        "url": f"{settings.PUBLIC_URL}{reverse('provisioning:alert_list')}",
    }


def _figure(metric: str, value: float) -> str:
    number = formats.number_format(round(value, 1), use_l10n=True)
    return f"{number}\N{NO-BREAK SPACE}{'%' if metric in SHARES else 'B/s'}"


def _fired_text(words: Words) -> str:
    said = {
        "subject": words["subject"],
        "rule": translated(words["rule"]),
        "value": _figure(words["metric"], words["value"]),
    }
    return _("%(subject)s: %(rule)s, %(value)s") % said


def _resolved_text(words: Words) -> str:
    said = {"subject": words["subject"], "rule": translated(words["rule"])}
    return _("%(subject)s: %(rule)s is over") % said
