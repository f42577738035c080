"""Ways from the palette to findings, the infrastructure and machines that change hands."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.kernel.commands import Command
from provisioning.permissions import Permission

FLEET_COMMANDS: Final = (
    Command(
        key="finding.open",
        label=_("Open findings"),
        sub=_("what differs on the clusters"),
        icon="scan-search",
        permission=Permission.FINDINGS_VIEW,
        url="/findings?status=open",
        keywords=("findings drift orphan missing reconcile", "constats écarts orphelins"),
        order=60,
    ),
    Command(
        key="finding.closed",
        label=_("Closed findings"),
        sub=_("what stands because somebody said why"),
        icon="bell-off",
        permission=Permission.FINDINGS_VIEW,
        url="/findings?status=closed",
        keywords=("findings closed accepted", "constats fermés"),
        order=61,
    ),
    Command(
        key="maintenance.plan",
        label=_("Plan maintenance"),
        sub=_("of a cluster, once or every week"),
        icon="calendar-clock",
        permission=Permission.INFRASTRUCTURE_VIEW,
        url="/infrastructure/windows",
        keywords=("maintenance window downtime", "fenêtre de maintenance arrêt"),
        order=62,
    ),
    Command(
        key="infrastructure.open",
        label=_("Room and maintenance of the clusters"),
        icon="server-cog",
        permission=Permission.INFRASTRUCTURE_VIEW,
        url="/infrastructure",
        keywords=("infrastructure nodes storages capacity", "infrastructure nœuds stockages"),
        order=63,
    ),
    Command(
        key="transfer.list",
        label=_("Changes of owner"),
        sub=_("offers to accept or decline"),
        icon="handshake",
        permission=Permission.VIEW,
        url="/transfers",
        keywords=("transfer ownership give away", "transfert propriétaire donner"),
        order=64,
    ),
    Command(
        key="transfer.offboarding",
        label=_("Somebody leaves"),
        sub=_("give away or end all machines of a person"),
        icon="user-round-x",
        permission=Permission.MANAGE,
        url="/offboarding",
        keywords=("offboarding leaver", "départ d'un collègue"),
        order=65,
    ),
)
