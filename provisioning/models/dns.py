"""Names of machines: the name servers, the zones they answer for, and the records we keep there."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TenantForeignKey, TenantModel, TimestampedModel
from provisioning.models.deployment import Deployment
from provisioning.states import DnsProvider, DnsStatus, DnsType, ZoneKind

TTL_LEAST, TTL_MOST = 30, 604_800


class DnsServer(TimestampedModel):
    """A name server that is written through its API. Its key is a reference into the secret store.

    `resolver` is where the health check asks (address:port); without one only the API is compared.
    """

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    provider = models.CharField(
        _("provider"),
        max_length=20,
        choices=DnsProvider,
        default=DnsProvider.POWERDNS,
        db_default="powerdns",
    )
    url = models.CharField(_("address"), max_length=300, help_text="https://dns.example.org:8081")
    server_id = models.CharField(max_length=60, default="localhost", db_default="localhost")
    api_key_ref = models.CharField(max_length=300, help_text="vault:<path>#<key>")
    ca_pem = models.TextField(blank=True, default="", db_default="")
    resolver = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="192.0.2.53:53"
    )
    nameservers = models.JSONField(
        default=list, blank=True, help_text=_("Names written into zones that uHub makes.")
    )
    is_active = models.BooleanField(default=True, db_default=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(
        max_length=500, blank=True, default="", db_default="", editable=False
    )

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class DnsZone(TimestampedModel):
    """A zone in which machines get names: one organisation's, or offered to all when it has none.

    `attention` says what its last check found that no record can say; `strange` are the record sets there
    that bear a mark of ours which no record knows: {name, type, deployment_id, record_id, contents}.
    """

    organisation = models.ForeignKey(
        "billing.Tenant",
        on_delete=models.PROTECT,
        verbose_name=_("organisation"),
        related_name="+",
        null=True,
        blank=True,
    )
    server = models.ForeignKey(
        DnsServer, on_delete=models.PROTECT, verbose_name=_("name server"), related_name="zones"
    )
    name = models.CharField(max_length=253, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=ZoneKind, default=ZoneKind.FORWARD)
    ttl = models.PositiveIntegerField(
        _("time to live (s)"),
        default=300,
        db_default=300,
        validators=[MinValueValidator(TTL_LEAST), MaxValueValidator(TTL_MOST)],
    )
    is_default = models.BooleanField(default=False, db_default=False)
    is_active = models.BooleanField(default=True, db_default=True)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    attention = models.JSONField(null=True, blank=True, editable=False)
    strange = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"],
                name="dnszone_default_once",
                condition=models.Q(is_default=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(kind="forward") | models.Q(is_default=False),
                name="dnszone_default_is_forward",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DnsRecord(TenantModel):
    """One record of a machine. For PTR, `hostname` is what the address `ip_address` points to.

    It exists from the request on, while the address is unknown. `claims_name` marks the one row that
    holds the hostname in its zone for this machine; `is_extra` one that a person added with an address
    of its own. `found` is what the name server had when that was not what we wrote.
    """

    deployment = TenantForeignKey(
        Deployment, on_delete=models.PROTECT, related_name="dns_records", db_index=False
    )
    zone = models.ForeignKey(DnsZone, on_delete=models.PROTECT, related_name="records")
    zone_name = models.CharField(max_length=253)
    hostname = models.CharField(max_length=253)
    ip_address = models.GenericIPAddressField(null=True)
    type = models.CharField(max_length=4, choices=DnsType, default=DnsType.A)
    ttl = models.PositiveIntegerField(default=300)
    status = models.CharField(max_length=8, choices=DnsStatus, default=DnsStatus.PENDING)
    attention = models.JSONField(null=True)
    found = models.JSONField(null=True)
    claims_name = models.BooleanField(default=False)
    is_extra = models.BooleanField(default=False)
    last_checked_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "DNS record"
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "hostname"],
                name="dnsrecord_name_once_while_live",
                condition=models.Q(claims_name=True) & ~models.Q(status="removed"),
            ),
            models.UniqueConstraint(
                fields=["zone", "hostname", "type"],
                name="dnsrecord_type_once_while_live",
                condition=~models.Q(type="PTR") & ~models.Q(status="removed"),
            ),
            models.UniqueConstraint(
                fields=["zone", "ip_address"],
                name="dnsrecord_pointer_once",
                condition=models.Q(type="PTR") & ~models.Q(status="removed"),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=DnsStatus.values), name="dnsrecord_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(type__in=DnsType.values), name="dnsrecord_type_known"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="dnsrecord_newest"),
            models.Index(fields=["tenant", "deployment"], name="dnsrecord_of_deployment"),
        ]

    def __str__(self) -> str:
        return f"{self.hostname} {self.type}"
