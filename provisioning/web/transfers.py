"""Pages of machines that change hands: one offered or moved, the offers, a leaver's machines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.kernel.authz import Actor
from portal.kernel.errors import DomainError, InvalidInput, NotFound
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.paging import page_of
from portal.kernel.web.views import UNPROCESSABLE, ActionView, PortalView
from portal.models import User
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get, deployment_list, is_in_hands_of
from provisioning.selectors.transfers import (
    PEOPLE_MOST,
    receivers,
    receivers_everywhere,
    transfer_list,
    transfer_open_of,
)
from provisioning.services import transfers
from provisioning.services.bulk import ACCEPTED, BULK_MOST, deployments_bulk
from provisioning.services.moves import deployment_move
from provisioning.states import TransferStatus
from provisioning.web.receivers import ReceiverField, receiver_of

_ACTIONS = {
    "accept": transfers.transfer_accept,
    "decline": transfers.transfer_decline,
    "withdraw": transfers.transfer_withdraw,
}


class OfferForm(forms.Form):
    """To whom, and why."""

    to_user_id = forms.ChoiceField(label=gettext_lazy("New owner"))
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=500)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to_user_id"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *((str(one.pk), str(one)) for one in people)]


class WhoForm(forms.Form):
    """Who leaves."""

    person = forms.ChoiceField(label=gettext_lazy("Person"))

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["person"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *((str(one.pk), str(one)) for one in people)]


class MoveForm(forms.Form):
    """To which other organisation and person, and why; people as `organisation:person`."""

    receiver = ReceiverField(label=gettext_lazy("Organisation and new owner"))
    reason = forms.CharField(label=gettext_lazy("Reason"), min_length=3, max_length=500)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field, here = self.fields["receiver"], current_tenant_id()
        assert isinstance(field, ReceiverField)
        found = receivers_everywhere(actor=actor, permission=Permission.MOVE)
        field.offer((f"{m.tenant_id}:{m.user_id}", m) for m in found if m.tenant_id != here)


class DeploymentHandover(PortalView):
    """`/deployments/{id}/transfer`: to a colleague, or (platform staff) to another organisation."""

    permission = Permission.OPERATE
    template_name = "provisioning/deployment/transfer.html"

    def get(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        return self._show(self._deployment(deployment_id))

    def post(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        deployment = self._deployment(deployment_id)
        is_move = "receiver" in request.POST
        if is_move and not self.actor.may(Permission.MOVE):
            raise NotFound
        form = self._move(request.POST) if is_move else self._offer(deployment, request.POST)
        if form.is_valid():
            try:
                return self._done(deployment, form.cleaned_data, is_move=is_move)
            except InvalidInput as error:
                for fault in error.faults:
                    form.add_error(None, fault.message)
            except DomainError as error:
                if error.http_status in {403, 404}:
                    raise
                form.add_error(None, error.message)
        shown = {"move_form": form} if is_move else {"form": form}
        return self._show(deployment, status=UNPROCESSABLE, **shown)

    def _done(self, deployment: Deployment, said: dict[str, Any], *, is_move: bool) -> HttpResponse:
        here = reverse("provisioning:deployment_detail", args=[deployment.pk])
        if is_move:
            tenant_id, user_id = receiver_of(said["receiver"])
            deployment_move(
                actor=self.actor,
                deployment_id=deployment.pk,
                to_tenant_id=tenant_id,
                to_user_id=user_id,
                reason=said["reason"],
            )
            text = _("%(name)s belongs to another organisation now.")
            here = reverse("provisioning:deployment_list")
        else:
            _row, offer = transfers.deployment_transfer(
                actor=self.actor, deployment_id=deployment.pk, **said
            )
            is_done = offer.status == TransferStatus.ACCEPTED
            text = _("%(name)s has a new owner.") if is_done else _("%(name)s is offered.")
        messages.success(self.request, text % {"name": deployment.name})
        return HttpResponseRedirect(here, status=303)

    def _deployment(self, deployment_id: str) -> Deployment:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        if not is_in_hands_of(self.actor, deployment):
            raise NotFound
        return deployment

    def _offer(self, deployment: Deployment, data: Any = None) -> OfferForm:
        people = receivers(tenant_id=deployment.tenant_id)
        others = [one for one in people if one.pk != deployment.owner_id]
        return OfferForm(data, people=others)

    def _move(self, data: Any = None) -> MoveForm:
        return MoveForm(data, actor=self.actor, auto_id="move_%s")

    def _show(
        self, deployment: Deployment, *, status: int = 200, **forms_shown: Any
    ) -> HttpResponse:
        values = {
            "deployment": deployment,
            "waiting": transfer_open_of(deployment),
            "is_at_once": self.actor.may(Permission.MANAGE),
            "form": self._offer(deployment),
            "move_form": self._move() if self.actor.may(Permission.MOVE) else None,
        }
        return self.page(values | forms_shown, status=status)


class TransferList(PortalView):
    """`/transfers`: the organisation's offers."""

    permission = Permission.VIEW
    template_name = "provisioning/transfer/list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        page = page_of(request, transfer_list(actor=self.actor))
        me = self.actor.user_id
        rows = [
            {
                "row": one,
                "may_answer": one.to_owner_id == me and one.status == TransferStatus.PENDING,
                "may_withdraw": one.status == TransferStatus.PENDING
                and self.actor.may(Permission.OPERATE)
                and (one.requester_id == me or is_in_hands_of(self.actor, one.deployment)),
            }
            for one in page.rows
        ]
        values = {
            "rows": rows,
            "previous": page.previous,
            "next": page.next,
            "may_offboard": self.actor.may(Permission.MANAGE),
        }
        return self.page(values)


