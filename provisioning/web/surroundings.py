"""What the palette finds and does around machines: hooks, webhooks, zones, thresholds, the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.kernel.commands import (
    Asking,
    Availability,
    Command,
    Parameter,
    ParameterKind,
    Plan,
    Row,
    SearchProvider,
    Words,
)
from portal.kernel.narrowing import Narrowing
from provisioning.logic.consoles import obstacle_text
from provisioning.logic.hook_states import HookEvent, WebhookState
from provisioning.models import AlertRule, DnsZone, Hook, Webhook
from provisioning.permissions import Permission
from provisioning.selectors.alerts import rule_list
from provisioning.selectors.deployments import is_in_hands_of
from provisioning.selectors.dns import zone_list
from provisioning.selectors.hooks import hook_list
from provisioning.selectors.webhooks import webhook_list
from provisioning.services.consoles import obstacle_of
from provisioning.web.command_plans import machine_of, machines_of
from provisioning.web.commands import MACHINE
from provisioning.web.search import keys

_NAMED: Final = Narrowing(("name",))
_RECEIVERS: Final = Narrowing(("name", "url"))
_A_WEBHOOK: Final = gettext_lazy("a webhook")


def hooks_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Hooks by name."""
    return [_hook(one) for one in _NAMED(hook_list(actor=asking.actor), words, limit)]


def hooks_get(asking: Asking, ids: Sequence[str]) -> list[Row]:
    """Hooks by id."""
    return [_hook(one) for one in hook_list(actor=asking.actor).filter(pk__in=keys(ids))]


def _hook(one: Hook) -> Row:
    return Row(
        title=one.name,
        url=reverse("provisioning:hook_detail", args=[one.pk]),
        sub=str(HookEvent(one.event).label),
        icon="webhook",
        id=str(one.pk),
        keywords=(one.event,),
    )


def webhooks_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Webhooks by name and address."""
    return [_webhook(one) for one in _RECEIVERS(webhook_list(actor=asking.actor), words, limit)]


def webhooks_get(asking: Asking, ids: Sequence[str]) -> list[Row]:
    """Webhooks by id."""
    return [_webhook(one) for one in webhook_list(actor=asking.actor).filter(pk__in=keys(ids))]


def _webhook(one: Webhook) -> Row:
    return Row(
        title=one.name,
        url=reverse("provisioning:webhook_detail", args=[one.pk]),
        sub=one.url,
        icon="send",
        id=str(one.pk),
        keywords=(one.url,),
        status=("webhook", one.state),
    )


def zones_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Zones by name."""
    return [_zone(one) for one in _NAMED(zone_list(actor=asking.actor), words, limit)]


def _zone(one: DnsZone) -> Row:
    offered = one.organisation.name if one.organisation else _("offered to all")
    return Row(
        title=one.name,
        url=reverse("provisioning:name_list"),
        sub=_("Zone, %(offered)s") % {"offered": offered},
        icon="globe",
        id=str(one.pk),
    )


