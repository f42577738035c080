"""Slots: how much work that is hard on a storage or a node goes on at once, whoever asked for it.

A hypervisor gives a storage's lock up after ten seconds of waiting, so a storm of clones makes some of them
fail. Waiting here, where it costs nothing, turns those failures into a queue. A slot belongs to a deployment
and is kept while its operation may still have work under way on the cluster, crashes included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from portal.kernel import clock
from portal.kernel.stored_text import stored_text
from portal.kernel.tenancy import PLATFORM
from portal.models import Operation
from portal.services.settings import setting_get
from portal.states import OPEN_STATUSES
from provisioning.models import Cluster, Deployment, Node, Slot, SlotKind, Storage
from provisioning.selectors.deployments import machine_lock

# A waiting operation that has not asked for so many polls has lost its turn until it asks again.
_TURN_POLLS = 40
_LONGEST_POLLS = 10
_SETTING = {SlotKind.CLONE: "clone", SlotKind.DISK: "disk", SlotKind.COPY: "backup"}
_STALE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class SlotWait:
    """No slot is free: where, how many are ahead, and when to ask again."""

    place: str
    ahead: int
    after_s: float

    def __str__(self) -> str:
        return stored_text(
            "waits for a free slot on %(place)s, %(ahead)s ahead",
            place=self.place,
            ahead=self.ahead,
        )


@transaction.atomic
def slot_take(deployment: Deployment, kind: SlotKind, *, storage: str = "") -> SlotWait | None:
    """Takes a slot for the deployment, or says what it waits for; one that is held is kept.

    The cluster's row is the lock, so that two organisations cannot take the last slot together. For a
    clone it notes in the same transaction that the clone is about to be asked for. `storage` is where the
    work is done when not on the storage of its disks.
    """
    now = clock.now()
    if kind == SlotKind.CLONE:
        machine_lock(deployment.pk)
    Cluster.objects.select_for_update(of=("self",), no_key=True).get(pk=deployment.cluster_id)
    slot = _slot(deployment, kind, storage, now)
    wait = None if slot.is_held else _wait(slot, now)
    slot.is_held, slot.waits_for = wait is None, wait.place if wait else ""
    slot.renewed_at = now
    slot.save()
    if wait is None and kind == SlotKind.CLONE and deployment.clone_requested_at is None:
        Deployment.objects.filter(pk=deployment.pk).update(clone_requested_at=now)
    return wait


@transaction.atomic
def slot_free(deployment_id: UUID) -> None:
    """Gives back what the deployment holds or waits for."""
    Slot.objects.filter(deployment_id=deployment_id).delete()


def slots_sweep() -> None:
    """Frees the slots of deployments nothing is under way for any more."""
    silent = Slot.objects.using(PLATFORM).filter(renewed_at__lt=clock.now() - _STALE)
    held_by = set(silent.values_list("deployment_id", flat=True))
    busy = Operation.across_tenants.filter(target_id__in=held_by, status__in=OPEN_STATUSES)
    idle = held_by - set(busy.values_list("target_id", flat=True))
    silent.filter(deployment_id__in=idle).delete()


def _slot(deployment: Deployment, kind: SlotKind, storage: str, now: datetime) -> Slot:
    """The deployment's row; another kind of work starts anew."""
    slot = Slot.objects.filter(deployment_id=deployment.pk).first()
    if slot is not None and slot.kind == kind:
        return slot
    is_clone = kind == SlotKind.CLONE
    node = deployment.clone_source[0] if is_clone else deployment.node
    fresh = slot or Slot(deployment_id=deployment.pk)
    fresh.cluster_id = deployment.cluster_id
    fresh.kind, fresh.node, fresh.is_held = kind, node, False
    fresh.storage = _storage_key(deployment, storage or deployment.storage_pool, node)
    fresh.asked_at = now
    return fresh


def _storage_key(deployment: Deployment, name: str, node: str) -> str:
    is_local = Storage.objects.filter(
        cluster_id=deployment.cluster_id, name=name, is_shared=False, node__name=node
    ).exists()
    return f"{node}/{name}" if is_local else name


def _wait(slot: Slot, now: datetime) -> SlotWait | None:
    queue = Slot.objects.filter(cluster_id=slot.cluster_id, kind=slot.kind)
    on_storage = int(setting_get(f"cloudpods.{_SETTING[SlotKind(slot.kind)]}.max_per_storage"))
    wait = _full(queue.filter(storage=slot.storage), slot, slot.storage, on_storage, now)
    if wait is None and slot.kind != SlotKind.DISK:
        limit = _node_limit(slot)
        wait = _full(queue.filter(node=slot.node), slot, slot.node, limit, now)
    return wait


def _node_limit(slot: Slot) -> int:
    if slot.kind == SlotKind.COPY:
        return int(setting_get("cloudpods.backup.max_per_node"))
    own = Node.objects.filter(cluster_id=slot.cluster_id, name=slot.node)
    limit = own.values_list("clone_limit", flat=True).first()
    return int(setting_get("cloudpods.clone.max_per_node")) if limit is None else limit


def _full(
    rivals: QuerySet[Slot], slot: Slot, place: str, limit: int, now: datetime
) -> SlotWait | None:
    """Whether the place is full for this slot: held by others, or promised to those who wait longer."""
    poll_s = float(settings.PROVISIONING["poll_s"])
    held = rivals.filter(is_held=True).count()
    ahead = rivals.filter(
        is_held=False,
        waits_for=place,
        asked_at__lt=slot.asked_at,
        renewed_at__gte=now - timedelta(seconds=_TURN_POLLS * poll_s),
    ).count()
    if held + ahead < limit:
        return None
    turns = min(_LONGEST_POLLS, 1 + ahead // max(1, limit))
    return SlotWait(place, ahead, turns * poll_s)
