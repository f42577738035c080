"""The demo's people at work: every so often one of them does something, so that there is something to see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import cycle

import structlog
from django.db import transaction

from portal.kernel import clock
from portal.kernel.authz import Actor
from portal.kernel.errors import DomainError
from portal.kernel.tenancy import PLATFORM, tenant_scope
from portal.models import User
from portal.selectors.memberships import actor_of, tenant_choices
from provisioning.logic.demo_machines import CYCLED, PROLONGED, SWITCHED, DemoMachine
from provisioning.logic.requests import DeploymentRequest
from provisioning.models import Deployment
from provisioning.services.creation import deployment_create
from provisioning.services.leases import deployment_extend
from provisioning.services.lifecycle import deployment_delete, deployment_start, deployment_stop
from provisioning.states import DeploymentStatus

log = structlog.get_logger(__name__)
_SOON = timedelta(hours=6)
_STEP_H = 12


class DemoLife:
    """One scene per call of `play`, in a fixed order; what cannot be played now is passed over."""

    def __init__(self) -> None:
        self._scenes = cycle(self._all())

    def play(self) -> str:
        """Plays the next scene; answers what was done, or an empty text.

        The numbers of builds go on from what is there, so a new start does not repeat a name.
        """
        try:
            return next(self._scenes)()
        except DomainError as error:
            log.info("demo.scene_passed_over", code=error.code)
            return ""

    def _all(self) -> list[Callable[[], str]]:
        scenes: list[Callable[[], str]] = []
        for position, name in enumerate(SWITCHED):
            scenes.append(partial(_switch, name))
            scenes.append(partial(_build, CYCLED[position % len(CYCLED)]))
            scenes.append(partial(_prolong, PROLONGED[position % len(PROLONGED)]))
        return scenes


def _switch(name: str) -> str:
    """Somebody starts what is stopped, or stops what runs."""
    row = _live(name)
    if row is None:
        return ""
    with tenant_scope(row.tenant_id), transaction.atomic():
        if row.status == DeploymentStatus.STOPPED:
            deployment_start(actor=_owner(row), deployment_id=row.pk)
            return f"starts {name}"
        deployment_stop(actor=_owner(row), deployment_id=row.pk, mode="force")
        return f"stops {name}"


def _build(machine: DemoMachine) -> str:
    """A build machine is made; the next time it is removed."""
    owner = User.objects.using(PLATFORM).get(username=machine.owner)
    choice = tenant_choices(owner.pk)[0]
    actor = actor_of(owner, choice)
    rows = Deployment.across_tenants.filter(
        tenant_id=choice.id, name__regex=f"^{machine.name}-[0-9]+$"
    )
    alive = rows.exclude(status=DeploymentStatus.DELETED).order_by("created_at").first()
    with tenant_scope(choice.id), transaction.atomic():
        if alive is not None:
            deployment_delete(actor=actor, deployment_id=alive.pk)
            return f"removes {alive.name}"
        name = f"{machine.name}-{rows.count() + 1}"
        deployment_create(
            actor=actor,
            tenant_id=choice.id,
            owner_id=owner.pk,
            request=DeploymentRequest(
                template=machine.template,
                name=name,
                tags=machine.tags,
                ttl_hours=machine.ttl_hours,
            ),
        )
        return f"makes {name}"


def _prolong(name: str) -> str:
    """Whoever needs a machine longer says so shortly before its end."""
    row = _live(name)
    if row is None or row.expires_at > clock.now() + _SOON:
        return ""
    with tenant_scope(row.tenant_id), transaction.atomic():
        deployment_extend(actor=_owner(row), deployment_id=row.pk, hours=_STEP_H)
    return f"extends {name}"


def _live(name: str) -> Deployment | None:
    rows = Deployment.across_tenants.exclude(status=DeploymentStatus.DELETED)
    return rows.filter(name=name).order_by("created_at").first()


def _owner(row: Deployment) -> Actor:
    owner = User.objects.using(PLATFORM).get(pk=row.owner_id)
    choices = {choice.id: choice for choice in tenant_choices(owner.pk)}
    return actor_of(owner, choices.get(row.tenant_id))
