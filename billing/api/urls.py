"""Routes of the billing API."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from billing.api.views import QuotaViewSet

router = SimpleRouter(trailing_slash=False)
router.register("quota", QuotaViewSet, basename="quota")
urlpatterns = router.urls
