"""`/deployments/{id}/console`: a machine's screen in a window of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.kernel.errors import Refused
from portal.kernel.web.views import PortalView
from provisioning.logic.consoles import CODES, obstacle_text
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_get, is_in_hands_of
from provisioning.services.consoles import obstacle_of
from provisioning.states import ConsoleEnd


class ConsolePage(PortalView):
    """The screen, and what can be sent to it. The ticket is asked for by the page's script."""

    permission = Permission.OPERATE
    template_name = "provisioning/console/page.html"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        if not is_in_hands_of(self.actor, deployment):
            raise Refused(
                _("This deployment belongs to %(owner)s.") % {"owner": deployment.owner},
                permission=str(Permission.MANAGE),
            )
        return self.page(
            {
                "deployment": deployment,
                "obstacle": obstacle_text(obstacle_of(deployment)),
                "ends": [(CODES[end], end.label) for end in ConsoleEnd],
            }
        )
