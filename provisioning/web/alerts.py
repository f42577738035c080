"""`/alerts`: what crossed a threshold, and `/alerts/rules`: the thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.web.table_views import TableView
from portal.kernel.web.views import UNPROCESSABLE, ActionView, PortalView
from provisioning.logic.alerting import AlertStatus, Operator, Severity
from provisioning.logic.measures import Metric, SubjectKind
from provisioning.models import Alert, AlertRule
from provisioning.permissions import Permission
from provisioning.selectors.alerts import alert_list, is_platforms, rule_get, rule_list
from provisioning.services.alert_rules import (
    FIELDS,
    FOR_MOST_S,
    alert_acknowledge,
    rule_change,
    rule_create,
    rule_delete,
)
from provisioning.web.alert_table import ALERTS, AlertRow
from provisioning.web.measures import figure_text


class RuleForm(forms.Form):
    """A threshold."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    subject_kind = forms.ChoiceField(label=gettext_lazy("Of"), choices=SubjectKind.choices)
    metric = forms.ChoiceField(label=gettext_lazy("Metric"), choices=Metric.choices)
    operator = forms.ChoiceField(label=gettext_lazy("Wrong when"), choices=Operator.choices)
    threshold = forms.FloatField(
        label=gettext_lazy("Threshold"),
        min_value=0,
        help_text=gettext_lazy("Percent, or bytes per second of disk and network."),
    )
    hysteresis = forms.FloatField(
        label=gettext_lazy("Comes back by"),
        min_value=0,
        initial=3,
        help_text=gettext_lazy("How far the figure must come back before the alert may end."),
    )
    for_s = forms.IntegerField(
        label=gettext_lazy("For how long, in seconds"),
        min_value=0,
        max_value=FOR_MOST_S,
        initial=600,
    )
    severity = forms.ChoiceField(label=gettext_lazy("Severity"), choices=Severity.choices)
    is_active = forms.BooleanField(label=gettext_lazy("In use"), required=False, initial=True)

    def __init__(self, *args: Any, sees_nodes: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not sees_nodes:
            kind = self.fields["subject_kind"]
            assert isinstance(kind, forms.ChoiceField)
            kind.choices = [one for one in SubjectKind.choices if one[0] != SubjectKind.NODE]


class AlertList(TableView):
    """`/alerts`."""

    permission = Permission.ALERTS_VIEW
    table = ALERTS
    template_name = "provisioning/alert/list.html"
    empty_name = "provisioning/alert/_empty.html"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Alert]:
        rows = alert_list(actor=self.actor)
        status = wanted.get("status") or AlertStatus.FIRING.value
        if status != "all":
            rows = rows.filter(status=status)
        for name in ("severity", "subject_kind"):
            if wanted.get(name):
                rows = rows.filter(**{name: wanted[name]})
        return rows

    def shown(self, rows: list[Any]) -> Iterable[AlertRow]:
        may = self.actor.may(Permission.ALERTS_MANAGE)
        return [AlertRow(row, may) for row in rows]


class AlertAcknowledge(ActionView):
    """`/alerts/{id}/acknowledge`."""

    permission = Permission.ALERTS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:alert_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        alert = alert_acknowledge(actor=self.actor, alert_id=kwargs["alert_id"])
        return _("You look after %(subject)s.") % {"subject": alert.subject_name}


class RuleList(PortalView):
    """`/alerts/rules`."""

    permission = Permission.ALERTS_VIEW
    template_name = "provisioning/alert/rules.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        rules = rule_list(actor=self.actor)
        values = {
            "rules": [_shown(rule) for rule in rules],
            "may_manage": self.actor.may(Permission.ALERTS_MANAGE),
        }
        return self.page(values)


class RuleEdit(PortalView):
    """`/alerts/rules/new` and `/alerts/rules/{id}`."""

    permission = Permission.ALERTS_MANAGE
    template_name = "provisioning/alert/rule.html"

    def get(self, request: HttpRequest, rule_id: str = "") -> HttpResponse:
        rule = rule_get(actor=self.actor, rule_id=rule_id) if rule_id else None
        initial = None
        if rule:
            initial = {name: getattr(rule, name) for name in FIELDS} | {"name": rule.title}
        return self._page(RuleForm(initial=initial, sees_nodes=is_platforms(self.actor)), rule)

    def post(self, request: HttpRequest, rule_id: str = "") -> HttpResponse:
        rule = rule_get(actor=self.actor, rule_id=rule_id) if rule_id else None
        form = RuleForm(request.POST, sees_nodes=is_platforms(self.actor))
        if form.is_valid():
            try:
                if rule is None:
                    rule_create(actor=self.actor, values=form.cleaned_data)
                else:
                    rule_change(actor=self.actor, rule_id=rule.pk, values=form.cleaned_data)
            except InvalidInput as error:
                for fault in error.faults:
                    form.add_error(
                        fault.field if fault.field in form.fields else None, fault.message
                    )
            else:
                response = HttpResponseRedirect(reverse("provisioning:rule_list"))
                response.status_code = 303
                return response
        return self._page(form, rule, status=UNPROCESSABLE)

    def _page(self, form: RuleForm, rule: AlertRule | None, *, status: int = 200) -> HttpResponse:
        return self.page({"form": form, "rule": rule}, status=status)


class RuleDelete(ActionView):
    """`/alerts/rules/{id}/delete`."""

    permission = Permission.ALERTS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:rule_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        if kwargs["action"] != "delete":
            raise NotFound
        rule_delete(actor=self.actor, rule_id=kwargs["rule_id"])
        return _("The rule is deleted with its alerts.")


def _shown(rule: AlertRule) -> dict[str, Any]:
    return {
        "row": rule,
        "of": SubjectKind(rule.subject_kind).label,
        "metric": Metric(rule.metric).label,
        "limit": f"{Operator(rule.operator).label} {figure_text(rule.metric, rule.threshold)}",
        "minutes": rule.for_s // 60,
    }
