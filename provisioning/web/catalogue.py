"""The templates: what each gives, what it costs, and whether it can be created now."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.logic.pricing import HOURS_PER_MONTH, amount, hourly_price
from billing.logic.quota import Amounts, verdicts
from billing.selectors.quotas import quota_limits, quota_used
from portal.kernel.authz import Actor
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import PortalView
from provisioning.logic.placement import Decision
from provisioning.models import Template, TemplateType
from provisioning.permissions import Permission
from provisioning.selectors.prices import default_price_hour
from provisioning.selectors.templates import template_get, template_list
from provisioning.services.placement import placements_preview
from provisioning.web.application import installs
from provisioning.web.plans import quota_words

_FIGURES = ("cpu_cores", "memory_mb", "disk_gb")


@dataclass(frozen=True, slots=True)
class Offer:
    """A template with its prices; the verdict is {tone, icon, label, text}, None for whoever may not create."""

    template: Template
    price_hour: Decimal
    price_month: Decimal
    least_month: Decimal
    verdict: dict[str, str] | None

    @property
    def is_open(self) -> bool:
        """Whether a machine of it can be created now."""
        return self.verdict is not None and self.verdict["tone"] != "danger"


class TemplateFilters(forms.Form):
    """What the gallery can be narrowed to."""

    search = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=63)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[("", gettext_lazy("Any kind")), *TemplateType.choices],
    )


class TemplateList(PortalView):
    """`/templates`."""

    permission = Permission.TEMPLATES_VIEW
    template_name = "provisioning/template/list.html"
    fragment_name = "provisioning/template/_cards.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = TemplateFilters(request.GET)
        filters.is_valid()
        wanted = filters.cleaned_data
        found = Q()
        if text := wanted.get("search"):
            found &= (
                Q(name__icontains=text) | Q(description__icontains=text) | Q(tags__contains=text)
            )
        if kind := wanted.get("kind"):
            found &= Q(type=kind)
        return self.page(
            {
                "filters": filters,
                "is_narrowed": bool(found),
                "offers": offers_of(self.actor, found),
                "may_create": self.actor.may(Permission.CREATE),
            }
        )


class TemplateDetail(PortalView):
    """`/templates/{code}`."""

    permission = Permission.TEMPLATES_VIEW
    template_name = "provisioning/template/detail.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        template = template_get(actor=self.actor, code=code)
        offer = offers_of(self.actor, Q(pk=template.pk))[0]
        return self.page(
            {
                "offer": offer,
                "template": template,
                "limits": _limits(template),
                "packages": installs(template),
                "may_create": self.actor.may(Permission.CREATE),
            }
        )


def offers_of(actor: Actor, found: Q | None = None) -> list[Offer]:
    """The catalogue, each template with its verdict; quota and room are read once for all."""
    rows = list(template_list(actor=actor).filter(found or Q()))
    judged = _verdicts(rows) if actor.may(Permission.CREATE) and rows else {}
    return [_offer(row, judged.get(row.code)) for row in rows]


def _offer(template: Template, verdict: dict[str, str] | None) -> Offer:
    price = default_price_hour(template)
    least = hourly_price(template.rates, **_figures(template, 0))
    return Offer(
        template=template,
        price_hour=price,
        price_month=amount(price, HOURS_PER_MONTH),
        least_month=amount(least, HOURS_PER_MONTH),
        verdict=verdict,
    )


def _verdicts(rows: list[Template]) -> dict[str, dict[str, str]]:
    tenant_id = current_tenant_id()
    if tenant_id is None:
        return {}
    limits, used = quota_limits(tenant_id), quota_used(tenant_id)
    wishes = [(row, Amounts(1, **_figures(row, which))) for row in rows for which in (1, 0)]
    refused = []
    for (_row, need), place in zip(wishes, placements_preview(wishes), strict=True):
        short = [v for v in verdicts(limits, used, need) if not v.is_allowed]
        refused.append(quota_words(short[0]) if short else _no_room(place))
    pairs = zip(rows, refused[::2], refused[1::2], strict=True)
    return {row.code: _verdict(usual, least) for row, usual, least in pairs}


def _no_room(decision: Decision) -> str:
    return "" if decision.fits else decision.reason


def _verdict(usual: str, least: str) -> dict[str, str]:
    """By what is refused of the defaults and of the least figures; empty: nothing is."""
    if not usual:
        return {"tone": "ok", "icon": "circle-check", "label": _("Can be created now"), "text": ""}
    if not least:
        label = _("Only smaller than usual")
        return {"tone": "warn", "icon": "circle-alert", "label": label, "text": usual}
    label = _("Cannot be created now")
    return {"tone": "danger", "icon": "circle-x", "label": label, "text": least}


def _figures(template: Template, which: int) -> dict[str, int]:
    """The least (0), usual (1) or largest (2) figures."""
    return {name: template.limits(name)[which] for name in _FIGURES}


def _limits(template: Template) -> list[dict[str, Any]]:
    """{name, low, default, high} of each figure."""
    keys = ("name", "low", "default", "high")
    return [dict(zip(keys, (name, *template.limits(name)), strict=True)) for name in _FIGURES]
