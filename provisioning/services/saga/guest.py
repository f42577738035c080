"""The identity fence: nothing is written to a hypervisor before the guest is proven to be ours.

A guest is ours when cluster, VMID and marker match, and the SMBIOS uuid too once it is known. Six peers
destroyed strangers' machines for want of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.services import trail
from integrations.proxmox.errors import GuestAbsent, GuestLocked, NodeUnreachable
from integrations.proxmox.interface import GuestConfig, Hypervisor
from integrations.services.hypervisors import hypervisor_for
from portal.kernel import clock
from portal.kernel.queue import StepContext, StepFailed, StepNeedsOperator
from portal.kernel.stored_text import stored_text
from provisioning.logic.reconciliation import facts_of
from provisioning.models import Deployment
from provisioning.services.clusters import cluster_connection
from provisioning.tags import Tag


@dataclass(frozen=True, slots=True)
class Guest:
    """A deployment and the hypervisor it lives on, for the length of one step."""

    deployment: Deployment
    hypervisor: Hypervisor

    @property
    def node(self) -> str:
        return self.deployment.node

    @property
    def vmid(self) -> int:
        return self.deployment.vmid


class GuestUnproven(Exception):
    """Something sits on our VMID that is being cloned and does not yet carry its marker: only watch."""


class GuestForeign(Exception):
    """The machine on our VMID is somebody else's."""


def guest_open(deployment: Deployment) -> Guest:
    """The deployment with its hypervisor. Raises ProviderError when the token cannot be had."""
    return Guest(deployment, hypervisor_for(cluster_connection(deployment.cluster)))


def deployment_load(ctx: StepContext) -> Deployment:
    """The operation's deployment as it stands now."""
    with transaction.atomic():
        deployment = (
            Deployment.objects.select_related("cluster", "template", "owner")
            .filter(pk=UUID(str(ctx.payload["deployment_id"])))
            .first()
        )
    if deployment is None:
        raise StepFailed(
            stored_text("The deployment does not exist any more."), code="deployment_gone"
        )
    return deployment


def is_ours(deployment: Deployment, config: GuestConfig) -> bool:
    """Whether the guest carries our marker and, once known, our uuid."""
    if config.vmid != deployment.vmid or config.marker != deployment.marker:
        return False
    return not deployment.guest_uuid or config.uuid == deployment.guest_uuid


def guest_inspect(guest: Guest) -> GuestConfig | None:
    """The guest's configuration if it is ours, None if the cluster proves it absent.

    Follows a guest that was migrated; a copy moves to its node at the end of its clone.

    Raises:
        GuestUnproven, GuestForeign, and what the provider raises when the answer is unknown.
        GuestLocked: a deletion is under way, or was broken off.
    """
    deployment = guest.deployment
    try:
        config = guest.hypervisor.guest_config(guest.node, guest.vmid)
    except GuestAbsent:
        node = guest.hypervisor.guest_find(guest.vmid)
        if node is None:
            return None
        config = guest.hypervisor.guest_config(node, guest.vmid)
    except NodeUnreachable:
        # The node may be down because its machines were moved away.
        node = guest.hypervisor.guest_find(guest.vmid)
        if node in {None, guest.node}:
            raise
        config = guest.hypervisor.guest_config(str(node), guest.vmid)
    if config.is_cloning and config.marker is None:
        raise GuestUnproven
    if config.lock == "destroyed" and config.marker is None:
        # What a deletion leaves of a machine until its very end: no mark, no uuid, nothing to write to.
        raise GuestLocked(config.lock)
    if not is_ours(deployment, config):
        raise GuestForeign
    if config.node != deployment.node and not config.is_cloning:
        _remember(deployment, node=config.node)
    return config


def guest_prove(guest: Guest) -> GuestConfig:
    """The fence itself, called right before each mutating call.

    Raises:
        StepNeedsOperator: another machine is behind the VMID, or none; nothing was written.
        GuestUnproven: a clone of ours may still be under way.
    """
    try:
        config = guest_inspect(guest)
    except GuestForeign as error:
        raise mismatch(guest) from error
    if config is None:
        raise StepNeedsOperator(
            stored_text(
                "Machine %(vmid)s does not exist on cluster %(cluster)s any more. "
                "Delete the deployment to release what it holds.",
                vmid=guest.vmid,
                cluster=guest.deployment.cluster.code,
            ),
            code="guest_missing",
        )
    return config


def mismatch(guest: Guest) -> StepNeedsOperator:
    """Records that a stranger is behind our VMID and answers the error to raise."""
    deployment = guest.deployment
    with transaction.atomic():
        trail.record(
            tag=Tag.IDENTITY_MISMATCH,
            target=deployment,
            outcome="refused",
            detail={"vmid": guest.vmid, "node": guest.node},
        )
    return StepNeedsOperator(
        stored_text(
            "The machine behind VMID %(vmid)s on %(cluster)s is not this deployment. "
            "Nothing was changed on it. An operator must find out whose it is.",
            vmid=guest.vmid,
            cluster=deployment.cluster.code,
        ),
        code="identity_mismatch",
        command=f"qm config {guest.vmid}",
    )


def guest_adopt(deployment: Deployment, config: GuestConfig) -> None:
    """Stores the identity and the looks of the clone that was proven ours by its marker."""
    if not deployment.guest_uuid and config.uuid:
        facts = facts_of(config, deployment.template.system_disk)
        _remember(deployment, guest_uuid=config.uuid, node=config.node, guest_facts=facts)


def _remember(deployment: Deployment, **values: Any) -> None:
    with transaction.atomic():
        Deployment.objects.filter(pk=deployment.pk).update(updated_at=clock.now(), **values)
    for name, value in values.items():
        setattr(deployment, name, value)
