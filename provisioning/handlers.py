"""The operation kinds of provisioning: which steps, in which order."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.kernel.queue import (
    OperationKind,
    Schedule,
    Step,
    register_operation,
    register_schedule,
)
from provisioning.permissions import Permission
from provisioning.services import expiry, observation
from provisioning.services.operations import OperationType as Type
from provisioning.services.saga import create, destroy, outcome, power

_PATIENCE = 12


def register() -> None:
    """Makes the kinds known to the engine (called from `apps.py`)."""
    for kind in _KINDS:
        register_operation(kind)
    intervals = settings.PROVISIONING
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
            "clusters.observe",
            _("Look at the clusters"),
            int(intervals["observe_every_s"]),
            observation.observation_schedule,
        )
    )


_KINDS = (
    OperationKind(
        type=Type.PROVISION,
        label=_("Create deployment"),
        queue="cloudpods",
        steps=(
            Step("clone", _("Clone"), create.clone),
            Step("configure", _("Configure"), create.configure),
            Step("resize", _("Resize disk"), create.grow),
            Step("start", _("Start"), create.start),
            Step("ready", _("Ready"), create.ready),
        ),
        max_attempts=_PATIENCE,
        backoff_cap_s=60,
        is_cancelable=True,
        retry_permission=Permission.OPERATE,
        on_failure=outcome.provision_failed,
    ),
    OperationKind(
        type=Type.START,
        label=_("Start"),
        queue="cloudpods",
        steps=(Step("start", _("Start"), power.power_on),),
        max_attempts=_PATIENCE,
        retry_permission=Permission.OPERATE,
        on_failure=outcome.action_failed,
    ),
    OperationKind(
        type=Type.STOP,
        label=_("Stop"),
        queue="cloudpods",
        steps=(Step("stop", _("Stop"), power.power_off),),
        max_attempts=_PATIENCE,
        retry_permission=Permission.OPERATE,
        on_failure=outcome.action_failed,
    ),
    OperationKind(
        type=Type.RESTART,
        label=_("Restart"),
        queue="cloudpods",
        steps=(Step("restart", _("Restart"), power.reboot),),
        max_attempts=_PATIENCE,
        retry_permission=Permission.OPERATE,
        on_failure=outcome.action_failed,
    ),
    OperationKind(
        type=Type.RESIZE,
        label=_("Resize"),
        queue="cloudpods",
        steps=(
            Step("configure", _("Configure"), create.configure),
            Step("resize", _("Resize disk"), create.grow),
            Step("resized", _("Check"), power.resized),
        ),
        max_attempts=_PATIENCE,
        retry_permission=Permission.OPERATE,
        on_failure=outcome.action_failed,
    ),
    OperationKind(
        type=Type.DESTROY,
        label=_("Delete deployment"),
        queue="cloudpods",
        steps=(
            Step("stop", _("Stop"), destroy.halt),
            Step("destroy", _("Destroy"), destroy.destroy),
            Step("release", _("Release"), destroy.release),
        ),
        max_attempts=_PATIENCE,
        backoff_cap_s=60,
        retry_permission=Permission.DELETE,
        on_failure=outcome.destroy_failed,
    ),
    OperationKind(
        type=Type.REFRESH,
        label=_("Read addresses"),
        queue="metrics",
        steps=(Step("read", _("Read addresses"), create.refresh),),
        max_attempts=3,
        is_critical=False,
    ),
    OperationKind(
        type=Type.OBSERVE,
        label=_("Look at a cluster"),
        queue="metrics",
        steps=(Step("list", _("List machines"), observation.observe),),
        max_attempts=1,
        is_critical=False,
    ),
)
