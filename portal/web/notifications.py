"""Pages of notices: the bell's fragment, all of them with filters, what one wants to be told of."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.kernel.authz import SIGNED_IN
from portal.kernel.notices import notice_kinds
from portal.kernel.web.paging import page_of
from portal.kernel.web.views import ActionView, PortalView
from portal.models import Notification
from portal.selectors.notifications import (
    NoticeView,
    notice_switches,
    notification_list,
)
from portal.services.notifications import (
    notice_choices_set,
    notification_read,
    notifications_read,
)

_BELL = "portal/notifications/_bell.html"


class NotificationFilters(forms.Form):
    """What the list can be narrowed to."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("All")), ("unread", gettext_lazy("Unread"))],
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [("", _("Any kind")), *((one.key, one.label) for one in notice_kinds())]


class NotificationList(PortalView):
    """`/notifications`."""

    permission = SIGNED_IN
    template_name = "portal/notifications/list.html"
    fragment_name = "portal/notifications/_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = NotificationFilters(request.GET)
        page = page_of(request, self._filtered(filters))
        return self.page(
            {
                "filters": filters,
                "notices": [NoticeView(row) for row in page.rows],
                "previous": page.previous,
                "next": page.next,
            }
        )

    def _filtered(self, filters: NotificationFilters) -> QuerySet[Notification]:
        filters.is_valid()
        wanted = filters.cleaned_data
        rows = notification_list(actor=self.actor)
        if wanted.get("state"):
            rows = rows.filter(read_at__isnull=True)
        return rows.filter(kind=wanted["kind"]) if wanted.get("kind") else rows


class NotificationBell(PortalView):
    """`/notifications/bell`: the top bar's bell again, when it is told of something."""

    permission = SIGNED_IN
    template_name = _BELL

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.page({})


class _Reading(ActionView):
    """Answers the bell to the bell, and goes to the list otherwise."""

    permission = SIGNED_IN

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not getattr(request, "htmx", False):
            return super().post(request, **kwargs)
        self.perform(request, **kwargs)
        response = render(request, _BELL)
        response["Cache-Control"] = "no-store"
        return response

    def target(self, **kwargs: Any) -> str:
        return reverse("portal:notification_list")


class NotificationRead(_Reading):
    """`/notifications/{id}/read`."""

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        notification_read(actor=self.actor, notification_id=kwargs["notification_id"])
        return _("It is marked as read.")


class NotificationsRead(_Reading):
    """`/notifications/read-all`."""

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        count = notifications_read(actor=self.actor)
        text = ngettext(
            "%(count)s notification is marked as read.",
            "%(count)s notifications are marked as read.",
            count,
        )
        return text % {"count": count}


class NotificationSettings(PortalView):
    """`/notifications/settings`: which kinds one wants."""

    permission = SIGNED_IN
    template_name = "portal/notifications/settings.html"

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.page({"switches": notice_switches(actor=self.actor)})

    def post(self, request: HttpRequest) -> HttpResponse:
        notice_choices_set(actor=self.actor, wanted=request.POST.getlist("kinds"))
        messages.success(request, _("Your notifications are set."))
        response = HttpResponseRedirect(reverse("portal:notification_settings"))
        response.status_code = 303
        return response
