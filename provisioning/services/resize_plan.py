"""The plan of a resize: what other figures would cost and break. Submit asks the same rules, under locks."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.logic.pricing import HOURS_PER_MONTH, Cost, amount, cost, hourly_price
from billing.logic.quota import Amounts, Verdict
from billing.selectors.quotas import quota_verdicts
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Conflict, Fault
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import demand_hands, deployment_get
from provisioning.services.lifecycle import NEXT_START, demand_resizable, figure_faults, figures_of
from provisioning.services.placement import growth_preview
from provisioning.services.plan import FIGURE_MAX

FIGURES: Final = ("cpu_cores", "memory_mb", "disk_gb")


@dataclass(frozen=True, slots=True)
class ResizePlan:
    """All that follows from other figures. They may be submitted when `is_allowed`.

    `obstacle` is what its state forbids; `lacking` what is missing where the machine is, and `others` the nodes
    that could take it whole.
    """

    deployment: Deployment
    amounts: Amounts
    cost: Cost
    quota: tuple[Verdict, ...]
    faults: tuple[Fault, ...]
    obstacle: str
    lacking: str
    others: tuple[str, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether a submit of the same figures would be accepted now."""
        is_told = self.faults or self.obstacle or self.lacking
        return not is_told and all(verdict.is_allowed for verdict in self.quota)

    @property
    def month_before(self) -> Decimal:
        """What a month costs now."""
        return amount(self.deployment.price_hour, HOURS_PER_MONTH)

    @property
    def month_change(self) -> Decimal:
        """By how much a month becomes dearer, or cheaper."""
        return self.cost.per_month - self.month_before

    @property
    def waits_for_start(self) -> bool:
        """Whether something of it is taken over at the next start only."""
        return any(self.amounts.of(name) != getattr(self.deployment, name) for name in NEXT_START)


def deployment_resize_plan(
    *,
    actor: Actor,
    deployment_id: UUID | str,
    cpu_cores: int | None = None,
    memory_mb: int | None = None,
    disk_gb: int | None = None,
) -> ResizePlan:
    """What a resize would become, cost and break; nothing is written or locked.

    Raises:
        NotFound, Refused.
    """
    deployment = deployment_get(actor=actor, deployment_id=deployment_id)
    authorize(actor, Permission.OPERATE)
    demand_hands(actor, deployment)
    asked = figures_of(deployment, cpu_cores, memory_mb, disk_gb)
    faults = figure_faults(deployment, asked)
    figures = {name: min(max(0, asked.of(name)), FIGURE_MAX) for name in FIGURES}
    wanted = Amounts(1, **figures)
    price = hourly_price(deployment.template.rates, **figures)
    lacking, others = growth_preview(deployment, wanted)
    return ResizePlan(
        deployment=deployment,
        amounts=wanted,
        cost=cost(price, hours=None, currency="EUR"),
        quota=quota_verdicts(deployment.tenant_id, wanted.minus(deployment.amounts)),
        faults=faults,
        obstacle=_obstacle(deployment),
        lacking=lacking,
        others=others,
    )


def _obstacle(deployment: Deployment) -> str:
    try:
        demand_resizable(deployment)
    except Conflict as conflict:
        return conflict.message
    return ""
