"""`/infrastructure/windows`: maintenance that is known beforehand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel import clock
from portal.kernel.errors import InvalidInput
from portal.kernel.web.paging import page_of
from portal.kernel.web.views import UNPROCESSABLE, ActionView, PortalView
from portal.kernel.web.widgets import DateTimeInput
from provisioning.permissions import Permission
from provisioning.selectors.infrastructure import cluster_list
from provisioning.selectors.windows import window_list, window_next
from provisioning.services.windows import REASON_MOST, window_cancel, window_plan_new
from provisioning.states import Recurrence


class WindowForm(forms.Form):
    """When, where, how often, why."""

    cluster_id = forms.ChoiceField(label=gettext_lazy("Cluster"))
    starts_at = forms.DateTimeField(label=gettext_lazy("From"), widget=DateTimeInput())
    ends_at = forms.DateTimeField(label=gettext_lazy("To"), widget=DateTimeInput())
    recurrence = forms.ChoiceField(label=gettext_lazy("How often"), choices=Recurrence.choices)
    repeats_until = forms.DateTimeField(
        label=gettext_lazy("Last before"), widget=DateTimeInput(), required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=3,
        max_length=REASON_MOST,
        help_text=gettext_lazy("People whose work waits will read it."),
    )

    def __init__(self, *args: Any, clusters: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["cluster_id"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = clusters


class MaintenanceWindows(PortalView):
    """The windows and, for who may, a form for the next."""

    permission = Permission.INFRASTRUCTURE_VIEW
    template_name = "provisioning/infrastructure/windows.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown(None)

    def clusters(self) -> list[tuple[str, str]]:
        """Those one may be planned for."""
        return [(str(one.pk), one.name) for one in cluster_list(actor=self.actor)]

    def shown(self, form: WindowForm | None, *, status: int = 200) -> HttpResponse:
        """The page, with a form as it was sent or an empty one."""
        page, now = page_of(self.request, window_list(actor=self.actor)), clock.now()
        rows = [{"row": one, "next": window_next(one, now)} for one in page.rows]
        may_manage = self.actor.may(Permission.INFRASTRUCTURE_MANAGE)
        values = {
            "rows": rows,
            "previous": page.previous,
            "next": page.next,
            "may_manage": may_manage,
            "form": form or (WindowForm(clusters=self.clusters()) if may_manage else None),
        }
        return self.page(values, status=status)


class WindowNew(MaintenanceWindows):
    """`/infrastructure/windows/new`: plans one."""

    permission = Permission.INFRASTRUCTURE_MANAGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WindowForm(request.POST, clusters=self.clusters())
        if form.is_valid():
            zone = timezone.get_current_timezone_name()
            try:
                window_plan_new(actor=self.actor, time_zone=zone, **form.cleaned_data)
            except InvalidInput as error:
                for fault in error.faults:
                    form.add_error(
                        fault.field if fault.field in form.fields else None, fault.message
                    )
            else:
                messages.success(request, _("The maintenance is planned."))
                address = reverse("provisioning:maintenance_windows")
                return HttpResponseRedirect(address, status=303)
        return self.shown(form, status=UNPROCESSABLE)


class WindowCancel(ActionView):
    """`/infrastructure/windows/{id}/cancel`."""

    permission = Permission.INFRASTRUCTURE_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:maintenance_windows")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        window_cancel(actor=self.actor, window_id=kwargs["window_id"])
        return _("The maintenance is canceled.")
