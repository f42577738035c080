"""Names: the tab of a machine, the page of all names and zones, and the actions on both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.kernel import ui
from portal.kernel.authz import Actor
from portal.kernel.commands import Asking, Row, SearchProvider, Words, register_search
from portal.kernel.errors import NotFound
from portal.kernel.narrowing import Narrowing
from portal.kernel.ui import TargetLink
from portal.kernel.web.table_views import TableView
from portal.kernel.web.tables import register_table
from portal.kernel.web.views import ActionView
from provisioning.models import Deployment, DnsRecord, DnsServer, DnsZone
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get, is_in_hands_of
from provisioning.selectors.dns import (
    manages_all,
    record_counts,
    record_list,
    records_of,
    zone_list,
)
from provisioning.services.dns import naming, records, servers
from provisioning.states import DeploymentStatus
from provisioning.web.forms import values_of
from provisioning.web.name_table import NAMES
from provisioning.web.search import keys

ZONES_SHOWN = 50
_SEARCHED = Narrowing(("hostname", "zone_name"))


class NameForm(forms.Form):
    """One more name of a machine."""

    hostname = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=253,
        help_text=gettext_lazy(
            "One word goes into the default zone; a full name must lie in a zone of your organisation."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    ip_address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=45,
        required=False,
        help_text=gettext_lazy("Leave it empty to follow the machine's own address."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def names_tab(actor: Actor, deployment: Deployment) -> dict[str, Any]:
    """Values of `provisioning/deployment/_tab_names.html` and of its dialogs."""
    is_gone = deployment.status in {DeploymentStatus.DELETING, DeploymentStatus.DELETED}
    may = actor.may(Permission.DNS_MANAGE) and is_in_hands_of(actor, deployment)
    shown = list(records_of(actor=actor, deployment=deployment).order_by("created_at", "id"))
    return {
        "names": shown,
        "may_manage_names": may and not is_gone,
        "has_own_name": any(name.claims_name and not name.is_extra for name in shown),
        "name_form": NameForm(auto_id="name_%s"),
    }


class NameList(TableView):
    """`/dns`."""

    permission = Permission.DNS_VIEW
    table = NAMES
    template_name = "provisioning/dns/list.html"
    empty_name = "provisioning/dns/_empty.html"
    live_topics = "deployment"

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[DnsRecord]:
        rows = record_list(actor=self.actor)
        if text := wanted.get("search"):
            rows = rows.filter(Q(hostname__icontains=text) | Q(deployment__name__icontains=text))
        for name in ("status", "type"):
            if wanted.get(name):
                rows = rows.filter(**{name: wanted[name]})
        return rows

    def values(self) -> dict[str, Any]:
        zones = list(zone_list(actor=self.actor)[:ZONES_SHOWN])
        counts = record_counts(zones)
        may = self.actor.may(Permission.DNS_MANAGE)
        without = naming.nameless_by_zone(self.actor, zones, most=naming.AT_ONCE) if may else {}
        return {
            "zones": [
                self._shown(zone, counts.get(zone.pk, 0)) | {"nameless": without.get(zone.pk, 0)}
                for zone in zones
            ],
            "may_check": may,
        }

    def _shown(self, zone: DnsZone, count: int) -> dict[str, Any]:
        is_own = zone.organisation_id is not None and zone.organisation_id == self.actor.tenant_id
        may_change = self.actor.may(Permission.ZONES_MANAGE) and (is_own or manages_all(self.actor))
        return {
            "row": zone,
            "count": count,
            "owner": zone.organisation.name if zone.organisation else "",
            "may_lead": may_change and zone.kind == "forward" and not zone.is_default,
        }


class NameAdd(ActionView):
    """`/deployments/{id}/names`."""

    permission = Permission.DNS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return _tab(kwargs["deployment_id"])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        deployment_get(actor=self.actor, deployment_id=kwargs["deployment_id"])
        wanted = values_of(NameForm(request.POST))
        address = wanted["ip_address"].strip() or None
        record, operation = records.record_add(
            actor=self.actor,
            deployment_id=kwargs["deployment_id"],
            hostname=wanted["hostname"].strip().lower(),
            ip_address=address,
        )
        if operation is None:
            text = _("%(name)s is held; it is set as soon as the machine has an address.")
        else:
            text = _("%(name)s is being set.")
        return text % {"name": record.hostname}


class NameGive(ActionView):
    """`/deployments/{id}/names/give`."""

    permission = Permission.DNS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return _tab(kwargs["deployment_id"])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = kwargs["deployment_id"]
        record, _operation = naming.name_give(actor=self.actor, deployment_id=key)
        return _("%(name)s is its name now.") % {"name": record.hostname}


class NameAction(ActionView):
    """`/deployments/{id}/names/{record}/{action}`."""

    permission = Permission.DNS_MANAGE

    def target(self, **kwargs: Any) -> str:
        return _tab(kwargs["deployment_id"])

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {name: kwargs[name] for name in ("deployment_id", "record_id")}
        match kwargs["action"]:
            case "set-again":
                again = records.record_set_again(actor=self.actor, **key)
                return _("%(name)s is being set again.") % {"name": again[0].hostname}
            case "accept":
                record = records.record_let_go(actor=self.actor, **key)
                text = _("%(name)s is left to the name server.")
                return text % {"name": record.hostname}
            case "remove":
                record, _operation = records.record_remove(actor=self.actor, **key)
                return _("%(name)s is being removed.") % {"name": record.hostname}
            case _:
                raise NotFound


class ZoneAction(ActionView):
    """`/dns/zones/{id}/{action}`."""

    permission = Permission.DNS_VIEW

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:name_list")

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        key = {"actor": self.actor, "zone_id": kwargs["zone_id"]}
        match kwargs["action"]:
            case "check":
                servers.zone_check(**key)
                return _("The zone is being compared with its name server.")
            case "give":
                return _told(naming.names_give(**key))
            case "lead":
                zone = servers.zone_change(**key, is_default=True)
                return _("Names of one word go into %(zone)s now.") % {"zone": zone.name}
            case _:
                raise NotFound


def _told(results: Sequence[naming.Given]) -> str:
    """How many machines got a name, and the first reason why one did not."""
    given = sum(bool(one.hostname) for one in results)
    text = ngettext("%(count)s machine got a name.", "%(count)s machines got a name.", given)
    told = text % {"count": given}
    refused = next((one for one in results if one.reason), None)
    return told if refused is None else f"{told} {refused.deployment.name}: {refused.reason}"


def names_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Names by themselves and their zone."""
    return [_row(one) for one in _SEARCHED(record_list(actor=asking.actor), words, limit)]


