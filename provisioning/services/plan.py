"""The plan of a deployment: what a request would become, cost and break. Submit decides with this function."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from billing.logic.pricing import Cost, cost, hourly_price
from billing.logic.quota import Amounts, Verdict
from billing.selectors.quotas import quota_verdicts
from billing.services.quotas import quota_exceeded
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault, NotFound
from portal.services.settings import setting_get
from provisioning.errors import DeploymentInvalid
from provisioning.logic.placement import Decision
from provisioning.logic.requests import (
    HOSTNAME,
    DeploymentRequest,
    bound_fault,
    hostname_fault,
    name_fault,
    parameters_resolved,
    tags_fault,
)
from provisioning.models import Deployment, Template
from provisioning.permissions import Permission
from provisioning.selectors.dns import NameChoice, is_name_taken, name_choose
from provisioning.selectors.templates import template_get
from provisioning.services.dns.records import hostname_taken
from provisioning.services.placement import placement_demand, placement_preview
from provisioning.states import DeploymentStatus

NAME_CONSTRAINT = "deployment_name_once_while_live"
# Beyond any limit: what is shown of a request that is refused anyway stays a number one can compute.
FIGURE_MAX = 10_000_000
_UNITS = {"cpu_cores": "vCPU", "memory_mb": "MiB", "disk_gb": "GiB"}


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """One rule that was asked: level `ok` or `deny`."""

    code: str
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """All that follows from a request. It may be submitted when `is_allowed`."""

    template: Template
    name: str
    hostname: str
    dns: NameChoice
    amounts: Amounts
    ttl_hours: int
    expires_at: datetime
    delete_after: datetime
    parameters: dict[str, Any]
    tags: tuple[str, ...]
    price_hour: Any
    cost: Cost
    quota: tuple[Verdict, ...]
    policies: tuple[PolicyVerdict, ...]
    placement: Decision | None
    faults: tuple[Fault, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether a submit of the same request would be accepted now."""
        fits = self.placement is None or self.placement.fits
        return not self.faults and fits and all(verdict.is_allowed for verdict in self.quota)

    def demand(self) -> None:
        """Passes, or raises what forbids the submit.

        Raises:
            DeploymentInvalid: with every field at fault.
            QuotaExceeded: with every dimension at fault.
            NoCapacity: no place has room, as far as the plan has looked.
        """
        if self.faults:
            raise DeploymentInvalid(faults=self.faults)
        refused = [verdict for verdict in self.quota if not verdict.is_allowed]
        if refused:
            raise quota_exceeded(refused)
        if self.placement is not None:
            placement_demand(self.placement)


def deployment_plan(
    *, actor: Actor, tenant_id: UUID, request: DeploymentRequest, with_placement: bool = True
) -> DeploymentPlan:
    """What the request would become; a submit leaves the placement to its own decision under locks.

    Raises:
        Refused: the actor may not create deployments.
        DeploymentInvalid: the template is unknown, so nothing can be planned.
    """
    authorize(actor, Permission.CREATE)
    template = _template(actor, request)
    figures, faults = _figures(template, request)
    ttl_hours, ttl_fault = _ttl(request)
    parameters, parameter_faults = parameters_resolved(template.install_options, request.parameters)
    dns, dns_fault = _named(tenant_id, request)
    tags = tuple(dict.fromkeys(request.tags))
    own_fault = name_fault(request.name) or _taken(request.name)
    found = (
        own_fault,
        None if own_fault and dns_fault and dns_fault.field == "name" else dns_fault,
        tags_fault(tags),
        ttl_fault,
    )
    faults = (*(fault for fault in found if fault), *faults, *parameter_faults)
    amounts = Amounts(1, **figures)
    now = clock.now()
    expires_at = now + timedelta(hours=ttl_hours)
    price = hourly_price(template.rates, **figures)
    return DeploymentPlan(
        template=template,
        name=request.name,
        hostname=dns.hostname,
        dns=dns,
        amounts=amounts,
        ttl_hours=ttl_hours,
        expires_at=expires_at,
        delete_after=expires_at + timedelta(hours=int(setting_get("cloudpods.lease.grace_hours"))),
        parameters=parameters,
        tags=tags,
        price_hour=price,
        cost=cost(price, hours=ttl_hours, currency="EUR"),
        quota=quota_verdicts(tenant_id, amounts),
        policies=_policies(template, faults),
        placement=placement_preview(template, amounts) if with_placement else None,
        faults=faults,
    )


def _template(actor: Actor, request: DeploymentRequest) -> Template:
    try:
        return template_get(actor=actor, code=request.template)
    except NotFound as error:
        message = _("There is no such template. Choose one from the list.")
        raise DeploymentInvalid(faults=(Fault("template", "not_found", message),)) from error


def _figures(
    template: Template, request: DeploymentRequest
) -> tuple[dict[str, int], tuple[Fault, ...]]:
    figures, faults = {}, []
    for name, unit in _UNITS.items():
        low, default, high = template.limits(name)
        asked = getattr(request, name)
        value = default if asked is None else asked
        figures[name] = min(max(0, value), FIGURE_MAX)
        if fault := bound_fault(name, value, low=low, high=high, unit=unit):
            faults.append(fault)
    return figures, tuple(faults)


def _ttl(request: DeploymentRequest) -> tuple[int, Fault | None]:
    longest = int(setting_get("cloudpods.lease.max_hours"))
    hours = request.ttl_hours
    if hours is None:
        hours = min(longest, int(setting_get("cloudpods.lease.default_hours")))
    fault = bound_fault("ttl_hours", hours, low=1, high=longest, unit="h")
    return min(max(1, hours), longest), fault


def _taken(name: str) -> Fault | None:
    live = Deployment.objects.exclude(status=DeploymentStatus.DELETED)
    if not live.filter(name=name[:63]).exists():
        return None
    return name_taken()


def name_taken() -> Fault:
    """A live deployment of the tenant has the name; the constraint decides between two at once."""
    return Fault("name", "unique", _("Your organisation already has a deployment of this name."))


def _named(tenant_id: UUID, request: DeploymentRequest) -> tuple[NameChoice, Fault | None]:
    """The full name in its zone; without a zone the machine has the name, and nobody can ask for it."""
    hostname = request.hostname or request.name
    field = "hostname" if request.hostname else "name"
    if HOSTNAME.fullmatch(hostname) is None:
        fault = hostname_fault(hostname) if request.hostname else None
        return NameChoice(hostname, None), fault
    choice = name_choose(tenant_id=tenant_id, hostname=hostname)
    if choice.zone is not None and is_name_taken(choice.zone, choice.hostname):
        return choice, hostname_taken(field)
    return choice, None


def _policies(template: Template, faults: tuple[Fault, ...]) -> tuple[PolicyVerdict, ...]:
    denied = tuple(PolicyVerdict(fault.code, "deny", fault.message) for fault in faults)
    if denied:
        return denied
    message = _("Within the limits of %(template)s.") % {"template": template.name}
    return (PolicyVerdict("template_limits", "ok", message),)
