"""Errors of provisioning."""

from __future__ import annotations

import math

from django.utils.translation import gettext_lazy as _

from portal.kernel.errors import Conflict, DomainError, InvalidInput, Refused, ServiceUnavailable


class DeploymentBusy(Conflict):
    """Something is under way on this deployment."""

    code = "deployment_busy"
    default_message = _("Another action is under way on this deployment. Wait until it has ended.")


class WrongState(Conflict):
    """The action does not fit the deployment's state."""

    code = "wrong_state"


class OnHold(Conflict):
    """The deployment is on hold; `demand_no_hold` tells why and who can lift that."""

    code = "on_hold"


class CopyLimit(Conflict):
    """The deployment has as many snapshots or backups as it may have."""

    code = "copy_limit"


class ExtensionNeedsApproval(Conflict):
    """The extension goes beyond the rules and names no reason to ask for an approval with."""

    code = "extension_needs_approval"


class ExtensionPending(Conflict):
    """A request for this deployment waits for its decision."""

    code = "extension_pending"
    default_message = _(
        "A request for this deployment is waiting for its decision. Withdraw it to ask for something else."
    )


class ConsoleUnavailable(Conflict):
    """The machine has no screen to look at now."""

    code = "console_unavailable"


class TooManyConsoles(Conflict):
    """The person has as many consoles open as one may."""

    code = "too_many_consoles"
    default_message = _("You have too many consoles open. Close one of them first.")


class RequestClosed(Conflict):
    """The request was decided, withdrawn, or has expired."""

    code = "request_closed"


class SelfApproval(Refused):
    """Nobody decides on his own request."""

    code = "self_approval"
    default_message = _("You asked for this yourself: somebody else has to decide.")


class NoCapacity(Conflict):
    """No place has room for the machine."""

    code = "no_capacity"
    default_message = _("There is no room for this machine now.")


class NoVmidLeft(ServiceUnavailable):
    """The cluster's VMID range is used up."""

    code = "no_vmid_left"
    default_message = _("The cluster has no machine number left. An operator must widen its range.")


class DeploymentInvalid(InvalidInput):
    """The request breaks limits of the template or of the platform."""

    code = "invalid"


class VolumeBusy(Conflict):
    """Something is under way on this volume."""

    code = "volume_busy"
    default_message = _("Another action is under way on this volume. Wait until it has ended.")


class VolumeInvalid(InvalidInput):
    """The request breaks limits of volumes."""

    code = "invalid"


class VolumeUnreachable(Conflict):
    """The deployment does not reach the storage the disk is on."""

    code = "volume_unreachable"


class TooSoon(DomainError):
    """A probe spoke again before its interval was half over."""

    code = "too_soon"
    http_status = 429
    default_message = _("This probe spoke a moment ago. Let it wait for its interval.")

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.retry_after_s = max(1, math.ceil(wait_s))


class ProbeUnknown(DomainError):
    """No host has this token: it was revoked, or never made."""

    code = "probe_unknown"
    http_status = 401
    default_message = _("No host has this token. Make a new one on the page of the host.")
