"""Pages of the same action on many deployments: what it means, then what became of each.

The confirmation carries a key. What was done is kept under it like an API answer under its
Idempotency-Key, so a second submit does nothing again and both see the same results.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.kernel.answers import KeyScope, StoredAnswer, answer_store
from portal.kernel.authz import authorize
from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.models import uuid7
from portal.kernel.tenancy import DEFAULT, current_tenant_id
from portal.kernel.ui import Text
from portal.kernel.web.views import UNPROCESSABLE, PortalView
from provisioning.errors import DeploymentBusy, WrongState
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_list
from provisioning.selectors.transfers import receivers
from provisioning.services.bulk import (
    ACCEPTED,
    ACTIONS,
    BULK_MOST,
    NOT_FOUND,
    BulkResult,
    bulk_permission,
    deployments_bulk,
)
from provisioning.services.leases import extension_rules
from provisioning.web.forms import ReasonedForm, SpanField, TagsField
from provisioning.web.presentation import actions
from provisioning.web.transfers import OfferForm

_KEY: Final = re.compile(r"[0-9a-f-]{36}")
# What may be done to whom that may do this to it, in the same states.
_LIKE: Final = {"tag": "extend", "transfer": "extend", "expire": "shorten"}
_SKIPPED: Final = frozenset({DeploymentBusy.code, WrongState.code})


@dataclass(frozen=True, slots=True)
class Look:
    """How an action is asked for: its icon, question, consequence and button."""

    icon: str
    title: Text
    text: Text
    confirm: Text
    variant: str = "primary"


LOOKS: Final[dict[str, Look]] = {
    "start": Look(
        "play",
        gettext_lazy("Start these machines?"),
        gettext_lazy("They boot and count as running until their lease ends."),
        gettext_lazy("Start"),
    ),
    "stop": Look(
        "square",
        gettext_lazy("Stop these machines?"),
        gettext_lazy("Who works on them is cut off. Disks, addresses and quota stay."),
        gettext_lazy("Stop"),
    ),
    "restart": Look(
        "rotate-cw",
        gettext_lazy("Restart these machines?"),
        gettext_lazy("Who works on them is cut off until they have booted again."),
        gettext_lazy("Restart"),
    ),
    "extend": Look(
        "calendar-plus",
        gettext_lazy("Extend these leases?"),
        gettext_lazy(
            "Each lease ends later by as many hours. What the rules do not give is asked for."
        ),
        gettext_lazy("Extend"),
    ),
    "tag": Look(
        "tag",
        gettext_lazy("Change the tags of these machines?"),
        gettext_lazy("Tags are added and removed; the others stay."),
        gettext_lazy("Change tags"),
    ),
    "transfer": Look(
        "handshake",
        gettext_lazy("Give these machines to somebody?"),
        gettext_lazy("A colleague accepts each; who manages all machines hands them over at once."),
        gettext_lazy("Give away"),
    ),
    "expire": Look(
        "calendar-x",
        gettext_lazy("End these leases now?"),
        gettext_lazy("The machines are stopped, and deleted after the grace with their warnings."),
        gettext_lazy("End leases"),
        "danger",
    ),
    "delete": Look(
        "trash-2",
        gettext_lazy("Delete these machines?"),
        gettext_lazy(
            "The machines and everything on their disks are destroyed. There is no way back."
        ),
        gettext_lazy("Delete"),
        "danger",
    ),
}


class StopForm(forms.Form):
    """How to stop."""

    mode = forms.ChoiceField(
        label=gettext_lazy("How"),
        choices=[
            ("shutdown", gettext_lazy("Shut down in an orderly way")),
            ("force", gettext_lazy("Cut the power")),
        ],
    )


class ExtendAllForm(ReasonedForm):
    """How much longer, for all of them; a reason asks beyond the rules."""

    hours = SpanField(
        label=gettext_lazy("How much longer"),
        help_text=gettext_lazy("Days and hours, such as 2 d 12 h."),
    )
    field_order = ("hours", "reason")


class TagForm(forms.Form):
    """Tags by name."""

    add = TagsField(label=gettext_lazy("Add"), required=False, max_length=400)
    remove = TagsField(label=gettext_lazy("Remove"), required=False, max_length=400)


class DeleteForm(forms.Form):
    """The number of machines, typed by whoever wants them gone."""

    typed = forms.CharField(label=gettext_lazy("Confirmation"), max_length=10)

    def __init__(self, *args: Any, count: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = count
        field = self.fields["typed"]
        field.widget.attrs |= {"inputmode": "numeric", "autocomplete": "off"}
        hint = gettext_lazy("Type the number of machines: {count}")
        field.help_text = format_lazy(str(hint), count=str(count))

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"].strip()
        if typed != str(self.count):
            raise forms.ValidationError(_("Type %(count)s to delete them.") % {"count": self.count})
        return typed


@dataclass(frozen=True, slots=True)
class Planned:
    """A machine and why it will be left out, if it will."""

    deployment: Deployment
    obstacle: str


class DeploymentsBulk(PortalView):
    """`/deployments/bulk`: first what it means, and when that is confirmed, the deed."""

    permission = Permission.VIEW
    http_method_names = ["post"]
    template_name = "provisioning/deployment/bulk.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        action, ids = request.POST.get("action", ""), request.POST.getlist("ids")
        if action in ACTIONS:
            authorize(self.actor, bulk_permission(action))
        if fault := _fault(action, ids):
            messages.error(request, fault)
            return _to_list()
        planned = self._planned(action, ids)
        is_confirmed = "confirmed" in request.POST
        form = _form(action, len(planned), request.POST if is_confirmed else None)
        key = request.POST.get("key", "") if is_confirmed else str(uuid7())
        if not is_confirmed or not _KEY.fullmatch(key):
            return self._ask(action, planned, form, key or str(uuid7()))
        if form is not None and not form.is_valid():
            return self._ask(action, planned, form, key, status=UNPROCESSABLE)
        given = {**form.cleaned_data} if form is not None else {}
        given.pop("typed", None)
        try:
            self._act(action, ids, key, given)
        except InvalidInput as error:
            messages.error(request, error.message)
            return self._ask(action, planned, form, key, status=UNPROCESSABLE)
        target = reverse("provisioning:deployments_bulk_results", args=[key])
        return HttpResponseRedirect(target, status=303)

    def _planned(self, action: str, ids: Sequence[str]) -> list[Planned]:
        rows = deployment_list(actor=self.actor).filter(pk__in=_known(ids))
        return [Planned(row, self._obstacle(action, row)) for row in rows.order_by("name")]

    def _obstacle(self, action: str, row: Deployment) -> str:
        offered = actions(self.actor, row)
        action = _LIKE.get(action, action)
        if action in offered:
            return offered[action]["reason"]
        if not offered:
            return _("It belongs to %(owner)s.") % {"owner": row.owner}
        return _("It cannot be done in this state.")

    def _ask(
        self,
        action: str,
        planned: Sequence[Planned],
        form: forms.Form | None,
        key: str,
        *,
        status: int = 200,
    ) -> HttpResponse:
        count = sum(not one.obstacle for one in planned)
        values = {
            "action": action,
            "look": LOOKS[action],
            "planned": planned,
            "count": count,
            "left_out": len(planned) - count,
            "disk_gb": sum(one.deployment.disk_gb for one in planned if not one.obstacle),
            "form": form,
            "key": key,
        }
        return self.page(values, status=status)

    def _act(self, action: str, ids: Sequence[str], key: str, given: dict[str, Any]) -> None:
        """Once: whoever comes with the same key waits for the first and does nothing."""
        scope, store = _scope(self, key), answer_store()
        if store.find(scope, alias=DEFAULT, is_patient=True) is not None:
            return
        names = dict(
            deployment_list(actor=self.actor)
            .filter(pk__in=_known(ids))
            .order_by()
            .values_list("pk", "name")
        )
        found = deployments_bulk(actor=self.actor, action=action, ids=ids, **given)
        shown = [_kept(one, {str(pk): name for pk, name in names.items()}) for one in found]
        body = orjson.dumps({"action": action, "results": shown}).decode()
        digest = sha256("\n".join([action, *ids]).encode()).hexdigest()
        store.keep(scope, StoredAnswer(digest, 200, {}, body), alias=DEFAULT)


class BulkResults(PortalView):
    """`/deployments/bulk/{key}`: what became of each, for who asked for it, for a day."""

    permission = Permission.OPERATE
    template_name = "provisioning/deployment/bulk_results.html"

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        known = answer_store().find(_scope(self, key), alias=DEFAULT, is_patient=True)
        if known is None:
            raise NotFound(_("These results are not kept any more."))
        body = orjson.loads(known.body)
        counts = Counter(one["outcome"] for one in body["results"])
        values = {
            "look": LOOKS[body["action"]],
            "results": body["results"],
            "counts": counts,
            "sentence": _sentence(counts),
        }
        return self.page(values)


def _scope(view: PortalView, key: str) -> KeyScope:
    user_id = view.actor.user_id
    if user_id is None or current_tenant_id() is None:
        raise NotFound
    path = reverse("provisioning:deployments_bulk")
    return KeyScope(user_id, current_tenant_id(), "POST", path, key)


def _form(action: str, count: int, data: Any) -> forms.Form | None:
    match action:
        case "stop":
            return StopForm(data)
        case "extend":
            return ExtendAllForm(data, step_hours=extension_rules().step_hours)
        case "tag":
            return TagForm(data)
        case "transfer":
            tenant_id = current_tenant_id()
            people = list(receivers(tenant_id=tenant_id)) if tenant_id else []
            return OfferForm(data, people=people)
        case "delete":
            return DeleteForm(data, count=count)
        case _:
            return None


def _kept(result: BulkResult, names: dict[str, str]) -> dict[str, Any]:
    """A result as the page shows it; what its state did not allow was skipped."""
    code = result.error.error_code if result.error else ""
    outcome = result.outcome
    if code in _SKIPPED:
        outcome = "skipped"
    elif outcome == NOT_FOUND:
        outcome = "refused"
    elif outcome == ACCEPTED and result.extension_request:
        outcome = "requested"
    return {
        "id": result.id,
        "name": result.name or names.get(result.id, result.id),
        "is_known": result.id in names,
        "outcome": outcome,
        "text": result.error.message if result.error else "",
        "operation_id": str(result.operation.pk) if result.operation else "",
    }


def _sentence(counts: Counter[str]) -> str:
    done, left = counts["accepted"] + counts["requested"], counts["refused"] + counts["skipped"]
    parts = [ngettext("%(count)s accepted", "%(count)s accepted", done) % {"count": done}]
    if left:
        parts.append(ngettext("%(count)s left out", "%(count)s left out", left) % {"count": left})
    return ", ".join(parts)


def _fault(action: str, ids: Sequence[str]) -> str:
    if action not in ACTIONS:
        return _("The action is one of %(known)s.") % {"known": ", ".join(ACTIONS)}
    if not ids:
        return _("Tick the machines first.")
    if len(ids) > BULK_MOST:
        told = {"count": len(ids), "most": BULK_MOST}
        return _("%(count)s at once are too many: at most %(most)s. Do them in parts.") % told
    return ""


def _known(ids: Sequence[str]) -> list[str]:
    return [one for one in ids if _KEY.fullmatch(one)]


def _to_list() -> HttpResponse:
    return HttpResponseRedirect(reverse("provisioning:deployment_list"), status=303)
