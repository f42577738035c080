"""The operation kinds of provisioning: which steps, in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.events import MailDelivered, MailUndelivered
from portal.kernel import events, exposition
from portal.kernel.queue import (
    Failure,
    OperationKind,
    Schedule,
    Step,
    StepContext,
    register_operation,
    register_schedule,
    register_target_lock,
)
from portal.services.live_events import live_publish
from provisioning.events import DeploymentChanged
from provisioning.permissions import Permission
from provisioning.selectors.deployments import machine_lock
from provisioning.services import deployment_retries as again
from provisioning.services import expiry, health_kinds, observation, slots
from provisioning.services.copies.kinds import copies_register
from provisioning.services.cures import cures_register
from provisioning.services.dns.kinds import names_register
from provisioning.services.exposition import provisioning_gauges
from provisioning.services.finding_retries import reapply_again
from provisioning.services.fleet_kinds import fleet_register
from provisioning.services.hook_kinds import hooks_register
from provisioning.services.measures_kinds import measures_register
from provisioning.services.notices import notices_register
from provisioning.services.operations import OperationType as Type
from provisioning.services.saga import create, destroy, hooks, outcome, power, protect, repair
from provisioning.services.volume_kinds import volumes_register
from provisioning.services.warnings import warning_delivered, warning_undelivered

_PATIENCE = 12


def register() -> None:
    """Makes the kinds known to the engine (called from `apps.py`)."""
    for kind in _KINDS:
        register_operation(kind)
    copies_register()
    names_register()
    notices_register()
    exposition.register_exposition("provisioning", provisioning_gauges)
    cures_register()
    fleet_register()
    hooks_register()
    measures_register()
    health_kinds.register()
    volumes_register()
    events.subscribe(MailDelivered, warning_delivered)
    events.subscribe(MailUndelivered, warning_undelivered)
    events.subscribe(DeploymentChanged, _deployment_told)
    intervals = settings.PROVISIONING
    register_target_lock("deployment", machine_lock)
    register_schedule(
        Schedule(
            "deployments.expire",
            _("End due leases"),
            int(intervals["expire_every_s"]),
            expiry.expiry_sweep,
        )
    )
    register_schedule(
        Schedule(
            "slots.sweep",
            _("Free what nobody uses any more"),
            int(intervals["sweep_slots_every_s"]),
            slots.slots_sweep,
        )
    )
    register_schedule(
        Schedule(
            "clusters.observe",
            _("Look at the clusters"),
            int(intervals["observe_every_s"]),
            observation.observation_schedule,
        )
    )


def _deployment_told(event: DeploymentChanged) -> None:
    live_publish(f"deployment:{event.deployment_id}", tenant_id=event.tenant_id)


def _kind(
    type_: Type,
    label: str | Promise,
    *steps: Step,
    on_failure: Callable[[StepContext, Failure], None] = outcome.action_failed,
    **more: Any,
) -> OperationKind:
    """A kind that changes a machine: patient with the cluster, and on record when it fails."""
    rules: dict[str, Any] = {
        "retry_permission": Permission.OPERATE,
        "cure_permissions": (Permission.VIEW, Permission.MANAGE),
        "max_attempts": _PATIENCE,
    } | more
    return OperationKind(
        type=type_, label=label, queue="cloudpods", steps=steps, on_failure=on_failure, **rules
    )


def _look(type_: Type, label: str | Promise, step: Step, *, max_attempts: int) -> OperationKind:
    """A kind that only looks: nobody is told when it fails."""
    return OperationKind(
        type=type_,
        label=label,
        queue="metrics",
        steps=(step,),
        max_attempts=max_attempts,
        is_critical=False,
    )


_KINDS = (
    _kind(
        Type.PROVISION,
        _("Create deployment"),
        Step("hooks", _("Hooks"), hooks.before_create),
        Step("clone", _("Clone"), create.clone),
        Step("configure", _("Configure"), create.configure),
        Step("resize", _("Resize disk"), create.grow),
        Step("start", _("Start"), create.start),
        Step("ready", _("Ready"), create.ready),
        on_failure=outcome.provision_failed,
        on_retry=again.provision_again,
        backoff_cap_s=60,
        is_cancelable=True,
    ),
    _kind(
        Type.START,
        _("Start"),
        Step("start", _("Start"), power.power_on),
        on_retry=again.start_again,
    ),
    _kind(
        Type.STOP, _("Stop"), Step("stop", _("Stop"), power.power_off), on_retry=again.stop_again
    ),
    _kind(
        Type.RESTART,
        _("Restart"),
        Step("restart", _("Restart"), power.reboot),
        on_retry=again.restart_again,
    ),
    _kind(
        Type.RESIZE,
        _("Resize"),
        Step("configure", _("Configure"), create.configure),
        Step("resize", _("Resize disk"), create.grow),
        Step("resized", _("Check"), power.resized),
        on_retry=again.resize_again,
    ),
    _kind(
        Type.PROTECT,
        _("Protection"),
        Step("protect", _("Tell the hypervisor"), protect.protect),
        on_failure=protect.protect_failed,
        on_retry=again.protect_again,
        retry_permission=Permission.MANAGE,
    ),
    _kind(
        Type.DESTROY,
        _("Delete deployment"),
        Step("hooks", _("Hooks"), hooks.before_destroy),
        Step("stop", _("Stop"), destroy.halt),
        Step("volumes", _("Take volumes out"), destroy.leave_disks),
        Step("destroy", _("Destroy"), destroy.destroy),
        Step("release", _("Release"), destroy.release),
        on_failure=outcome.destroy_failed,
        on_retry=again.destroy_again,
        backoff_cap_s=60,
        retry_permission=Permission.DELETE,
        cure_permissions=(Permission.VIEW, Permission.MANAGE, Permission.VOLUMES_MANAGE),
    ),
    _kind(
        Type.ADOPT,
        _("Adopt a machine"),
        Step("mark", _("Mark"), repair.mark),
        Step("adopted", _("Take over"), repair.adopted),
        on_failure=repair.adopt_failed,
        on_retry=again.adopt_again,
        retry_permission=Permission.CLUSTERS_MANAGE,
    ),
    _kind(
        Type.REAPPLY,
        _("Set figures again"),
        Step("configure", _("Configure"), repair.reapply),
        Step("resize", _("Resize disk"), create.grow),
        Step("check", _("Check"), repair.reapplied),
        on_retry=reapply_again,
        retry_permission=Permission.FINDINGS_MANAGE,
        cure_permissions=(Permission.FINDINGS_VIEW,),
    ),
    _look(
        Type.REFRESH,
        _("Read addresses"),
        Step("read", _("Read addresses"), create.refresh),
        max_attempts=3,
    ),
    _look(
        Type.OBSERVE,
        _("Look at a cluster"),
        Step("list", _("List machines"), observation.observe),
        max_attempts=1,
    ),
)
