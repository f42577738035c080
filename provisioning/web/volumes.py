"""Volumes: the tab of a machine, the list of all, one volume, and the actions on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.logic.pricing import cost
from portal.kernel import live, ui
from portal.kernel.authz import Actor
from portal.kernel.commands import Asking, Row, SearchProvider, Words, register_search
from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.narrowing import Narrowing
from portal.kernel.ui import TargetLink
from portal.kernel.web.table_views import TableView
from portal.kernel.web.tables import register_table
from portal.kernel.web.views import ActionView, PortalView
from portal.models import Operation
from portal.services.settings import setting_get
from portal.templatetags.ui import gib
from portal.web.operations import operation_card
from provisioning.logic.volume_settings import MAX_GB, MIN_GB
from provisioning.logic.volumes import disk_serial, gb_price
from provisioning.models import Deployment, Volume
from provisioning.permissions import Permission
from provisioning.selectors import deployments, volumes
from provisioning.services import volumes as services
from provisioning.states import DeploymentStatus, VolumeStatus
from provisioning.web.forms import values_of
from provisioning.web.presentation import meters
from provisioning.web.search import keys
from provisioning.web.volume_table import VOLUMES, state_of

_S = VolumeStatus
_SEARCHED = Narrowing(("name", "storage_pool"))
_READY = frozenset({DeploymentStatus.RUNNING, DeploymentStatus.STOPPED})


class VolumeForm(forms.Form):
    """One more disk of a machine."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=63,
        help_text=gettext_lazy("Lower-case letters, digits and hyphens."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    size_gb = forms.IntegerField(label=gettext_lazy("Size"), initial=10)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        least, most = int(setting_get(MIN_GB)), int(setting_get(MAX_GB))
        self.fields["size_gb"].help_text = f"{least} – {most}"
        self.fields["size_gb"].widget.attrs.update(min=least, max=most)


class GrowForm(forms.Form):
    """A larger size."""

    size_gb = forms.IntegerField(label=gettext_lazy("Size"))

    def __init__(self, *args: Any, volume: Volume, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field, most = self.fields["size_gb"], int(setting_get(MAX_GB))
        field.initial, least = volume.size_gb + 10, volume.size_gb + 1
        field.help_text = f"{least} – {most}"
        field.widget.attrs.update(min=least, max=most)


def volumes_tab(actor: Actor, deployment: Deployment) -> dict[str, Any]:
    """Values of `provisioning/deployment/_tab_volumes.html` and of its dialog."""
    rows = list(volumes.volumes_of(actor=actor, deployment=deployment))
    may = actor.may(Permission.VOLUMES_MANAGE) and deployments.is_in_hands_of(actor, deployment)
    obstacle = ""
    if deployment.status not in _READY:
        obstacle = _("A volume needs a machine that is running or stopped.")
    return {
        "volumes": [shown(row) for row in rows],
        "may_add_volumes": may and deployment.status != DeploymentStatus.DELETED,
        "volume_obstacle": obstacle,
        "volume_form": VolumeForm(auto_id="volume_%s"),
        "gb_rate": gb_price(deployment.template.rates),
    }


def shown(row: Volume) -> dict[str, Any]:
    """A volume with what its row and its page say of it."""
    return {
        "row": row,
        "state": state_of(row),
        "serial": disk_serial(row.pk),
        "cost": cost(row.price_gb_hour * row.size_gb, hours=None, currency="EUR"),
    }


def volumes_cost(deployment: Deployment) -> dict[str, Any] | None:
    """{text, cost, together}: what the machine's volumes cost, and all of it; None where it has none."""
    count, size_gb, price = volumes.volumes_price(deployment)
    if not count:
        return None
    return {
        "text": f"{count} · {gib(size_gb)}",
        "cost": cost(price, hours=None, currency="EUR"),
        "together": cost(price + deployment.price_hour, hours=None, currency="EUR"),
    }


def attached_to(deployment: Deployment) -> list[Volume]:
    """What a deletion of the machine has to decide about."""
    rows = Volume.objects.filter(deployment_id=deployment.pk, status=_S.ATTACHED)
    return list(rows.order_by("name").only("name", "size_gb"))


class VolumeList(TableView):
    """`/volumes`."""

    permission = Permission.VIEW
    table = VOLUMES
    template_name = "provisioning/volume/list.html"
    empty_name = "provisioning/volume/_empty.html"
    live_topics = "volume"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Volume]:
        rows = volumes.volume_list(actor=self.actor)
        if text := wanted.get("search"):
            rows = rows.filter(name__icontains=text)
        if wanted.get("status"):
            rows = rows.filter(status=wanted["status"])
        return rows


class VolumeDetail(PortalView):
    """`/volumes/{id}`; the fragment is what changes by itself."""

    permission = Permission.VIEW
    template_name = "provisioning/volume/detail.html"
    fragment_name = "provisioning/volume/_live.html"

    def get(self, request: HttpRequest, volume_id: str) -> HttpResponse:
        volume = volumes.volume_get(actor=self.actor, volume_id=volume_id)
        may = (
            self.actor.may(Permission.VOLUMES_MANAGE)
            and volume.status != _S.DELETED
            and volumes.is_in_hands_of(self.actor, volume)
        )
        values = {
            **shown(volume),
            **operation_card(actor=self.actor, target_id=volume.pk),
            "volume": volume,
            "may_manage": may,
            "reasons": obstacles(volume) if may else {},
            "sees_places": self.actor.may(Permission.INFRASTRUCTURE_VIEW),
        }
        if may and not request.htmx:  # type: ignore[attr-defined]
            values["grow_form"] = GrowForm(volume=volume)
            values["targets"] = volumes.volume_targets(actor=self.actor, volume=volume)
        return self.page(values)


def obstacles(volume: Volume) -> dict[str, str]:
    """Each action with the reason why it cannot be done now, if any."""
    busy = _("Another action is under way on this volume.") if volume.is_busy else ""
    is_in, is_out = volume.status == _S.ATTACHED, volume.status == _S.DETACHED
    absent = "" if volume.stored_at else _("There is no disk yet.")
    return {
        "attach": busy or absent or ("" if is_out else _("It is attached already.")),
        "detach": busy or absent or (_("It is attached to nothing.") if is_out else ""),
        "grow": busy
        or absent
        or ("" if is_in or is_out else _("Detach it first, then it can grow.")),
        "delete": busy,
    }


class VolumePlanView(PortalView):
    """`/deployments/{id}/volumes/plan`: what the volume being typed would cost."""

    permission = Permission.VOLUMES_MANAGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        text = request.POST.get("size_gb", "")
        size = int(text) if text.isdecimal() and len(text) < 8 else 0
        plan = services.volume_plan(
            actor=self.actor,
            deployment_id=deployment_id,
            name=request.POST.get("name", "")[:63].strip(),
            size_gb=size,
        )
        values = {
            "plan": plan,
            "meters": [meter for meter in meters(plan.quota) if meter["value"] is not None][-1:],
            "deployment_id": deployment_id,
        }
        response = render(request, "provisioning/volume/_plan.html", values)
        response["Cache-Control"] = "no-store"
        return response


class VolumeAdd(ActionView):
    """`/deployments/{id}/volumes`."""

    permission = Permission.VOLUMES_MANAGE

    def target(self, **kwargs: Any) -> str:
        return _tab(kwargs["deployment_id"])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        wanted = values_of(VolumeForm(request.POST))
        done = services.volume_create(
            actor=self.actor,
            deployment_id=kwargs["deployment_id"],
            name=wanted["name"].strip(),
            size_gb=wanted["size_gb"],
        )
        return _followed(_("The volume is being created."), *done)


class VolumeActionView(ActionView):
    """`/volumes/{id}/{action}`."""

    permission = Permission.VOLUMES_MANAGE

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:volume_detail", args=[kwargs["volume_id"]])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {"actor": self.actor, "volume_id": kwargs["volume_id"]}
        match kwargs["action"]:
            case "attach":
                where = request.POST.get("deployment") or None
                done = services.volume_attach(**key, deployment_id=where)
                return _followed(_("It is being attached."), *done)
            case "detach":
                return _followed(_("It is being detached."), *services.volume_detach(**key))
            case "grow":
                size = _size(request.POST.get("size_gb", ""))
                done = services.volume_resize(**key, size_gb=size)
                return _followed(_("It is being grown."), *done)
            case "delete":
                volume = volumes.volume_get(**key)
                if request.POST.get("name", "").strip() != volume.name:
                    message = _("Type %(name)s to confirm.") % {"name": volume.name}
                    raise InvalidInput(message, field=_("Name"))
                return _followed(_("It is being deleted."), *services.volume_delete(**key))
            case _:
                raise NotFound


def _size(text: str) -> int:
    if text.strip().isdecimal() and len(text) < 10:
        return int(text)
    raise InvalidInput(_("Enter a whole number."), field=_("Size"))


def _followed(text: str, volume: Volume, operation: Operation) -> SafeString:
    address = reverse("portal:operation_detail", args=[operation.pk])
    label = _("Follow %(name)s") % {"name": volume.name}
    return format_html('{} <a class="link" href="{}">{}</a>', text, address, label)


def volumes_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Volumes by name and storage."""
    return [_row(one) for one in _SEARCHED(volumes.volume_list(actor=asking.actor), words, limit)]


def volumes_get(asking: Asking, ids: Collection[str]) -> list[Row]:
    """Volumes by id."""
    rows = volumes.volume_list(actor=asking.actor).filter(pk__in=keys(ids))
    return [_row(one) for one in rows]


def _row(one: Volume) -> Row:
    where = one.deployment.name if one.deployment else _("attached to nothing")
    size = _("%(amount)s GiB") % {"amount": one.size_gb}
    return Row(
        title=one.name,
        url=reverse("provisioning:volume_detail", args=[one.pk]),
        sub=f"{size} · {where}",
        icon="hard-drive",
        id=str(one.pk),
        keywords=(one.storage_pool,),
        status=("volume", one.status),
    )


PROVIDER = SearchProvider(
    kind="volume",
    label=gettext_lazy("Volumes"),
    icon="hard-drive",
    permission=Permission.VIEW,
    find=volumes_find,
    get=volumes_get,
    place="/volumes",
    target_type="volume",
    order=25,
)


def volume_links(ids: Collection[UUID]) -> Mapping[UUID, TargetLink]:
    """Volumes by name, for the pages of operations."""
    rows = Volume.objects.filter(pk__in=ids).values_list("pk", "name")
    return {
        pk: TargetLink(name, reverse("provisioning:volume_detail", args=[pk])) for pk, name in rows
    }


def _tab(deployment_id: UUID | str) -> str:
    return reverse("provisioning:deployment_detail", args=[deployment_id]) + "?tab=volumes"


def volumes_register() -> None:
    """Makes volumes known to lists, pages of operations, live pages and the search."""
    register_table(VOLUMES)
    ui.register_target("volume", volume_links)
    live.register_topic(live.Topic("volume", Permission.VIEW, volume_links))
    register_search(PROVIDER)
