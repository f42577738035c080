"""Tenants and their limits in Django admin, through services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing.logic.quota import DIMENSIONS
from billing.models import Quota, QuotaReservation, Tenant
from billing.services.limits import quota_set
from billing.services.tenants import tenant_create
from portal.kernel.web.admin import ReadOnlyAdmin, ServiceAdmin, acting
from portal.kernel.web.admin_words import name_for_people

name_for_people(Tenant, _("organisation"), _("organisations"), slug=_("short name"))
name_for_people(Quota, _("quota"), _("quotas"))
name_for_people(QuotaReservation, _("quota in use"), _("quotas in use"))


@admin.register(Tenant)
class TenantAdmin(ServiceAdmin):
    """Organisations: made here, never deleted."""

    list_display = ("slug", "name", "timezone", "is_active", "created_at")
    search_fields = ("slug", "name")
    fields = ("slug", "name", "timezone")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return self.fields if obj else ()

    def create(self, values: dict[str, Any]) -> Tenant:
        return tenant_create(actor=acting(), **values)

    def update(self, obj: Tenant, values: dict[str, Any]) -> Tenant:
        return obj


@admin.register(Quota)
class QuotaAdmin(ServiceAdmin):
    """An organisation's own limits; empty is unlimited."""

    list_display = ("tenant", *DIMENSIONS)
    fields = ("tenant", *DIMENSIONS)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return ("tenant",) if obj else ()

    def create(self, values: dict[str, Any]) -> Quota:
        return self._set(values["tenant"].pk, values)

    def update(self, obj: Quota, values: dict[str, Any]) -> Quota:
        return self._set(obj.tenant_id, values)

    def _set(self, tenant_id: Any, values: dict[str, Any]) -> Quota:
        limits = {name: values.get(name) for name in DIMENSIONS}
        return quota_set(actor=acting(), tenant_id=tenant_id, limits=limits)


@admin.register(QuotaReservation)
class QuotaReservationAdmin(ReadOnlyAdmin):
    """What deployments hold."""

    list_display = ("tenant", "subject_id", *DIMENSIONS, "released_at")
    list_filter = ("tenant",)
