"""Probes for machines: does the process live, can it serve."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator

from portal.kernel.authz import PUBLIC
from portal.kernel.web.views import PortalView
from portal.services.readiness import platform_checks


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Health(PortalView):
    """The process lives and answers; nothing else is looked at."""

    permission = PUBLIC

    def get(self, _request: HttpRequest) -> HttpResponse:
        return JsonResponse({"status": "ok"})


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Ready(PortalView):
    """Every part is there and nobody is silent; 503 names the part that is not."""

    permission = PUBLIC

    def get(self, _request: HttpRequest) -> HttpResponse:
        checks = platform_checks()
        is_ready = all(state == "ok" for state in checks.values())
        body = {"status": "ready" if is_ready else "unavailable", "checks": checks}
        response = JsonResponse(body, status=200 if is_ready else 503)
        if not is_ready:
            response["Retry-After"] = "5"
        return response
