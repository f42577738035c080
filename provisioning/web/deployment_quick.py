"""The address that the palette's plan of a new machine posts to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.kernel.errors import InvalidInput
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import ActionView
from provisioning.logic.requests import DeploymentRequest
from provisioning.permissions import Permission
from provisioning.services.creation import deployment_create
from provisioning.web.forms import values_of
from provisioning.web.presentation import followed


class QuickForm(forms.Form):
    """A new machine as its plan showed it."""

    template = forms.SlugField()
    name = forms.CharField(max_length=63)
    cpu_cores = forms.IntegerField()
    memory_mb = forms.IntegerField()
    disk_gb = forms.IntegerField()
    ttl_hours = forms.IntegerField()


class DeploymentQuick(ActionView):
    """`/deployments/quick`: decided as every creation is; the template's options keep their defaults."""

    permission = Permission.CREATE

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        values = values_of(QuickForm(request.POST))
        tenant_id, owner_id = current_tenant_id(), self.actor.user_id
        if tenant_id is None or owner_id is None:
            raise InvalidInput(_("Choose an organisation first."))
        deployment, operation = deployment_create(
            actor=self.actor,
            tenant_id=tenant_id,
            owner_id=owner_id,
            request=DeploymentRequest(**values),
        )
        told = _("%(name)s is being created.") % {"name": deployment.name}
        return followed(told, deployment, operation)

    def target(self, **kwargs: Any) -> str:
        return reverse("provisioning:deployment_list")
