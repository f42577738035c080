"""The list of deployments."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from portal.kernel.web.paging import page_of
from portal.kernel.web.views import PortalView
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_list, deployments_by_lease
from provisioning.states import DeploymentStatus
from provisioning.web.forms import DeploymentFilters


class DeploymentList(PortalView):
    """`/deployments`."""

    permission = Permission.VIEW
    template_name = "provisioning/deployment/list.html"
    fragment_name = "provisioning/deployment/_rows.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = DeploymentFilters(request.GET)
        page = page_of(request, self._filtered(filters))
        return self.page(
            {
                "filters": filters,
                "deployments": page.rows,
                "previous": page.previous,
                "next": page.next,
                "may_create": self.actor.may(Permission.CREATE),
            }
        )

    def _filtered(self, filters: DeploymentFilters) -> QuerySet[Deployment]:
        filters.is_valid()
        wanted = filters.cleaned_data
        status = wanted.get("status")
        rows = deployment_list(actor=self.actor, with_deleted=status == DeploymentStatus.DELETED)
        if wanted.get("search"):
            text = wanted["search"]
            rows = rows.filter(Q(name__icontains=text) | Q(hostname__icontains=text))
        if status == "attention":
            rows = rows.filter(attention__isnull=False)
        elif status:
            rows = rows.filter(status=status)
        if wanted.get("lease"):
            rows = deployments_by_lease(rows, wanted["lease"])
        return rows.filter(owner_id=self.actor.user_id) if wanted.get("owner") == "me" else rows
