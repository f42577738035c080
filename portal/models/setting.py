"""System settings: values of what the registry defines."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TimestampedModel
from portal.kernel.settings import ValueType


class Setting(TimestampedModel):
    """The value of one `namespace.key`; type, default and rule come from the registry."""

    namespace = models.CharField(_("namespace"), max_length=40)
    key = models.CharField(_("key"), max_length=120)
    value = models.JSONField(_("value"), null=True)
    value_type = models.CharField(
        _("type"), max_length=8, choices=[(kind.value, kind.value) for kind in ValueType]
    )
    updated_by = models.ForeignKey(
        "portal.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("namespace", "key")
        verbose_name = _("setting")
        verbose_name_plural = _("settings")
        constraints = [
            models.UniqueConstraint(fields=["namespace", "key"], name="setting_once_per_name"),
            models.CheckConstraint(
                condition=models.Q(value_type__in=[kind.value for kind in ValueType]),
                name="setting_value_type_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the code calls it."""
        return f"{self.namespace}.{self.key}"


class SettingsVersion(models.Model):
    """One row whose number moves with every change: how processes notice that theirs are old."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="settings_version_is_one_row")
        ]

    def __str__(self) -> str:
        return str(self.number)