def names_get(asking: Asking, ids: Collection[str]) -> list[Row]:
    """Names by id."""
    return [_row(one) for one in record_list(actor=asking.actor).filter(pk__in=keys(ids))]


def _row(one: DnsRecord) -> Row:
    parts = (one.type, one.ip_address or "", one.deployment.name)
    return Row(
        title=one.hostname,
        url=_tab(one.deployment_id),
        sub=" · ".join(part for part in parts if part),
        icon="at-sign",
        id=str(one.pk),
        keywords=(one.ip_address or "", one.zone_name),
        status=("dns", one.status),
    )


PROVIDER = SearchProvider(
    kind="name",
    label=gettext_lazy("Names"),
    icon="at-sign",
    permission=Permission.DNS_VIEW,
    find=names_find,
    get=names_get,
    place="/dns",
    target_type="dns_record",
    order=35,
)


def record_links(ids: Collection[UUID]) -> Mapping[UUID, TargetLink]:
    """The machines that names belong to, for the pages of operations."""
    rows = DnsRecord.objects.filter(pk__in=ids).values_list("pk", "hostname", "deployment_id")
    return {pk: TargetLink(name, _tab(machine)) for pk, name, machine in rows}


def zone_links(ids: Collection[UUID]) -> Mapping[UUID, TargetLink]:
    """Zones by name."""
    rows = DnsZone.objects.filter(pk__in=ids).values_list("pk", "name")
    return {pk: TargetLink(name, reverse("provisioning:name_list")) for pk, name in rows}


def server_links(ids: Collection[UUID]) -> Mapping[UUID, TargetLink]:
    """Name servers by name."""
    rows = DnsServer.objects.filter(pk__in=ids).values_list("pk", "name")
    return {pk: TargetLink(name, reverse("provisioning:name_list")) for pk, name in rows}


def names_register() -> None:
    """Makes names known to lists, pages of operations and the search."""
    register_table(NAMES)
    ui.register_target("dns_record", record_links)
    ui.register_target("dns_zone", zone_links)
    ui.register_target("dns_server", server_links)
    register_search(PROVIDER)


def _tab(deployment_id: UUID | str) -> str:
    return reverse("provisioning:deployment_detail", args=[deployment_id]) + "?tab=names"
