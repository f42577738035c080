"""Probes for machines: does the process live, can it serve."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator

from portal.kernel.authz import PUBLIC
from portal.kernel.web.views import PortalView
from portal.selectors.readiness import readiness


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Health(PortalView):
    """The process lives and answers; nothing else is looked at."""

    permission = PUBLIC

    def get(self, _request: HttpRequest) -> HttpResponse:
        return JsonResponse({"status": "ok"})


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Ready(PortalView):
    """Database, schema and broker are there; 503 names the one that is not."""

    permission = PUBLIC

    def get(self, _request: HttpRequest) -> HttpResponse:
        checks = readiness()
        is_ready = all(state == "ok" for state in checks.values())
        body = {"status": "ready" if is_ready else "unavailable", "checks": checks}
        response = JsonResponse(body, status=200 if is_ready else 503)
        if not is_ready:
            response["Retry-After"] = "5"
        return response
