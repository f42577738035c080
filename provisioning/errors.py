"""Errors of provisioning."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.kernel.errors import Conflict, InvalidInput, ServiceUnavailable


class DeploymentBusy(Conflict):
    """Something is under way on this deployment."""

    code = "deployment_busy"
    default_message = _("Another action is under way on this deployment. Wait until it has ended.")


class WrongState(Conflict):
    """The action does not fit the deployment's state."""

    code = "wrong_state"


class OnHold(Conflict):
    """The deployment is on hold."""

    code = "on_hold"
    default_message = _("The deployment is on hold. Lift the hold first.")


class TemplateUnavailable(Conflict):
    """The template is not active any more."""

    code = "template_unavailable"
    default_message = _("This template is no longer offered. Choose another one.")


class NoVmidLeft(ServiceUnavailable):
    """The cluster's VMID range is used up."""

    code = "no_vmid_left"
    default_message = _("The cluster has no machine number left. An operator must widen its range.")


class DeploymentInvalid(InvalidInput):
    """The request breaks limits of the template or of the platform."""

    code = "invalid"
