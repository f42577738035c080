"""Signing in and out, and the first password's replacement."""

from __future__ import annotations

import math
import re
from typing import cast

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from portal.errors import TooManyAttempts, WrongCredentials
from portal.kernel.authz import PUBLIC, SIGNED_IN
from portal.kernel.errors import InvalidInput
from portal.kernel.web.views import UNPROCESSABLE, PortalView
from portal.models import User
from portal.services import accounts, sign_in
from portal.tags import Tag
from portal.web.forms import PASSWORD_LEAST, PasswordChangeForm, SignInForm

SHORTEST_NAME = 4


def next_of(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is one of our own pages; the dashboard otherwise."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else settings.LOGIN_REDIRECT_URL


def _what_to_do() -> str:
    """What helps after a wrong pair, and what comes of more of them."""
    return ngettext(
        "Check both, and Caps Lock. After %(count)d wrong attempt the name is locked for %(wait)s; "
        "an administrator can give you a new password.",
        "Check both, and Caps Lock. After %(count)d wrong attempts the name is locked for %(wait)s; "
        "an administrator can give you a new password.",
        settings.AXES_FAILURE_LIMIT,
    ) % {
        "count": settings.AXES_FAILURE_LIMIT,
        "wait": _minutes(round(settings.AXES_COOLOFF_TIME * 3600)),
    }


def _minutes(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


@method_decorator(transaction.non_atomic_requests, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SignIn(PortalView):
    """Outside the request's transaction: failed attempts must count although the request fails."""

    permission = PUBLIC
    template_name = "portal/sign_in.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return HttpResponseRedirect(next_of(request))
        return self.page({"form": SignInForm(), "next": next_of(request)})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        values = {"form": form, "next": next_of(request)}
        if not form.is_valid():
            return self.page(values, status=UNPROCESSABLE)
        try:
            user = sign_in.credentials_check(request=request, **form.cleaned_data)
        except WrongCredentials as error:
            form.add_error(None, f"{error.message} {_what_to_do()}")
            return self.page(values, status=UNPROCESSABLE)
        except TooManyAttempts as error:
            wait = {"wait_s": error.retry_after_s, "wait": _minutes(error.retry_after_s)}
            response = self.page(values | wait, status=error.http_status)
            response["Retry-After"] = str(error.retry_after_s)
            return response
        with transaction.atomic():
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            sign_in.sign_in_record(request=request, user=user, tag=Tag.SIGNED_IN)
        return HttpResponseRedirect(next_of(request))


class SignOut(PortalView):
    """A button, never a link: nobody is signed out by a picture in a mail."""

    permission = PUBLIC
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User):
            sign_in.sign_in_record(request=request, user=request.user, tag=Tag.SIGNED_OUT)
            logout(request)
        return HttpResponseRedirect(settings.LOGOUT_REDIRECT_URL)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class PasswordChange(PortalView):
    """Forced at the first sign-in, or wanted; ends API tokens and all other sessions."""

    permission = SIGNED_IN
    template_name = "portal/password_change.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._form_page(request, PasswordChangeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordChangeForm(request.POST)
        if not form.is_valid():
            return self._form_page(request, form, status=UNPROCESSABLE)
        user = cast(User, request.user)
        try:
            accounts.password_change(
                actor=self.actor,
                user=user,
                old_password=form.cleaned_data["old_password"],
                new_password=form.cleaned_data["new_password1"],
                session_key=request.session.session_key or "",
            )
        except WrongCredentials as error:
            form.add_error("old_password", error.message)
            return self._form_page(request, form, status=UNPROCESSABLE)
        except InvalidInput as error:
            for fault in error.faults:
                form.add_error("new_password1", fault.message)
            return self._form_page(request, form, status=UNPROCESSABLE)
        update_session_auth_hash(request, user)
        return HttpResponseRedirect(next_of(request))

    def _form_page(
        self, request: HttpRequest, form: PasswordChangeForm, status: int = 200
    ) -> HttpResponse:
        user = cast(User, request.user)
        values = {
            "form": form,
            "is_forced": user.must_change_password,
            "least": PASSWORD_LEAST,
            "names": " ".join(_names(user)),
        }
        return self.page(values, status=status)


def _names(user: User) -> list[str]:
    """What a password of this person may not contain, as far as a browser can tell."""
    words = re.split(r"\W+", f"{user.username} {user.display_name} {user.email}".lower())
    return sorted({word for word in words if len(word) >= SHORTEST_NAME})
