"""One's own account: profile, theme, and the organisation one works in."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from portal.kernel.authz import PUBLIC, SIGNED_IN
from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.web.views import UNPROCESSABLE, PortalView
from portal.middleware.identity import SESSION_TENANT, identity_of
from portal.models import Theme, User
from portal.services import accounts
from portal.web.forms import ProfileForm
from portal.web.sessions import session_cards
from portal.web.sign_in import next_of

ONE_YEAR_S = 31_536_000


class Profile(PortalView):
    """Name, e-mail, theme, language, time zone."""

    permission = SIGNED_IN
    template_name = "portal/profile.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(self._values(request, ProfileForm(instance=_fresh(request))))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProfileForm(request.POST, instance=_fresh(request))
        if not form.is_valid():
            return self.page(self._values(request, form), status=UNPROCESSABLE)
        try:
            accounts.profile_update(
                actor=self.actor, user=cast(User, request.user), changes=form.cleaned_data
            )
        except InvalidInput as error:
            for fault in error.faults:
                form.add_error(fault.field, fault.message)
            return self.page(self._values(request, form), status=UNPROCESSABLE)
        messages.success(request, _("Your profile is saved."))
        return HttpResponseRedirect(request.path)

    def _values(self, request: HttpRequest, form: ProfileForm) -> dict[str, Any]:
        memberships = [
            {"tenant_name": choice.name, "role": choice.role}
            for choice in identity_of(request).tenants
        ]
        sessions = session_cards(request, cast(User, request.user).pk)
        return {"form": form, "memberships": memberships, "sessions": sessions}


def _fresh(request: HttpRequest) -> User:
    """A copy for the form, which writes even rejected values into its instance."""
    return User.objects.get(username=request.user.get_username())


class ThemeChange(PortalView):
    """The switch in the page's head."""

    permission = SIGNED_IN
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        theme = request.POST.get("theme", "")
        if theme not in Theme.values:
            raise InvalidInput(_("There is no such theme."), field="theme")
        accounts.profile_update(
            actor=self.actor, user=cast(User, request.user), changes={"theme": theme}
        )
        if getattr(request, "htmx", False):
            return HttpResponse(status=204)
        response = HttpResponseRedirect(next_of(request))
        response.set_cookie("theme", theme, max_age=ONE_YEAR_S, samesite="Lax")
        return response


class LanguageChange(PortalView):
    """EN or FR: kept by this browser, and in the profile of who is signed in."""

    permission = PUBLIC
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        language = request.POST.get("language", "")
        if language not in dict(settings.LANGUAGES):
            raise InvalidInput(_("There is no such language."), field="language")
        if isinstance(request.user, User):
            accounts.profile_update(
                actor=self.actor, user=request.user, changes={"language": language}
            )
        response = HttpResponseRedirect(next_of(request))
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=ONE_YEAR_S, samesite="Lax"
        )
        return response


class TenantSwitch(PortalView):
    """Another organisation for this session; where its pages begin is the dashboard."""

    permission = SIGNED_IN
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("tenant", "")
        if wanted not in {choice.slug for choice in identity_of(request).tenants}:
            raise NotFound(_("There is no such organisation."))
        request.session[SESSION_TENANT] = wanted
        return HttpResponseRedirect("/")
