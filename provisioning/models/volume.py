"""Additional disks, and the machine that owns them on a cluster."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.logic.quota import Amounts
from portal.kernel.models import TenantForeignKey, TenantModel, TimestampedModel
from provisioning.models.cluster import Cluster
from provisioning.models.deployment import Deployment
from provisioning.states import VolumeAction, VolumeStatus


class ShelfPurpose(models.TextChoices):
    """What a machine of ours that never runs is for."""

    SHELF = "shelf", _("Keeps the number of disks")
    BENCH = "bench", _("Lets detached disks grow")


class VolumeShelf(TimestampedModel):
    """A machine of ours that never runs: one keeps the number of a cluster's disks, others let them grow.

    A hypervisor frees with a machine what bears its number, and nothing else: no end of a deployment can
    take a disk along. A bench owns nothing; detached disks are plugged into it to grow, on a node that
    reaches them. `is_made` says that it was proven to exist once.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="shelves")
    purpose = models.CharField(
        max_length=5,
        choices=ShelfPurpose,
        default=ShelfPurpose.SHELF,
        db_default=ShelfPurpose.SHELF.value,
    )
    vmid = models.PositiveIntegerField()
    marker = models.CharField(max_length=120)
    node = models.CharField(max_length=63)
    is_made = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cluster"],
                name="shelf_once_per_cluster",
                condition=models.Q(purpose="shelf"),
            ),
            models.UniqueConstraint(
                fields=["cluster", "node"],
                name="bench_once_per_node",
                condition=models.Q(purpose="bench"),
            ),
            models.CheckConstraint(
                condition=models.Q(purpose__in=ShelfPurpose.values), name="shelf_purpose_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id}/{self.vmid}"


class Volume(TenantModel):
    """One additional disk. `proxmox_volume_id` is what its storage calls it; the name holds our id.

    `deployment` is where it is attached, or was last while that machine exists; `slot` is the drive it
    sits in, or is being put into. `size_gb` is proven, `wanted_gb` what a growth asks for. `owner_vmid`
    is the shelf's number, part of the disk's name for ever. `node` is where it was made: the only one
    that reaches it when its storage is local. `stored_at` is when it was first seen on the storage. `bench`
    is set before the disk is plugged in there to grow, until it is proven to be out again.
    """

    deployment = TenantForeignKey(
        Deployment, on_delete=models.PROTECT, related_name="volumes", null=True
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=63)
    size_gb = models.PositiveIntegerField()
    wanted_gb = models.PositiveIntegerField(null=True)
    price_gb_hour = models.DecimalField(max_digits=12, decimal_places=6)
    storage_pool = models.CharField(max_length=60)
    node = models.CharField(max_length=63)
    owner_vmid = models.PositiveIntegerField(null=True)
    proxmox_volume_id = models.CharField(max_length=200, null=True)
    slot = models.CharField(max_length=8, blank=True, default="", db_default="")
    bench = models.ForeignKey(
        VolumeShelf, on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    status = models.CharField(max_length=8, choices=VolumeStatus, default=VolumeStatus.CREATING)
    action = models.CharField(
        max_length=6, choices=VolumeAction, blank=True, default="", db_default=""
    )
    attention = models.JSONField(null=True)
    stored_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "volume"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="volume_name_once_while_live",
                condition=~models.Q(status="deleted"),
            ),
            models.UniqueConstraint(
                fields=["deployment", "slot"],
                name="volume_slot_once",
                condition=~models.Q(slot=""),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=VolumeStatus.values), name="volume_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(action__in=["", *VolumeAction.values]),
                name="volume_action_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="attached") | ~models.Q(slot=""),
                name="volume_attached_somewhere",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="volume_newest"),
            models.Index(
                fields=["cluster", "storage_pool"],
                include=["node", "size_gb", "wanted_gb"],
                name="volume_on_storage",
                condition=~models.Q(status="deleted"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def held_gb(self) -> int:
        """What it holds of the quota: also what a growth under way asks for."""
        return max(self.size_gb, self.wanted_gb or 0)

    @property
    def amounts(self) -> Amounts:
        """The same, as quota counts it."""
        return Amounts(0, 0, 0, self.held_gb)

    @property
    def is_busy(self) -> bool:
        """Whether something is under way on it."""
        return bool(self.action) or self.status in {VolumeStatus.CREATING, VolumeStatus.DELETING}
