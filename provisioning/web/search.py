"""What can be found of provisioning: machines, templates, findings, and the nodes they run on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kernel.authz import authorize
from portal.kernel.commands import Asking, Row, SearchProvider, Words
from portal.kernel.narrowing import Narrowing
from portal.kernel.ui import status_style
from provisioning.models import Deployment, Finding, Node, Template
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_list
from provisioning.selectors.findings import finding_list
from provisioning.selectors.templates import template_list

_FINDINGS_READ: Final = 200
_NAMES: Final = Narrowing(("name", "hostname"), is_plain=True, is_large=True)
_NAMES_AND_ADDRESSES: Final = Narrowing(
    ("name", "hostname", "addresses"), is_plain=True, is_large=True
)
_SHOWN: Final = (
    *("name", "hostname", "status", "ip_addresses", "tenant_id", "cluster__id"),
    *("template__name", "template__icon", "owner__username", "owner__display_name"),
)
_TEMPLATES: Final = Narrowing(("name", "code", "description"))
_NODES: Final = Narrowing(("name", "cluster__name", "cluster__code"))
_ADDRESS: Final = frozenset("0123456789abcdef.:")


def machines_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """By name and host name; by address when a word looks like one. Names are read first, rows of a few."""
    live = deployment_list(actor=asking.actor)
    if not words:
        return machine_rows(live.only(*_SHOWN)[:limit])
    names = live.select_related(None).order_by()
    narrowing = _NAMES
    if any(_is_address(word) for word in words):
        names = names.annotate(addresses=Cast("ip_addresses", TextField()))
        narrowing = _NAMES_AND_ADDRESSES
    found = [pk for pk, _name in narrowing(names.values_list("pk", "name"), words, limit)]
    machines = {one.pk: one for one in live.only(*_SHOWN).filter(pk__in=found)}
    return machine_rows(machines[pk] for pk in found if pk in machines)


def _is_address(word: str) -> bool:
    return _ADDRESS.issuperset(word) and ("." in word or ":" in word)


def machines_get(asking: Asking, ids: Sequence[str]) -> list[Row]:
    """Machines by id, those that are gone left out."""
    rows = deployment_list(actor=asking.actor).filter(pk__in=keys(ids))
    return machine_rows(rows.only(*_SHOWN))


def machine_rows(machines: Iterable[Deployment]) -> list[Row]:
    """Machines as the palette lists them."""
    return [_machine(one) for one in machines]


def _machine(one: Deployment) -> Row:
    addresses = [str(address) for address in one.ip_addresses or ()]
    parts = (addresses[0] if addresses else one.hostname, one.template.name, str(one.owner))
    return Row(
        title=one.name,
        url=reverse("provisioning:deployment_detail", args=[one.pk]),
        sub=" · ".join(part for part in parts if part and part != one.name),
        icon=one.template.icon,
        id=str(one.pk),
        keywords=(one.hostname, *addresses),
        status=("deployment", one.status),
    )


def keys(ids: Iterable[str]) -> list[UUID]:
    """Those of the ids that are ids."""
    found = []
    for one in ids:
        try:
            found.append(UUID(one))
        except ValueError:
            continue
    return found


def templates_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """By name, code and description."""
    rows = template_list(actor=asking.actor)
    return [_template(one) for one in _TEMPLATES(rows, words, limit)]


def templates_get(asking: Asking, ids: Sequence[str]) -> list[Row]:
    """Templates by code."""
    rows = template_list(actor=asking.actor).filter(code__in=list(ids))
    return [_template(one) for one in rows]


def _template(one: Template) -> Row:
    return Row(
        title=one.name,
        url=reverse("provisioning:template_detail", args=[one.code]),
        sub=one.description or str(one.get_type_display()),
        icon=one.icon,
        id=one.code,
        keywords=(one.code,),
    )


def findings_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """The newest by kind, number of the machine, cluster and deployment; the shell picks those that fit."""
    rows = finding_list(actor=asking.actor)
    numbers = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 10]
    if numbers:
        rows = rows.filter(vmid__in=numbers)
    return [_finding(one) for one in rows[: _FINDINGS_READ if words else limit]]


def findings_get(asking: Asking, ids: Sequence[str]) -> list[Row]:
    """Findings by id."""
    rows: QuerySet[Finding] = finding_list(actor=asking.actor).filter(pk__in=keys(ids))
    return [_finding(one) for one in rows]


def _finding(one: Finding) -> Row:
    style = status_style("finding_kind", one.kind)
    about = one.deployment.name if one.deployment else ""
    number = str(one.vmid) if one.vmid else ""
    return Row(
        title=" · ".join(part for part in (str(style.label), about or number) if part),
        url=reverse("provisioning:finding_detail", args=[one.pk]),
        sub=" · ".join(part for part in (one.cluster.name, one.node, number) if part),
        icon=style.icon,
        id=str(one.pk),
        keywords=(one.cluster.code, one.kind, number),
        status=("finding", one.status),
    )


def nodes_find(asking: Asking, words: Words, limit: int) -> list[Row]:
    """Nodes by name and cluster."""
    authorize(asking.actor, Permission.INFRASTRUCTURE_VIEW)
    rows = Node.objects.select_related("cluster").order_by("cluster__code", "name")
    found = _NODES(rows, words, limit)
    page = reverse("provisioning:infrastructure")
    return [
        Row(
            title=one.name,
            url=f"{page}#node-{one.pk}",
            sub=_("Node of %(cluster)s") % {"cluster": one.cluster.name},
            id=str(one.pk),
            keywords=(one.cluster.name, one.cluster.code),
            status=("node", one.state),
        )
        for one in found
    ]


PROVIDERS: Final = (
    SearchProvider(
        kind="deployment",
        label=gettext_lazy("Machines"),
        icon="server",
        permission=Permission.VIEW,
        find=machines_find,
        get=machines_get,
        place="/deployments/",
        target_type="deployment",
        order=20,
    ),
    SearchProvider(
        kind="template",
        label=gettext_lazy("Templates"),
        icon="layers",
        permission=Permission.TEMPLATES_VIEW,
        find=templates_find,
        get=templates_get,
        place="/templates/",
        order=30,
    ),
    SearchProvider(
        kind="finding",
        label=gettext_lazy("Findings"),
        icon="scan-search",
        permission=Permission.FINDINGS_VIEW,
        find=findings_find,
        get=findings_get,
        place="/findings/",
        order=50,
    ),
    SearchProvider(
        kind="node",
        label=gettext_lazy("Nodes"),
        icon="server-cog",
        permission=Permission.INFRASTRUCTURE_VIEW,
        find=nodes_find,
        order=55,
    ),
)
