"""What people do with a deployment: start, stop, restart, resize, change, delete."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from audit.services import trail
from billing.logic.pricing import hourly_price
from billing.logic.quota import Amounts
from billing.services.quotas import quota_adjust
from portal.kernel import clock
from portal.kernel.authz import Actor, authorize
from portal.kernel.errors import Fault
from portal.kernel.fsm import transition
from portal.models import Operation
from portal.services.operations import operation_cancel_for
from provisioning.errors import DeploymentBusy, DeploymentInvalid, WrongState
from provisioning.logic.requests import bound_fault, name_fault, tags_fault
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_lock
from provisioning.services.extensions import extensions_expire
from provisioning.services.health_choices import auto_heal_set, probe_set
from provisioning.services.leases import demand_no_hold, hold_set, lease_demand
from provisioning.services.operations import OperationType, enqueue_for
from provisioning.services.placement import growth_demand
from provisioning.services.plan import NAME_CONSTRAINT, name_taken
from provisioning.states import DEPLOYMENT_TRANSITIONS, DeploymentStatus, DesiredPower
from provisioning.tags import Tag

STOP_MODES = ("shutdown", "force")
VOLUME_FATES = ("keep", "delete")
# What a running guest takes over at its next start.
NEXT_START: Final = ("cpu_cores", "memory_mb")
Outcome = tuple[Deployment, Operation]


@transaction.atomic
def deployment_start(*, actor: Actor, deployment_id: UUID | str) -> Outcome:
    """Asks for a start. Raises NotFound, Refused, DeploymentBusy, WrongState."""
    deployment = start_begin(actor=actor, deployment_id=deployment_id)
    return deployment, enqueue_for(deployment, OperationType.START, actor=actor)


def start_begin(*, actor: Actor, deployment_id: UUID | str) -> Deployment:
    """Shows a start as under way, in the open transaction. Raises as `deployment_start`."""
    deployment = _idle(actor, deployment_id, Permission.OPERATE)
    _demand_state(deployment, "started", DeploymentStatus.STOPPED, DeploymentStatus.ERROR)
    lease_demand(deployment)
    _move(deployment, DeploymentStatus.STARTING, desired_power=DesiredPower.RUNNING)
    trail.record(tag=Tag.START_REQUESTED, target=deployment, actor=actor)
    return deployment


@transaction.atomic
def deployment_stop(*, actor: Actor, deployment_id: UUID | str, mode: str = "shutdown") -> Outcome:
    """Asks for a stop; `force` cuts the power. Raises NotFound, Refused, DeploymentBusy, WrongState."""
    if mode not in STOP_MODES:
        raise DeploymentInvalid(
            faults=(Fault("mode", "invalid_choice", _("mode must be shutdown or force.")),)
        )
    deployment = stop_begin(actor=actor, deployment_id=deployment_id, mode=mode)
    return deployment, enqueue_for(deployment, OperationType.STOP, actor=actor, mode=mode)


def stop_begin(*, actor: Actor, deployment_id: UUID | str, mode: str) -> Deployment:
    """Shows a stop as under way, in the open transaction. Raises as `deployment_stop`."""
    deployment = _idle(actor, deployment_id, Permission.OPERATE)
    _demand_state(deployment, "stopped", DeploymentStatus.RUNNING, DeploymentStatus.ERROR)
    _move(deployment, DeploymentStatus.STOPPING, desired_power=DesiredPower.STOPPED)
    trail.record(tag=Tag.STOP_REQUESTED, target=deployment, actor=actor, detail={"mode": mode})
    return deployment


@transaction.atomic
def deployment_restart(*, actor: Actor, deployment_id: UUID | str) -> Outcome:
    """Asks for a restart. Raises NotFound, Refused, DeploymentBusy, WrongState."""
    deployment = restart_begin(actor=actor, deployment_id=deployment_id)
    return deployment, enqueue_for(deployment, OperationType.RESTART, actor=actor)


def restart_begin(*, actor: Actor, deployment_id: UUID | str, is_again: bool = False) -> Deployment:
    """Shows a restart as under way, in the open transaction; tried again, also of one that it has failed.

    Raises as `deployment_restart`.
    """
    deployment = _idle(actor, deployment_id, Permission.OPERATE)
    states = (DeploymentStatus.RUNNING, *((DeploymentStatus.ERROR,) if is_again else ()))
    _demand_state(deployment, "restarted", *states)
    if is_again:
        lease_demand(deployment)
    _move(deployment, DeploymentStatus.STARTING, desired_power=DesiredPower.RUNNING)
    trail.record(tag=Tag.RESTART_REQUESTED, target=deployment, actor=actor)
    return deployment


@transaction.atomic
def deployment_resize(
    *,
    actor: Actor,
    deployment_id: UUID | str,
    cpu_cores: int | None = None,
    memory_mb: int | None = None,
    disk_gb: int | None = None,
) -> Outcome:
    """Asks for other figures within the template's limits; the disk only grows.

    Processor and memory of a running guest change at its next start.

    Raises:
        NotFound, Refused, DeploymentBusy, WrongState, DeploymentInvalid, QuotaExceeded, NoCapacity.
    """
    deployment = resize_lock(actor=actor, deployment_id=deployment_id)
    wanted = figures_of(deployment, cpu_cores, memory_mb, disk_gb)
    if faults := figure_faults(deployment, wanted):
        raise DeploymentInvalid(faults=faults)
    before = deployment.amounts.as_dict()
    quota_adjust(
        actor=actor, tenant_id=deployment.tenant_id, subject_id=deployment.pk, amounts=wanted
    )
    growth_demand(
        cluster_id=deployment.cluster_id,
        node=deployment.node,
        storage=deployment.storage_pool,
        growth=wanted.minus(deployment.amounts),
    )
    was = deployment.status
    figures = {name: wanted.of(name) for name in ("cpu_cores", "memory_mb", "disk_gb")}
    price = hourly_price(deployment.template.rates, **figures)
    _update(deployment, price_hour=price, **figures)
    trail.record(
        tag=Tag.RESIZE_REQUESTED,
        target=deployment,
        actor=actor,
        before=before,
        after=wanted.as_dict(),
    )
    needs_restart = any(before[name] != wanted.of(name) for name in NEXT_START)
    return deployment, enqueue_for(
        deployment, OperationType.RESIZE, actor=actor, power=was, needs_restart=needs_restart
    )


def resize_lock(*, actor: Actor, deployment_id: UUID | str) -> Deployment:
    """The row, locked, of a deployment that may be resized. Raises as `deployment_resize`."""
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    demand_resizable(deployment)
    return deployment


def demand_resizable(deployment: Deployment) -> None:
    """Passes while nothing is under way and its state allows a resize. Raises DeploymentBusy, WrongState."""
    if deployment.is_busy:
        raise DeploymentBusy
    _demand_state(deployment, "resized", DeploymentStatus.RUNNING, DeploymentStatus.STOPPED)


def figures_of(
    deployment: Deployment, cpu_cores: int | None, memory_mb: int | None, disk_gb: int | None
) -> Amounts:
    """What is asked for, and what the deployment has of everything that is not."""
    return Amounts(
        1,
        deployment.cpu_cores if cpu_cores is None else cpu_cores,
        deployment.memory_mb if memory_mb is None else memory_mb,
        deployment.disk_gb if disk_gb is None else disk_gb,
    )


@transaction.atomic
def deployment_change(*, actor: Actor, deployment_id: UUID | str, **changes: Any) -> Deployment:
    """Changes `name`, `tags`, `hold` (with `hold_reason`), `auto_heal`, `health_probe`; the rest stays.

    Raises:
        NotFound, Refused, WrongState, DeploymentInvalid.
    """
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.OPERATE
    )
    reason = changes.pop("hold_reason", "")
    if (hold := changes.pop("hold", None)) is not None:
        hold_set(actor=actor, deployment=deployment, hold=hold, reason=reason)
    elif reason:
        raise DeploymentInvalid(faults=(_reason_without_hold(),))
    if (auto_heal := changes.pop("auto_heal", None)) is not None:
        auto_heal_set(actor=actor, deployment=deployment, is_on=auto_heal)
    if "health_probe" in changes:
        probe_set(actor=actor, deployment=deployment, probe=changes.pop("health_probe"))
    _demand_changes(deployment, changes)
    before = {name: getattr(deployment, name) for name in changes}
    if changes and before != changes:
        try:
            with transaction.atomic():
                _update(deployment, **changes)
        except IntegrityError as error:
            if NAME_CONSTRAINT not in str(error):
                raise
            raise DeploymentInvalid(faults=(name_taken(),)) from error
        trail.record(tag=Tag.CHANGED, target=deployment, actor=actor, before=before, after=changes)
    return deployment


@transaction.atomic
def deployment_delete(*, actor: Actor, deployment_id: UUID | str, volumes: str = "keep") -> Outcome:
    """Asks for the end of a deployment, whatever state it is in; provisioning under way is broken off.

    Attached volumes are kept, detached, or deleted after it.

    Raises:
        NotFound, Refused, DeploymentBusy, OnHold, DeploymentInvalid.
    """
    if volumes not in VOLUME_FATES:
        message = _("volumes must be keep or delete.")
        raise DeploymentInvalid(faults=(Fault("volumes", "invalid_choice", message),))
    if volumes == "delete":
        authorize(actor, Permission.VOLUMES_MANAGE)
    deployment = deployment_lock(
        actor=actor, deployment_id=deployment_id, permission=Permission.DELETE
    )
    if deployment.status == DeploymentStatus.DELETING:
        raise DeploymentBusy(_("The deployment is being deleted already."))
    demand_no_hold(deployment)
    _move(deployment, DeploymentStatus.DELETING)
    extensions_expire(deployment, actor=actor)
    operation_cancel_for(actor=actor, target_id=deployment.pk)
    trail.record(
        tag=Tag.DELETE_REQUESTED, target=deployment, actor=actor, detail={"volumes": volumes}
    )
    return deployment, enqueue_for(deployment, OperationType.DESTROY, actor=actor, volumes=volumes)


def _reason_without_hold() -> Fault:
    return Fault("hold_reason", "invalid", _("A reason belongs to a hold: send hold, too."))


def _idle(actor: Actor, deployment_id: UUID | str, permission: Permission) -> Deployment:
    deployment = deployment_lock(actor=actor, deployment_id=deployment_id, permission=permission)
    if deployment.is_busy:
        raise DeploymentBusy
    return deployment


_DONE: Final = {
    "started": pgettext_lazy("deployment action", "started"),
    "stopped": pgettext_lazy("deployment action", "stopped"),
    "restarted": pgettext_lazy("deployment action", "restarted"),
    "resized": pgettext_lazy("deployment action", "resized"),
}


def _demand_state(deployment: Deployment, done: str, *states: DeploymentStatus) -> None:
    if deployment.status in states and not (
        deployment.status == DeploymentStatus.ERROR and deployment.ready_at is None
    ):
        return
    label = DeploymentStatus(deployment.status).label.lower()
    raise WrongState(
        _("The deployment is %(state)s; it cannot be %(action)s now.")
        % {"state": label, "action": _DONE[done]},
        status=deployment.status,
    )


def figure_faults(deployment: Deployment, wanted: Amounts) -> tuple[Fault, ...]:
    """What the template's limits, and a disk that only grows, forbid of other figures."""
    faults = []
    for name, unit in (("cpu_cores", "vCPU"), ("memory_mb", "MiB"), ("disk_gb", "GiB")):
        low, _default, high = deployment.template.limits(name)
        if wanted.of(name) == getattr(deployment, name):
            continue
        if name == "disk_gb":
            low = max(low, deployment.disk_gb)
        if fault := bound_fault(name, wanted.of(name), low=low, high=high, unit=unit):
            faults.append(fault)
    if not faults and wanted == deployment.amounts:
        faults.append(Fault(None, "no_change", _("These are the figures it has already.")))
    return tuple(faults)


def _demand_changes(deployment: Deployment, changes: dict[str, Any]) -> None:
    faults: list[Fault | None] = []
    if "name" in changes and changes["name"] != deployment.name:
        faults.append(name_fault(changes["name"]))
        live = Deployment.objects.exclude(status=DeploymentStatus.DELETED)
        if live.filter(name=changes["name"]).exists():
            faults.append(name_taken())
    if "tags" in changes:
        faults.append(tags_fault(changes["tags"]))
    found = tuple(fault for fault in faults if fault)
    if found:
        raise DeploymentInvalid(faults=found)


def _move(deployment: Deployment, to: DeploymentStatus, **wish: DesiredPower) -> None:
    transition(deployment, table=DEPLOYMENT_TRANSITIONS, to=to, attention=None, **wish)


def _update(deployment: Deployment, **values: Any) -> None:
    values["updated_at"] = clock.now()
    Deployment.objects.filter(pk=deployment.pk).update(**values)
    for name, value in values.items():
        setattr(deployment, name, value)
