"""The pages' one place where errors become answers; the API has its own in the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.kernel import context
from portal.kernel.errors import DomainError, Fault, Refused
from portal.middleware.requests import channel_of
from portal.services.brand import brand_known

GetResponse = Callable[[HttpRequest], HttpResponse]
_UNAVAILABLE: Final = 503
_PAGES: Final = frozenset({403, 404, 409, _UNAVAILABLE})


def error_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A page for a person, or for htmx a notice that leaves what is on the screen alone."""
    values: dict[str, Any] = {"message": error.message, "error": error}
    if getattr(request, "htmx", False):
        response = fragment_refusal(request, error.message, error.http_status)
    else:
        status = error.http_status if error.http_status in _PAGES else 409
        if status == _UNAVAILABLE:
            values |= {"brand": brand_known(), "request_id": context.current().request_id}
        response = render(request, f"{status}.html", values, status=error.http_status)
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        response["Retry-After"] = str(retry_after_s)
    response["Cache-Control"] = "no-store"
    return response


def fragment_refusal(request: HttpRequest, message: str, status: int) -> HttpResponse:
    """What htmx is told: in the dialog that asked, else in a notice beside the page as it is."""
    if "dialog" in request.POST:
        faults = (Fault(None, "refused", message),)
        response = render(request, "portal/_faults.html", {"faults": faults}, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "dialog[open] .faults", "innerHTML"
        return response
    response = render(request, "portal/_error.html", {"message": message}, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = "#toasts", "beforeend"
    return response


class DomainErrorMiddleware:
    """Turns a view's DomainError into a page, after the transaction around the view was rolled back."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Denies pages that forgot to declare a permission; API and admin ask in their own way."""
        is_declared = bool(getattr(getattr(view, "view_class", None), "permission", ""))
        if is_declared or channel_of(request.path_info) != "web":
            return None
        return error_response(request, Refused())

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django calls this for what a view raised."""
        context.failure_note(error, method=request.method or "", path=request.path)
        return error_response(request, error) if isinstance(error, DomainError) else None


def keep_response(
    _request: HttpRequest, response: HttpResponse, _credentials: Any = None
) -> HttpResponse:
    """The throttle's own answer is not wanted: our views have answered already."""
    return response
