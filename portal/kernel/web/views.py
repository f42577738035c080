"""Base classes of the pages: parse, one selector or service, render; page and fragment share one view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views import View

from portal.kernel import context
from portal.kernel.authz import ANONYMOUS, PUBLIC, SIGNED_IN, Actor, ActorKind, authorize
from portal.kernel.errors import DomainError, Fault, InvalidInput, Refused

UNPROCESSABLE = 422


class PortalView(View):
    """A page. `permission` must be declared (or PUBLIC, SIGNED_IN): without it nobody gets in."""

    permission: ClassVar[str] = ""
    template_name: ClassVar[str] = ""
    fragment_name: ClassVar[str] = ""

    @property
    def actor(self) -> Actor:
        """Whoever asks."""
        return context.current().actor or ANONYMOUS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.permission != PUBLIC:
            if self.actor.kind is ActorKind.ANONYMOUS:
                return _to_sign_in(request)
            if not self.permission:
                raise Refused(gettext("This page declares no permission."))
            if self.permission != SIGNED_IN:
                authorize(self.actor, self.permission)
        return super().dispatch(request, *args, **kwargs)

    def page(self, values: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
        """The whole page, or its fragment when htmx asks for it."""
        htmx: Any = getattr(self.request, "htmx", None)
        # Going back asks for the page that was left, not for its part.
        is_partial = bool(htmx) and not htmx.history_restore_request and bool(self.fragment_name)
        name = self.fragment_name if is_partial else self.template_name
        response = render(self.request, name, dict(values), status=status)
        patch_vary_headers(response, ("HX-Request",))
        response["Cache-Control"] = "no-store"
        return response


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    target = f"/sign-in?next={quote(request.get_full_path())}"
    if getattr(request, "htmx", False):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = "/sign-in"
        return response
    return HttpResponseRedirect(target)


class ActionView(PortalView):
    """A button: POST only; does one thing, says so in a toast and goes back to the page.

    A form that stands on another page names it in `next`. One that stands in a dialog sends `dialog`: with a
    script a refusal is told there, beside what was typed; without one by a toast, as everywhere else.
    """

    http_method_names = ["post"]

    def perform(self, request: HttpRequest, **kwargs: Any) -> str:
        """Does it; answers what the toast says."""
        raise NotImplementedError

    def target(self, **kwargs: Any) -> str:
        """Where the browser goes afterwards."""
        raise NotImplementedError

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        faults: tuple[Fault, ...] = ()
        try:
            messages.success(request, self.perform(request, **kwargs))
        except InvalidInput as error:
            faults = tuple(error.faults)
        except DomainError as error:
            if error.http_status in {403, 404}:
                raise
            faults = (Fault(None, error.error_code, error.message),)
        is_in_dialog = bool(getattr(request, "htmx", None)) and "dialog" in request.POST
        if faults and is_in_dialog:
            return render(request, "portal/_faults.html", {"faults": faults}, status=UNPROCESSABLE)
        for fault in faults:
            messages.error(request, told(fault))
        target = _next_of(request) or self.target(**kwargs)
        response = HttpResponse() if is_in_dialog else HttpResponseRedirect(target)
        response.status_code = 204 if is_in_dialog else 303
        if is_in_dialog:
            response["HX-Redirect"] = target
        return response


def told(fault: Fault) -> str:
    """A fault in one line; it begins with the field it is about."""
    return f"{fault.field}: {fault.message}" if fault.field else fault.message


def _next_of(request: HttpRequest) -> str:
    """The page of ours that the form wants to come back to, if it names one."""
    wanted = request.POST.get("next", "")
    hosts = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure())
    return wanted if is_ours else ""
