"""The operation kinds of names, their schedule, and what they listen to."""

from __future__ import annotations

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.kernel import events
from portal.kernel.queue import (
    Again,
    OperationKind,
    Schedule,
    Step,
    register_operation,
    register_schedule,
)
from provisioning.events import AddressesFound, DeploymentChanged
from provisioning.permissions import Permission
from provisioning.services.dns import alignment, checks, retries, stale, steps
from provisioning.services.finding_retries import names_clear_again
from provisioning.services.finding_sources import register_finding_source
from provisioning.services.operations import OperationType as Type

_PATIENCE = 12


def names_register() -> None:
    """Makes the kinds, the schedule and the subscriptions known (called from `handlers.py`)."""
    for kind in _KINDS:
        register_operation(kind)
    events.subscribe(AddressesFound, alignment.addresses_found)
    events.subscribe(DeploymentChanged, alignment.deployment_ended)
    every_s = int(settings.PROVISIONING["check_names_every_s"])
    register_finding_source("names", stale.look)
    register_schedule(Schedule("dns.check", _("Compare zones"), every_s, checks.checks_schedule))


def _kind(type_: Type, label: str | Promise, step: Step, on_retry: Again) -> OperationKind:
    return OperationKind(
        type=type_,
        label=label,
        queue="cloudpods",
        steps=(step,),
        max_attempts=_PATIENCE,
        backoff_cap_s=60,
        priority=-2,
        retry_permission=Permission.DNS_MANAGE,
        cure_permissions=(Permission.VIEW, Permission.MANAGE),
        on_failure=steps.record_failed,
        on_retry=on_retry,
    )


_SET = Step("set", _("Set the name"), steps.write)
_KINDS = (
    _kind(Type.DNS_CREATE, _("Create a name"), _SET, retries.write_again),
    _kind(Type.DNS_UPDATE, _("Change a name"), _SET, retries.write_again),
    _kind(
        Type.DNS_DELETE,
        _("Remove a name"),
        Step("erase", _("Remove the name"), steps.erase),
        retries.erase_again,
    ),
    OperationKind(
        type=Type.DNS_CHECK,
        label=_("Compare a zone"),
        queue="health",
        steps=(Step("compare", _("Compare"), checks.check),),
        max_attempts=2,
        is_critical=False,
        retry_permission=Permission.DNS_MANAGE,
    ),
    OperationKind(
        type=Type.DNS_CLEAR,
        label=_("Remove names of nobody"),
        queue="cloudpods",
        steps=(Step("clear", _("Remove the names"), stale.clear),),
        on_retry=names_clear_again,
        cure_permissions=(Permission.FINDINGS_VIEW,),
        max_attempts=_PATIENCE,
        backoff_cap_s=60,
        retry_permission=Permission.CLUSTERS_MANAGE,
    ),
    OperationKind(
        type=Type.DNS_TEST,
        label=_("Test a name server"),
        queue="health",
        steps=(Step("ask", _("Ask for its version"), checks.test),),
        max_attempts=1,
        is_critical=False,
        retry_permission=Permission.CLUSTERS_MANAGE,
    ),
)
