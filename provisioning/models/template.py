"""Templates: the only way to get a VM."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.logic.pricing import HourlyRates
from portal.kernel.models import TimestampedModel
from provisioning.logic.bootstrap import DocumentInvalid, document_parse, snippet_is_valid
from provisioning.logic.probes import probe_validate
from provisioning.models.cluster import Cluster, vmid_validators


class TemplateType(models.TextChoices):
    """Seed 003 §4: a bare operating system, or an application stack."""

    OS = "os", _("Operating system")
    APP = "app", _("Application")


def _rate(**kwargs: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(
        max_digits=12,
        decimal_places=6,
        default=Decimal(0),
        validators=[MinValueValidator(0)],
        **kwargs,
    )


def _bound(default: int) -> models.PositiveIntegerField[Any, Any]:
    return models.PositiveIntegerField(default=default, validators=[MinValueValidator(1)])


class Template(TimestampedModel):
    """An approved blueprint with its limits, defaults and hourly rates.

    `source_facts` is what the machine it is cloned from looked like when that was last known to be right.
    """

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=3, choices=TemplateType, default=TemplateType.OS)
    description = models.TextField(blank=True, default="")
    icon = models.CharField(max_length=40, default="server")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="templates")
    proxmox_template_vmid = models.PositiveIntegerField(validators=vmid_validators())
    default_node = models.CharField(max_length=63)
    storage_pool = models.CharField(max_length=60)
    network_bridge = models.CharField(max_length=60, default="vmbr0")
    system_disk = models.CharField(max_length=10, default="scsi0")
    is_full_clone = models.BooleanField(default=True)
    has_cloud_init = models.BooleanField(default=True)
    health_probe = models.JSONField(
        null=True,
        blank=True,
        validators=[probe_validate],
        help_text=_(
            "How machines of this template are asked whether they work: "
            '{"kind": "http", "port": 80, "path": "/", "expected_status": 200, "timeout_s": 5}'
        ),
    )
    app_stack = models.CharField(max_length=40, blank=True, default="")
    install_options = models.JSONField(default=list, blank=True)
    bootstrap = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text=_("What is installed after the first start: a document as in docs/fleet.md."),
    )
    snippet = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("A cloud-init document on the node instead: storage:snippets/name.yml"),
    )
    minimum_plan_code = models.CharField(max_length=60, blank=True, default="")
    tags = models.JSONField(default=list, blank=True)
    cpu_cores_default = _bound(2)
    cpu_cores_min = _bound(1)
    cpu_cores_max = _bound(8)
    memory_mb_default = _bound(2048)
    memory_mb_min = _bound(512)
    memory_mb_max = _bound(16_384)
    disk_gb_default = _bound(20)
    disk_gb_min = _bound(10)
    disk_gb_max = _bound(200)
    rate_base_hour = _rate()
    rate_cpu_core_hour = _rate()
    rate_memory_gb_hour = _rate()
    rate_disk_gb_hour = _rate()
    source_facts = models.JSONField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=100)

    class Meta:
        ordering = ("position", "code")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """The document is one that can be carried out, the snippet's name one of a snippet."""
        if self.bootstrap:
            try:
                document_parse(self.bootstrap, self.install_options)
            except DocumentInvalid as error:
                raise ValidationError({"bootstrap": str(error)}) from error
        if self.snippet and not snippet_is_valid(self.snippet):
            raise ValidationError({"snippet": _("Name it as storage:snippets/name.yml.")})

    @property
    def rates(self) -> HourlyRates:
        """What the price is computed from."""
        return HourlyRates(
            base=self.rate_base_hour,
            cpu_core=self.rate_cpu_core_hour,
            memory_gb=self.rate_memory_gb_hour,
            disk_gb=self.rate_disk_gb_hour,
        )

    def limits(self, dimension: str) -> tuple[int, int, int]:
        """(minimum, default, maximum) of cpu_cores, memory_mb or disk_gb."""
        return (
            getattr(self, f"{dimension}_min"),
            getattr(self, f"{dimension}_default"),
            getattr(self, f"{dimension}_max"),
        )


class TemplateCopy(TimestampedModel):
    """A further place a template can be cloned from; the template's own fields are the first."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="copies")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="template_copies")
    vmid = models.PositiveIntegerField(validators=vmid_validators())
    node = models.CharField(max_length=63)
    storage = models.CharField(max_length=60)
    bridge = models.CharField(max_length=60, default="vmbr0")
    snippet = models.CharField(max_length=200, blank=True, default="", db_default="")
    source_facts = models.JSONField(null=True, editable=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "template copies"
        ordering = ("template", "cluster", "node")
        constraints = [
            models.UniqueConstraint(fields=["cluster", "vmid"], name="template_copy_once_per_vmid")
        ]

    def clean(self) -> None:
        """The snippet's name is one of a snippet."""
        if self.snippet and not snippet_is_valid(self.snippet):
            raise ValidationError({"snippet": _("Name it as storage:snippets/name.yml.")})

    def __str__(self) -> str:
        return f"{self.template} ({self.cluster} / {self.node})"
