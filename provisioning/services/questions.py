"""What a sweep may ask a cluster beside its listing: little, and no answer is ever read as "gone"."""

from __future__ import annotations

import structlog

from integrations.base.errors import ProviderError
from integrations.proxmox.errors import GuestAbsent
from integrations.proxmox.interface import GuestConfig, Hypervisor, StoredVolume
from provisioning.models import Cluster, Deployment
from provisioning.services.saga.destroy import clone_is_running
from provisioning.services.saga.guest import Guest

log = structlog.get_logger(__name__)


class Questions:
    """Questions about single machines of one cluster, at most `limit` of them."""

    def __init__(self, hypervisor: Hypervisor, cluster: Cluster, *, limit: int) -> None:
        self._hypervisor = hypervisor
        self._cluster = cluster
        self._left = limit
        self._has_quorum: bool | None = None
        self.count = 0

    def config(self, node: str, vmid: int) -> GuestConfig | None:
        """A guest's configuration, None while it cannot be had: unknown, so nothing follows from it."""
        if not self._spend():
            return None
        try:
            return self._hypervisor.guest_config(node, vmid)
        except GuestAbsent:
            return None
        except ProviderError as error:
            self._note(vmid, error)
            return None

    def is_free(self, vmid: int) -> bool:
        """Whether the cluster, with quorum, says that nobody at all has this number."""
        if not self._spend():
            return False
        try:
            if self._has_quorum is None:
                self._has_quorum = self._hypervisor.has_quorum()
            return self._has_quorum and self._hypervisor.is_vmid_free(vmid)
        except ProviderError as error:
            self._note(vmid, error)
            return False

    def is_being_cloned(self, row: Deployment) -> bool:
        """Whether a clone of ours still makes this machine, or may do so for all that is known."""
        if row.clone_requested_at is None:
            return False
        if not self._spend():
            return True
        try:
            return clone_is_running(Guest(row, self._hypervisor))
        except ProviderError as error:
            self._note(row.vmid, error)
            return True

    def stored(self, node: str, storage: str, vmid: int) -> tuple[StoredVolume, ...] | None:
        """What bears a number on a storage, None while nobody can tell."""
        if not self._spend():
            return None
        try:
            return self._hypervisor.stored_volumes(node, storage, vmid)
        except ProviderError as error:
            self._note(vmid, error)
            return None

    def _spend(self) -> bool:
        if self._left <= 0:
            return False
        self._left -= 1
        self.count += 1
        return True

    def _note(self, vmid: int, error: ProviderError) -> None:
        log.info(
            "reconcile.unknown", cluster=self._cluster.code, vmid=vmid, reason=error.message[:200]
        )
