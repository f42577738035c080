"""The operation kinds of provisioning: which steps, in which order."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.kernel.queue import OperationKind, Step, register_operation
from provisioning.permissions import Permission
from provisioning.services.operations import OperationType as Type
from provisioning.services.saga import create, destroy, outcome, power

_PATIENCE = 12


def register() -> None:
    """Makes the kinds known to the engine (called from `apps.py`)."""
    for kind in _KINDS:
        register_operation(kind)


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
)
