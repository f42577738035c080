"""Operation kinds, periodic work and notices of health, as `handlers.py` registers them."""

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
from provisioning.services import health_checks
from provisioning.services.consoles import consoles_purge, consoles_settle
from provisioning.services.deployment_retries import heal_again
from provisioning.services.health_notices import health_notices_register
from provisioning.services.health_rows import health_purge
from provisioning.services.operations import OperationType as Type
from provisioning.services.saga import heal

_PATIENCE = 12
_PURGE_EVERY_S = 600


def register() -> None:
    """Makes all of it known to the engine."""
    register_operation(
        OperationKind(
            type=Type.HEALTH,
            label=_("Look at machines' health"),
            queue="health",
            steps=(Step("look", _("Look"), health_checks.check),),
            max_attempts=1,
            is_critical=False,
        )
    )
    register_operation(
        OperationKind(
            type=Type.HEAL,
            label=_("Heal"),
            queue="cloudpods",
            steps=(
                Step("examine", _("Examine"), heal.examine),
                Step("cut", _("Cut the power"), heal.cut),
                Step("start", _("Start"), heal.start),
            ),
            max_attempts=_PATIENCE,
            is_cancelable=True,
            retry_permission=Permission.OPERATE,
            on_failure=heal.heal_failed,
            on_retry=heal_again,
        )
    )
    every_s = int(settings.PROVISIONING["health_every_s"])
    register_schedule(
        Schedule("health.check", _("Look at machines"), every_s, health_checks.health_schedule)
    )
    register_schedule(
        Schedule("health.purge", _("Forget old looks and consoles"), _PURGE_EVERY_S, purge)
    )
    health_notices_register()


def purge() -> None:
    """What the schedule runs."""
    health_purge()
    consoles_settle()
    consoles_purge()
