"""Pages of findings: list, one with its two sides, decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.authz import Actor
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.kernel.ui import status_style
from portal.kernel.web.table_views import TableView
from portal.kernel.web.views import ActionView, PortalView
from provisioning.models import Finding, Template
from provisioning.permissions import Permission
from provisioning.selectors.findings import finding_get, finding_list, sees_all, tenant_names
from provisioning.selectors.transfers import receivers_everywhere
from provisioning.selectors.watch import watched_list
from provisioning.services import decisions
from provisioning.services.adoption import AdoptionRequest, finding_adopt
from provisioning.services.dns.stale import names_leave, names_remove, names_repair
from provisioning.services.retired_disks import finding_delete_disks
from provisioning.services.watch import finding_destroy
from provisioning.states import FindingStatus
from provisioning.web.explanations import advice, pairs, sides, truths
from provisioning.web.explanations import decisions as decisions_shown
from provisioning.web.finding_table import FINDINGS, FindingRow
from provisioning.web.forms import labelled
from provisioning.web.receivers import ReceiverField, receiver_of
from provisioning.web.timelines import history

_WATCHED_MOST: Final = 50
_SAID: Final[Mapping[str, tuple[Callable[..., Any], Any]]] = {
    "close": (decisions.finding_close, gettext_lazy("It is closed until it changes.")),
    "forget": (
        decisions.finding_forget,
        gettext_lazy("The deployment is forgotten; its quota is free."),
    ),
    "accept": (decisions.finding_accept, gettext_lazy("It is accepted as it is.")),
}
_TYPED: Final[Mapping[str, tuple[Callable[..., Any], Any]]] = {
    "delete": (finding_delete_disks, gettext_lazy("The disks are being deleted.")),
    "destroy": (finding_destroy, gettext_lazy("The machine is being destroyed.")),
}
_PLAIN: Final[Mapping[str, tuple[Callable[..., Any], Any]]] = {
    "reapply": (decisions.finding_reapply, gettext_lazy("Our figures are being set again.")),
    "repair": (names_repair, gettext_lazy("The names are being set again.")),
    "remove": (names_remove, gettext_lazy("The names are being removed.")),
    "leave": (names_leave, gettext_lazy("uHub has let go of these names.")),
}


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=decisions.REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AdoptForm(forms.Form):
    """To whom a machine is given, under which name, and as what."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=63)
    template = forms.ChoiceField(label=gettext_lazy("Template"))
    receiver = ReceiverField(label=gettext_lazy("Organisation and owner"))

    def __init__(self, *args: Any, actor: Actor, finding: Finding, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "adopt_%s"} | kwargs)
        receiver = self.fields["receiver"]
        assert isinstance(receiver, ReceiverField)
        found = receivers_everywhere(actor=actor, permission=Permission.CLUSTERS_MANAGE)
        receiver.offer((f"{one.tenant.slug}:{one.user.username}", one) for one in found)
        template = self.fields["template"]
        assert isinstance(template, forms.ChoiceField)
        offered = Template.objects.filter(cluster_id=finding.cluster_id)
        template.choices = list(offered.values_list("code", "name"))
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"{self[name].auto_id}_fault"

    def request(self) -> AdoptionRequest:
        """What was chosen. Raises InvalidInput with every field at fault."""
        if not self.is_valid():
            raise InvalidInput(
                faults=tuple(
                    Fault(name, "invalid", str(errors[0])) for name, errors in self.errors.items()
                )
            )
        said = dict(self.cleaned_data)
        tenant, owner = receiver_of(said.pop("receiver"))
        return AdoptionRequest(tenant=tenant, owner=owner, **said)


