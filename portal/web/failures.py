"""Answers of last resort: what broke unforeseen, and forms whose token is too old."""

from __future__ import annotations

import html
import sys
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from portal.kernel import context
from portal.middleware.errors import fragment_refusal
from portal.middleware.requests import channel_of
from portal.services.brand import brand_known

BROKEN, UNAVAILABLE = 500, 503
RETRY_AFTER_S: Final = 5
_CODES: Final = {BROKEN: "internal_error", UNAVAILABLE: "unavailable"}
_BARE: Final = (
    "<!doctype html><title>{status}</title><h1>{status}</h1>"
    "<p>Something broke here. Try again, or tell an administrator this number: {request_id}</p>"
)


def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody foresaw: 500, or 503 while the database does not answer.

    Neither database, session nor template context is asked, for any of them may be what failed; when
    even the page cannot be drawn, two plain sentences remain.
    """
    is_database = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status = UNAVAILABLE if is_database else BROKEN
    request_id = context.current().request_id
    try:
        response = _answer(request, status, request_id)
    except Exception:  # noqa: BLE001 - drawing the page is what failed now
        text = _BARE.format(status=status, request_id=html.escape(request_id))
        response = HttpResponse(text, status=status)
    if status == UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER_S)
    response["Cache-Control"] = "no-store"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django names it
    """A form without the token of this browser: old, or from elsewhere.

    A page that was open while its reader signed in again in another tab has such forms too.
    """
    message = _(
        "The page was open too long, or cookies are blocked. Nothing was changed. "
        "Go back, reload the page and send the form again."
    )
    if getattr(request, "htmx", False):
        return fragment_refusal(request, message, 403)
    values = {
        "title": _("This form is too old"),
        "message": message,
        "back": request.path if request.path_info == "/sign-in" else "/",
    }
    return render(request, "403.html", values, status=403)


def _answer(request: HttpRequest, status: int, request_id: str) -> HttpResponse:
    if channel_of(request.path_info) == "api":
        fault = {"code": _CODES[status], "detail": _("Something broke here."), "attr": None}
        body = {"type": "server_error", "errors": [fault], "request_id": request_id}
        return JsonResponse(body, status=status)
    values = {
        "brand": brand_known(),
        "request_id": request_id,
        "theme": request.COOKIES.get("theme", "system"),
    }
    return HttpResponse(render_to_string(f"{status}.html", values), status=status)
