"""Clusters, the VMIDs uHub owns in them, and what was last seen there."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TimestampedModel
from provisioning.models.maintenance import Maintainable

VMID_MIN, VMID_MAX = 100, 999_999_999


def vmid_validators() -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(VMID_MIN), MaxValueValidator(VMID_MAX)]


class Cluster(Maintainable, TimestampedModel):
    """A Proxmox VE cluster. Its API token is a reference into the secret store, never a value.

    While `heal_paused_at` is set, so many of its machines are unwell that none of them is healed.
    """

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    hosts = models.JSONField(default=list, help_text=_("API hosts, tried in order."))
    port = models.PositiveIntegerField(default=8006)
    token_id = models.CharField(max_length=200, help_text="user@realm!token")
    token_ref = models.CharField(max_length=300, help_text="vault:<path>#<key>")
    ca_pem = models.TextField(blank=True, default="")
    fingerprints = models.JSONField(
        default=list, blank=True, help_text=_("One SHA-256 fingerprint per host, instead of a CA.")
    )
    pool = models.CharField(max_length=60, blank=True, default="")
    vmid_first = models.PositiveIntegerField(default=20_000, validators=vmid_validators())
    vmid_last = models.PositiveIntegerField(default=29_999, validators=vmid_validators())
    vmid_next = models.PositiveIntegerField(default=20_000, validators=vmid_validators())
    is_active = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, default="", editable=False)
    heal_paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    heal_paused_reason = models.CharField(
        max_length=300, blank=True, default="", db_default="", editable=False
    )
    measured_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(vmid_first__lte=models.F("vmid_last")), name="cluster_vmid_range"
            )
        ]

    def __str__(self) -> str:
        return self.name


class VmidAllocation(TimestampedModel):
    """A VMID of our range in use or in quarantine. A blocked one belongs to a stranger and stays so."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="allocations")
    vmid = models.PositiveIntegerField()
    deployment_id = models.UUIDField(null=True)
    is_blocked = models.BooleanField(default=False)
    quarantined_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "vmid"], name="vmid_once_per_cluster")
        ]


class GuestObservation(TimestampedModel):
    """One guest as the cluster's last listing showed it. Absence here proves nothing.

    `checked_at` is when its configuration was last read and compared.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="observations")
    vmid = models.PositiveIntegerField()
    node = models.CharField(max_length=63)
    name = models.CharField(max_length=255, blank=True, default="")
    power = models.CharField(max_length=10)
    lock = models.CharField(max_length=30, blank=True, default="")
    is_template = models.BooleanField(default=False, db_default=False)
    cpu_cores = models.PositiveIntegerField(null=True)
    memory_mb = models.PositiveIntegerField(null=True)
    disk_gb = models.PositiveIntegerField(null=True)
    observed_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "vmid"], name="observation_once_per_guest")
        ]
