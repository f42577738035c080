"""The outermost middlewares: request context, addresses without a last slash, the CSP's exceptions."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import structlog
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse

from audit.services import trail
from portal.kernel import context
from portal.kernel.tallies import TALLIES
from portal.middleware.addresses import client_address

GetResponse = Callable[[HttpRequest], HttpResponse]
_METHODS: Final = {
    name: name for name in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
}
_SANE_ID: Final = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


def channel_of(path: str) -> str:
    """Through which door a request came: api, admin or web."""
    for channel in ("api", "admin"):
        if path == f"/{channel}" or path.startswith(f"/{channel}/"):
            return channel
    return "web"


class RequestContextMiddleware:
    """Opens the request context and, once all transactions are over, records what was refused in it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        opened = context.RequestContext(
            request_id=given if _SANE_ID.match(given) else uuid4().hex,
            address=client_address(request),
            agent=request.headers.get("User-Agent", ""),
            channel=channel_of(request.path_info),
        )
        with (
            context.request_context(opened),
            structlog.contextvars.bound_contextvars(request_id=opened.request_id),
        ):
            began = time.perf_counter()
            response = self.get_response(request)
            trail.refusals_write(opened)
            _counted(request, response, opened.channel, time.perf_counter() - began)
        response["X-Request-Id"] = opened.request_id
        return response


def _counted(request: HttpRequest, response: HttpResponse, channel: str, took_s: float) -> None:
    """One request under the pattern of its route; addresses nobody answers are counted together."""
    match = request.resolver_match
    route = match.route if match else "none"
    status, method = str(response.status_code), _METHODS.get(request.method or "", "OTHER")
    TALLIES.count("http_requests", channel=channel, route=route, method=method, status=status)
    if not response.streaming:
        TALLIES.observe("http_request_seconds", took_s, channel=channel, method=method)


class TrailingSlashMiddleware:
    """Serves /api/x/ as /api/x without a redirect, which would lose the body of a POST."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_admin = channel_of(request.path_info) == "admin"
        if request.path_info.endswith("/") and not is_admin:
            request.path_info = request.path_info.rstrip("/") or "/"
            request.path = request.path.rstrip("/") or "/"
        return self.get_response(request)


_RELAXED: Final = {
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "worker-src": [SELF, "blob:"],
}


DOCS_PATH: Final = "/api/docs"
_DOCS: Final = {"style-src": [SELF, UNSAFE_INLINE]}


class RelaxedCspMiddleware:
    """Lets inline scripts of Django admin and the browsable API run; nothing of ours.

    The API documentation needs no script but files of our own, only styles in its page.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        channel = channel_of(request.path_info)
        is_page = response.get("Content-Type", "").startswith("text/html")
        if channel != "web" and is_page:
            wanted = _DOCS if request.path_info == DOCS_PATH else _RELAXED
            response._csp_replace = wanted  # type: ignore[attr-defined]  # noqa: SLF001 - its interface
        return response