def rules_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Thresholds by name."""
    return [_rule(one) for one in _NAMED(rule_list(actor=asking.actor), words, limit)]


def rules_get(asking: Asking, ids: Sequence[str]) -> list[Row]:
    """Thresholds by id."""
    return [_rule(one) for one in rule_list(actor=asking.actor).filter(pk__in=keys(ids))]


def _rule(one: AlertRule) -> Row:
    return Row(
        title=one.title,
        url=reverse("provisioning:rule_edit", args=[one.pk]),
        sub=_("Threshold"),
        icon="siren",
        id=str(one.pk),
        keywords=(one.name, one.metric),
    )


def console_offer(asking: Asking, ids: Sequence[str]) -> Mapping[str, Availability]:
    """Which screens the actor may look at, and why not now."""
    found = {}
    for one in machines_of(asking, ids):
        if is_in_hands_of(asking.actor, one):
            found[str(one.pk)] = Availability(obstacle_text(obstacle_of(one)))
        else:
            reason = _("It belongs to %(owner)s.") % {"owner": one.owner}
            found[str(one.pk)] = Availability(reason, Permission.MANAGE, is_listed=False)
    return found


def console_plan(asking: Asking, values: Mapping[str, Any]) -> Plan:
    """Goes to the page of the screen."""
    machine = machine_of(asking, values)
    return Plan(
        title=_("Open the console of %(name)s") % {"name": machine.name},
        text=_("Its screen and its keyboard, in this window."),
        confirm=_("Open the console"),
        action=reverse("provisioning:deployment_console", args=[machine.pk]),
        is_page=True,
    )


def trial_offer(asking: Asking, ids: Sequence[str]) -> Mapping[str, Availability]:
    """Which receivers can be sent a test now."""
    rows = webhook_list(actor=asking.actor).filter(pk__in=keys(ids))
    return {str(one.pk): Availability(_silence(one)) for one in rows}


def _silence(webhook: Webhook) -> str:
    if not webhook.is_active:
        return _("The webhook is switched off. Switch it on first.")
    if webhook.state == WebhookState.PAUSED:
        return _("The webhook is paused. Resume it first.")
    return ""


def trial_plan(_asking: Asking, values: Mapping[str, Any]) -> Plan:
    """Sends a test message."""
    row: Row = values["webhook"]
    return Plan(
        title=_("Test %(name)s") % {"name": row.title},
        text=_("A signed message that says no more than that it is a test goes there at once."),
        confirm=_("Send a test"),
        action=reverse("provisioning:webhook_action", args=[row.id, "test"]),
    )


PROVIDERS: Final = (
    SearchProvider(
        kind="hook",
        label=gettext_lazy("Hooks"),
        icon="webhook",
        permission=Permission.HOOKS_VIEW,
        find=hooks_find,
        get=hooks_get,
        place="/hooks/",
        target_type="hook",
        order=56,
    ),
    SearchProvider(
        kind="webhook",
        label=gettext_lazy("Webhooks"),
        icon="send",
        permission=Permission.WEBHOOKS_VIEW,
        find=webhooks_find,
        get=webhooks_get,
        place="/webhooks/",
        target_type="webhook",
        order=57,
    ),
    SearchProvider(
        kind="zone",
        label=gettext_lazy("Zones"),
        icon="globe",
        permission=Permission.DNS_VIEW,
        find=zones_find,
        order=58,
    ),
    SearchProvider(
        kind="alert_rule",
        label=gettext_lazy("Thresholds"),
        icon="siren",
        permission=Permission.ALERTS_VIEW,
        find=rules_find,
        get=rules_get,
        place="/alerts/rules/",
        order=59,
    ),
)
COMMANDS: Final = (
    Command(
        key="deployment.console",
        label=gettext_lazy("Open the console"),
        pattern=gettext_lazy("Open the console of %(name)s"),
        phrase=pgettext_lazy("first words of a command line", "open console of"),
        phrases=(
            *("open console of", "open the console of", "console of", "console"),
            *("ouvrir la console de", "ouvre la console de", "console de"),
        ),
        icon="monitor",
        permission=Permission.OPERATE,
        parameters=(MACHINE,),
        plan=console_plan,
        offer=console_offer,
        sub=gettext_lazy("a machine"),
        order=33,
    ),
    Command(
        key="webhook.test",
        label=gettext_lazy("Test a webhook"),
        pattern=gettext_lazy("Test %(name)s"),
        phrase=pgettext_lazy("first words of a command line", "test webhook"),
        phrases=("test webhook", "test the webhook", "tester le webhook", "teste le webhook"),
        icon="send",
        permission=Permission.WEBHOOKS_MANAGE,
        parameters=(Parameter("webhook", ParameterKind.SUBJECT, _A_WEBHOOK, of="webhook"),),
        plan=trial_plan,
        offer=trial_offer,
        sub=_A_WEBHOOK,
        order=58,
    ),
)
