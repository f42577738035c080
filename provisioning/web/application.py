"""The tab about a machine's application, and the one look at its passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel.web.views import ActionView, PortalView
from provisioning.logic.bootstrap import DocumentInvalid, document_parse
from provisioning.models import Deployment, Template
from provisioning.permissions import Permission
from provisioning.selectors.bootstraps import bootstrap_of
from provisioning.selectors.deployments import deployment_get, is_in_hands_of
from provisioning.services.bootstraps import bootstrap_retry, bootstrap_reveal
from provisioning.states import BootstrapStatus, DeploymentStatus

if TYPE_CHECKING:
    from provisioning.web.tabs import TabContext

_UNDER_WAY = {BootstrapStatus.PENDING, BootstrapStatus.RUNNING}


def has_application(deployment: Deployment) -> bool:
    """Whether its template says that something is installed."""
    template = deployment.template
    return bool(template.app_stack or template.bootstrap or template.snippet)


def application_tab(at: TabContext) -> dict[str, Any]:
    """Values of `_tab_application.html`."""
    deployment, row = at.deployment, bootstrap_of(at.deployment)
    may = at.actor.may(Permission.OPERATE) and is_in_hands_of(at.actor, deployment)
    values: dict[str, Any] = {
        "bootstrap": row,
        "options": _options(deployment),
        "packages": _packages(deployment.template, deployment.parameters),
        "log": row.log_tail.splitlines() if row else [],
        "is_live": bool(row and row.status in _UNDER_WAY),
        "retry": "",
        "may_retry": bool(row) and may,
        "may_reveal": _may_reveal(at, row),
    }
    if row is not None and row.status in _UNDER_WAY:
        values["retry"] = _("The installation is under way: wait for its end.")
    elif deployment.status != DeploymentStatus.RUNNING:
        values["retry"] = _("Start the machine first: nothing can be installed while it is off.")
    return values


def installs(template: Template, parameters: dict[str, Any] | None = None) -> list[str]:
    """Packages that a template installs with these options, or with its defaults."""
    defaults = {str(one["key"]): one.get("default") for one in template.install_options}
    return _packages(template, defaults if parameters is None else parameters)


def _may_reveal(at: TabContext, row: Any) -> bool:
    is_owner = at.actor.user_id == at.deployment.owner_id
    return bool(row and row.secret_names and row.secrets_shown_at is None and is_owner)


def _options(deployment: Deployment) -> list[tuple[str, str]]:
    found = []
    for option in deployment.template.install_options:
        value = deployment.parameters.get(str(option["key"]))
        text = (_("yes") if value else _("no")) if isinstance(value, bool) else str(value or "—")
        found.append((str(option.get("label", option["key"])), text))
    return found


def _packages(template: Template, parameters: dict[str, Any]) -> list[str]:
    if not template.bootstrap:
        return []
    try:
        document = document_parse(template.bootstrap, template.install_options)
    except DocumentInvalid:
        return []
    return document.packages_for(parameters)


class ApplicationRetry(ActionView):
    """`/deployments/{id}/bootstrap`: installs once more."""

    permission = Permission.OPERATE

    def target(self, **kwargs: Any) -> str:
        address = reverse("provisioning:deployment_detail", args=[kwargs["deployment_id"]])
        return f"{address}?tab=application"

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        bootstrap_retry(actor=self.actor, deployment_id=kwargs["deployment_id"])
        return _("It is being installed again.")


class ApplicationPasswords(PortalView):
    """`/deployments/{id}/passwords`: what was generated, this one time."""

    permission = Permission.OPERATE
    http_method_names = ["post"]
    template_name = "provisioning/deployment/passwords.html"

    def post(self, request: HttpRequest, deployment_id: str) -> HttpResponse:
        deployment = deployment_get(actor=self.actor, deployment_id=deployment_id)
        found = bootstrap_reveal(actor=self.actor, deployment_id=deployment_id)
        return self.page({"deployment": deployment, "passwords": sorted(found.items())})
