"""Routes of the billing API."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from billing.api.tenants import TenantViewSet
from billing.api.views import QuotaViewSet

router = SimpleRouter(trailing_slash=False)
router.register("quota", QuotaViewSet, basename="quota")
router.register("tenants", TenantViewSet, basename="tenant")
urlpatterns = router.urls