class TransferAction(ActionView):
    """`/transfers/{id}/{accept|decline|withdraw}`."""

    permission = Permission.OPERATE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:transfer_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        act = _ACTIONS.get(kwargs["action"])
        if act is None:
            raise NotFound
        row = act(actor=self.actor, transfer_id=kwargs["transfer_id"])
        return str(TransferStatus(row.status).label)


class Offboarding(PortalView):
    """`/offboarding?person=`: all machines of somebody who leaves, given away or ended."""

    permission = Permission.MANAGE
    template_name = "provisioning/transfer/offboarding.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request.GET.get("person", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        person, action = request.POST.get("person", ""), request.POST.get("action", "")
        if action not in {"transfer", "expire"}:
            return self._show(person, status=UNPROCESSABLE)
        ids = [row.pk for row in self._machines(person)[:BULK_MOST]]
        given = {"to_user_id": request.POST.get("to_user_id", ""), "reason": _("Offboarding")}
        try:
            found = deployments_bulk(
                actor=self.actor,
                action=action,
                ids=ids,
                **(given if action == "transfer" else {}),
            )
        except InvalidInput as error:
            messages.error(request, error.message)
            return self._show(person, status=UNPROCESSABLE)
        done = sum(one.outcome == ACCEPTED for one in found)
        text = ngettext("%(count)s machine is done.", "%(count)s machines are done.", done)
        messages.success(request, text % {"count": done})
        for one in found:
            if one.error is not None:
                messages.error(request, f"{one.name or one.id}: {one.error.message}")
        address = f"{reverse('provisioning:offboarding')}?person={person}"
        return HttpResponseRedirect(address, status=303)

    def _machines(self, person: str) -> list[Deployment]:
        try:
            key = UUID(person)
        except ValueError:
            return []
        rows = deployment_list(actor=self.actor).filter(owner_id=key).order_by("name")
        return list(rows[: BULK_MOST + 1])

    def _show(self, person: str, *, status: int = 200) -> HttpResponse:
        tenant_id = current_tenant_id()
        able = list(receivers(tenant_id=tenant_id)) if tenant_id else []
        owning = deployment_list(actor=self.actor).order_by().values("owner_id")
        owners = User.objects.filter(pk__in=owning).order_by("display_name", "username")
        machines = self._machines(person)
        others = [one for one in able if str(one.pk) != person]
        values = {
            "who_form": WhoForm(initial={"person": person}, people=list(owners[:PEOPLE_MOST])),
            "person": person,
            "machines": machines[:BULK_MOST],
            "has_more": len(machines) > BULK_MOST,
            "give_form": OfferForm(people=others),
        }
        return self.page(values, status=status)
