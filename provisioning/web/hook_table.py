"""The lists of hooks and webhooks, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.kernel.web.tables import Column, Table
from portal.templatetags.cells import NONE, badge_cell, clip_cell, link_cell, person_cell, tag_cell
from portal.templatetags.ui import relative_time
from provisioning.logic.hook_states import (
    DELIVERY_STYLES,
    RUN_STYLES,
    HookEvent,
    HookType,
    OnFailure,
    WebhookState,
)
from provisioning.models import Hook, Webhook, WebhookDelivery
from provisioning.permissions import Permission


@dataclass(frozen=True, slots=True)
class HookRow:
    """A hook as its cells read it, with how its last run ended."""

    hook: Hook
    last_status: str
    last_at: Any

    @property
    def pk(self) -> UUID:
        return self.hook.pk


class HookFilters(forms.Form):
    """Filters of the list, kept in the address."""

    event = forms.ChoiceField(
        label=gettext_lazy("Moment"),
        required=False,
        choices=[("", gettext_lazy("Any moment")), *HookEvent.choices],
    )
    type = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[("", gettext_lazy("Any kind")), *HookType.choices],
    )


class WebhookFilters(forms.Form):
    """Filters of the list, kept in the address."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("Any state")), *WebhookState.choices],
    )


class DeliveryFilters(forms.Form):
    """Filters of the log, kept in the address."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("Any state")),
            *((status, style.label) for status, style in DELIVERY_STYLES.items()),
        ],
    )


def _hook(row: HookRow) -> SafeString:
    hook = row.hook
    symbol = "webhook" if hook.type == HookType.HTTP else "scroll-text"
    url = reverse("provisioning:hook_detail", args=[hook.pk])
    return link_cell(symbol, url, hook.name, hook.target)


def _blocking(hook: Hook) -> str:
    if not hook.config.get("blocking"):
        return _("No")
    is_closed = hook.config.get("on_failure") == OnFailure.CLOSED
    return _("Yes, stops on failure") if is_closed else _("Yes, goes on after a failure")


def _active(is_active: bool) -> str:
    return _("On") if is_active else _("Off")


def _last_run(row: HookRow) -> SafeString | str:
    return badge_cell("hook_run", row.last_status) if row.last_status else NONE


HOOKS: Final = Table(
    key="hooks",
    row="hook",
    label=gettext_lazy("Hooks"),
    url="/hooks",
    permission=Permission.HOOKS_VIEW,
    filters=HookFilters,
    columns=(
        Column(
            "name",
            gettext_lazy("Hook"),
            _hook,
            lambda row: row.hook.name,
            sort="name",
            is_fixed=True,
        ),
        Column(
            "event",
            gettext_lazy("Moment"),
            lambda row: clip_cell(row.hook.get_event_display()),
            lambda row: row.hook.event,
            sort="event",
            is_fixed=True,
        ),
        Column(
            "blocking",
            gettext_lazy("Blocking"),
            lambda row: _blocking(row.hook),
            lambda row: _blocking(row.hook),
        ),
        Column(
            "active",
            gettext_lazy("Switched"),
            lambda row: tag_cell(_active(row.hook.is_active)),
            lambda row: _active(row.hook.is_active),
            on_phones=True,
        ),
        Column(
            "last",
            gettext_lazy("Last run"),
            _last_run,
            lambda row: str(RUN_STYLES[row.last_status].label) if row.last_status else "",
            on_phones=True,
        ),
        Column(
            "last_at",
            gettext_lazy("When"),
            lambda row: relative_time(row.last_at) if row.last_at else NONE,
            lambda row: row.last_at,
            is_numeric=True,
        ),
    ),
)


def _webhook(row: Webhook) -> SafeString:
    url = reverse("provisioning:webhook_detail", args=[row.pk])
    return link_cell("webhook", url, row.name, row.url)


def _state(row: Webhook) -> SafeString:
    return badge_cell("webhook", row.state) if row.is_active else tag_cell(_active(False))


def _events(row: Webhook) -> str:
    count = len(row.events)
    return ngettext("%(count)s event", "%(count)s events", count) % {"count": count}


WEBHOOKS: Final = Table(
    key="webhooks",
    row="webhook",
    label=gettext_lazy("Webhooks"),
    url="/webhooks",
    permission=Permission.WEBHOOKS_VIEW,
    filters=WebhookFilters,
    columns=(
        Column(
            "name",
            gettext_lazy("Webhook"),
            _webhook,
            lambda row: row.name,
            sort="name",
            is_fixed=True,
        ),
        Column(
            "state",
            gettext_lazy("State"),
            _state,
            lambda row: WebhookState(row.state).label,
            sort="state",
            is_fixed=True,
        ),
        Column("events", gettext_lazy("Events"), _events, lambda row: ", ".join(row.events)),
        Column(
            "owner",
            gettext_lazy("Owner"),
            lambda row: person_cell(str(row.owner)),
            lambda row: str(row.owner),
        ),
        Column(
            "failures",
            gettext_lazy("Failures in a row"),
            lambda row: str(row.failures),
            lambda row: row.failures,
            is_numeric=True,
            on_phones=True,
        ),
        Column(
            "last",
            gettext_lazy("Last delivered"),
            lambda row: relative_time(row.last_delivered_at) if row.last_delivered_at else NONE,
            lambda row: row.last_delivered_at,
            is_numeric=True,
            on_phones=True,
        ),
    ),
)


def delivery_answer(row: WebhookDelivery) -> str:
    """What became of a message in a few words."""
    if row.response_status:
        took = f" · {row.latency_ms} ms" if row.latency_ms is not None else ""
        return f"{row.response_status}{took}"
    return NONE