class TypedForm(forms.Form):
    """The number in the names of disks, typed by whoever wants them gone."""

    typed = forms.CharField(label=gettext_lazy("Number"), max_length=12)

    def __init__(self, *args: Any, vmid: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["typed"]
        field.help_text = _("Type %(vmid)s to say that you mean it.") % {"vmid": vmid}
        field.widget.attrs |= {"inputmode": "numeric", "autocomplete": "off", "pattern": str(vmid)}


class FindingList(TableView):
    """`/findings`."""

    permission = Permission.FINDINGS_VIEW
    table = FINDINGS
    template_name = "provisioning/finding/list.html"
    empty_name = "provisioning/finding/_empty.html"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Finding]:
        rows = finding_list(actor=self.actor)
        status = wanted.get("status") or FindingStatus.OPEN.value
        if status != "all":
            rows = rows.filter(status=status)
        if wanted.get("kind"):
            rows = rows.filter(kind=wanted["kind"])
        return rows.filter(cluster__code=wanted["cluster"]) if wanted.get("cluster") else rows

    def values(self) -> dict[str, Any]:
        return super().values() | {"watched": watched_list(actor=self.actor)[:_WATCHED_MOST]}

    def without(self) -> Collection[str]:
        return () if sees_all(self.actor) else ("tenant",)

    def shown(self, rows: list[Any]) -> Iterable[FindingRow]:
        names = tenant_names(rows) if sees_all(self.actor) else {}
        return [FindingRow(row, names.get(row.tenant_id, ""), _found(row)) for row in rows]


class FindingDetail(PortalView):
    """`/findings/{id}`."""

    permission = Permission.FINDINGS_VIEW
    template_name = "provisioning/finding/detail.html"

    def get(self, request: HttpRequest, finding_id: str) -> HttpResponse:
        finding = finding_get(actor=self.actor, finding_id=finding_id)
        actions = decisions.actions_for(self.actor, finding)
        obstacle = decisions.reapply_obstacle(finding) if "reapply" in actions else ""
        values = {
            "finding": finding,
            "tenant": tenant_names([finding]).get(finding.tenant_id, ""),
            "is_own": finding.tenant_id == self.actor.tenant_id,
            "advice": advice(finding),
            "look": status_style("finding_kind", finding.kind),
            "truths": truths(finding),
            "actions": actions,
            "decisions": decisions_shown(finding, actions, obstacle),
            "history": history(finding.pk),
        }
        values["sides"], values["same"] = sides(finding)
        values["reason_forms"] = {code: ReasonForm(auto_id=f"{code}_%s") for code in actions}
        if {"delete", "destroy"} & set(actions):
            values["typed_form"] = TypedForm(vmid=finding.vmid, auto_id="typed_%s")
        if "adopt" in actions:
            name = {"name": finding.found.get("name") or ""}
            values["adopt_form"] = AdoptForm(actor=self.actor, finding=finding, initial=name)
        return self.page(values)


class FindingAction(ActionView):
    """`/findings/{id}/{action}`."""

    permission = Permission.FINDINGS_VIEW

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:finding_detail", args=[kwargs["finding_id"]])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key: dict[str, Any] = {"actor": self.actor, "finding_id": kwargs["finding_id"]}
        code = kwargs["action"]
        if code in _SAID:
            act, told = _SAID[code]
            act(**key, reason=request.POST.get("reason", "").strip())
        elif code in _TYPED:
            act, told = _TYPED[code]
            act(**key, typed=request.POST.get("typed", ""))
        elif code in _PLAIN:
            act, told = _PLAIN[code]
            act(**key)
        elif code == "adopt":
            return self._adopt(request, key)
        else:
            raise NotFound
        return str(told)

    def _adopt(self, request: HttpRequest, key: dict[str, Any]) -> str:
        form = AdoptForm(request.POST, actor=self.actor, finding=finding_get(**key))
        try:
            deployment, _operation = finding_adopt(**key, request=form.request())
        except InvalidInput as error:
            places = dict.fromkeys(("tenant", "owner"), "receiver")
            raise InvalidInput(faults=labelled(form, error.faults, places)) from error
        return _("%(name)s is being adopted.") % {"name": deployment.name}


def _found(row: Finding) -> str:
    return ", ".join(f"{pair['label']}: {pair['found']}" for pair in pairs(row)[:2])
