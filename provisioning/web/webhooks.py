"""Pages of webhooks: list, one with its messages, form, key, one message."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel import clock, live, ui
from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.stored_text import translated
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.paging import page_of
from portal.kernel.web.table_views import TableView
from portal.kernel.web.tables import register_table
from portal.kernel.web.views import UNPROCESSABLE, ActionView, PortalView
from portal.services.settings import setting_get
from provisioning.logic.hook_states import DeliveryStatus, WebhookState
from provisioning.logic.webhook_events import webhook_event
from provisioning.models import Webhook, WebhookDelivery
from provisioning.permissions import Permission
from provisioning.selectors.webhooks import (
    delivery_counts,
    delivery_get,
    delivery_list,
    webhook_get,
    webhook_list,
    webhooks_named,
)
from provisioning.services import webhooks
from provisioning.web.hook_forms import WebhookForm
from provisioning.web.hook_table import HOOKS, WEBHOOKS, DeliveryFilters, delivery_answer
from provisioning.web.hooks import sections


class WebhookList(TableView):
    """`/webhooks`."""

    permission = Permission.WEBHOOKS_VIEW
    table = WEBHOOKS
    template_name = "provisioning/webhook/list.html"
    empty_name = "provisioning/webhook/_empty.html"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Webhook]:
        rows = webhook_list(actor=self.actor)
        return rows.filter(state=wanted["state"]) if wanted.get("state") else rows

    def page(self, values: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
        more = {
            "sections": sections(self.actor, "webhooks"),
            "may_manage": self.actor.may(Permission.WEBHOOKS_MANAGE),
        }
        return super().page({**values, **more}, status=status)


class WebhookDetail(PortalView):
    """`/webhooks/{id}`; the fragment is what changes by itself."""

    permission = Permission.WEBHOOKS_VIEW
    template_name = "provisioning/webhook/detail.html"
    fragment_name = "provisioning/webhook/_live.html"

    def get(self, request: HttpRequest, webhook_id: str) -> HttpResponse:
        return self.page(_values(self, request, webhook_id))


class WebhookEdit(PortalView):
    """`/webhooks/new` and `/webhooks/{id}/edit`."""

    permission = Permission.WEBHOOKS_MANAGE
    template_name = "provisioning/webhook/form.html"

    def get(self, request: HttpRequest, webhook_id: str = "") -> HttpResponse:
        known = webhook_get(actor=self.actor, webhook_id=webhook_id) if webhook_id else None
        return self._shown(WebhookForm.of(known) if known else WebhookForm(), known)

    def post(self, request: HttpRequest, webhook_id: str = "") -> HttpResponse:
        known = webhook_get(actor=self.actor, webhook_id=webhook_id) if webhook_id else None
        form = WebhookForm(request.POST)
        if form.is_valid():
            try:
                return self._saved(form, known)
            except InvalidInput as error:
                form.take(error)
        return self._shown(form, known, status=UNPROCESSABLE)

    def _saved(self, form: WebhookForm, known: Webhook | None) -> HttpResponse:
        wanted = form.request()
        if known is None:
            tenant_id = current_tenant_id()
            if tenant_id is None:
                raise NotFound
            webhook, secret = webhooks.webhook_create(
                actor=self.actor, tenant_id=tenant_id, request=wanted
            )
            return _key_page(self, webhook, secret)
        webhooks.webhook_change(actor=self.actor, webhook_id=known.pk, request=wanted)
        response = HttpResponseRedirect(reverse("provisioning:webhook_detail", args=[known.pk]))
        response.status_code = 303
        return response

    def _shown(
        self, form: WebhookForm, webhook: Webhook | None, *, status: int = 200
    ) -> HttpResponse:
        return self.page({"form": form, "webhook": webhook}, status=status)


class WebhookRotate(PortalView):
    """`/webhooks/{id}/rotate`: the new key is shown in the answer, and never again."""

    permission = Permission.WEBHOOKS_MANAGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, webhook_id: str) -> HttpResponse:
        webhook, secret = webhooks.webhook_rotate(actor=self.actor, webhook_id=webhook_id)
        return _key_page(self, webhook, secret)


class WebhookAction(ActionView):
    """`/webhooks/{id}/{action}`."""

    permission = Permission.WEBHOOKS_MANAGE

    def target(self, **kwargs: Any) -> str:
        if kwargs["action"] == "delete":
            return reverse("provisioning:webhook_list")
        return reverse("provisioning:webhook_detail", args=[kwargs["webhook_id"]])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key: dict[str, Any] = {"actor": self.actor, "webhook_id": kwargs["webhook_id"]}
        match kwargs["action"]:
            case "test":
                webhooks.webhook_test(**key)
                return _("A test message is on its way.")
            case "pause":
                webhooks.webhook_pause(**key)
                return _("It is paused. What happens meanwhile is collected.")
            case "resume":
                webhooks.webhook_resume(**key)
                return _("It sends again, first what was collected.")
            case "delete":
                webhooks.webhook_delete(**key)
                return _("The webhook is deleted.")
            case "replay":
                return _replayed(webhooks.webhook_replay(**key, **_what(request)))
            case _:
                raise NotFound


class DeliveryDetail(PortalView):
    """`/webhooks/{id}/deliveries/{id}`."""

    permission = Permission.WEBHOOKS_VIEW
    template_name = "provisioning/webhook/delivery.html"

    def get(self, request: HttpRequest, webhook_id: str, delivery_id: str) -> HttpResponse:
        row = delivery_get(actor=self.actor, webhook_id=webhook_id, delivery_id=delivery_id)
        option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
        return self.page(
            {
                "delivery": row,
                "event": _event_label(row.event),
                "reason": translated(row.reason),
                "payload": orjson.dumps(row.payload, option=option).decode(),
                "may_replay": self.actor.may(Permission.WEBHOOKS_MANAGE)
                and row.status != DeliveryStatus.PENDING,
            }
        )


def _values(view: PortalView, request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    webhook = webhook_get(actor=view.actor, webhook_id=webhook_id)
    filters = DeliveryFilters(request.GET)
    rows = delivery_list(actor=view.actor, webhook_id=webhook.pk)
    if filters.is_valid() and filters.cleaned_data["status"]:
        rows = rows.filter(status=filters.cleaned_data["status"])
    page = page_of(request, rows)
    shown = [
        {
            "row": row,
            "label": _event_label(row.event),
            "answer": delivery_answer(row),
            "reason": translated(row.reason),
        }
        for row in page.rows
    ]
    return {
        "webhook": webhook,
        "pause_reason": translated(webhook.pause_reason),
        "is_paused": webhook.state == WebhookState.PAUSED,
        "events": [_event_label(name) for name in webhook.events],
        "counts": delivery_counts(webhook),
        "filters": filters,
        "deliveries": shown,
        "previous": page.previous,
        "next": page.next,
        "path": request.get_full_path(),
        "may_manage": view.actor.may(Permission.WEBHOOKS_MANAGE),
    }


def _key_page(view: PortalView, webhook: Webhook, secret: str) -> HttpResponse:
    hours = int(setting_get("cloudpods.webhooks.rotation_hours"))
    values = {"webhook": webhook, "secret": secret, "hours": hours}
    response = render(view.request, "provisioning/webhook/key.html", values)
    response["Cache-Control"] = "no-store"
    return response


def _event_label(name: str) -> str:
    event = webhook_event(name)
    return str(event.label) if event else name


def _what(request: HttpRequest) -> dict[str, Any]:
    if request.POST.get("delivery"):
        return {"delivery_id": request.POST["delivery"]}
    try:
        hours = int(request.POST.get("hours", "24"))
    except ValueError:
        raise InvalidInput(_("Name a number of hours."), field="hours") from None
    return {"since": clock.now() - timedelta(hours=min(max(hours, 1), 24 * 365))}


def _replayed(rows: list[WebhookDelivery]) -> str:
    if not rows:
        return _("There is nothing to send again.")
    text = ngettext(
        "%(count)s message is on its way again.",
        "%(count)s messages are on their way again.",
        len(rows),
    )
    return text % {"count": len(rows)}


def webhook_links(ids: Collection[UUID]) -> Mapping[UUID, ui.TargetLink]:
    """Names and pages of webhooks, for the pages of operations."""
    return {
        pk: ui.TargetLink(name, reverse("provisioning:webhook_detail", args=[pk]))
        for pk, name in webhooks_named(ids).items()
    }


def webhooks_register() -> None:
    """Makes hooks and webhooks known to lists, pages of operations and live pages."""
    register_table(HOOKS)
    register_table(WEBHOOKS)
    ui.register_target("webhook", webhook_links)
    live.register_topic(live.Topic("webhook", Permission.WEBHOOKS_VIEW, webhook_links))
