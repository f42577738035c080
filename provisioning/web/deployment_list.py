"""The list of deployments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from portal.kernel.web.table_views import TableView
from provisioning.models import Deployment
from provisioning.permissions import Permission
from provisioning.selectors.deployments import deployment_list, deployments_by_lease
from provisioning.states import DeploymentStatus
from provisioning.web.deployment_table import DEPLOYMENTS


class DeploymentList(TableView):
    """`/deployments`."""

    permission = Permission.VIEW
    table = DEPLOYMENTS
    template_name = "provisioning/deployment/list.html"
    empty_name = "provisioning/deployment/_empty.html"
    live_topics = "deployment"

    def may_select(self) -> bool:
        return self.actor.may(Permission.OPERATE) or self.actor.may(Permission.DELETE)

    def values(self) -> dict[str, Any]:
        return {
            "may_create": self.actor.may(Permission.CREATE),
            "may_operate": self.actor.may(Permission.OPERATE),
            "may_delete": self.actor.may(Permission.DELETE),
        }

    def rows(self, wanted: Mapping[str, Any]) -> QuerySet[Deployment]:
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
