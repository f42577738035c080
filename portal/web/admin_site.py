"""Django admin as uHub's back office: platform administrators, the platform role, one sign-in page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from auditlog.context import set_actor
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.sites import UnfoldAdminSite

from audit.services import trail
from portal.kernel import context
from portal.kernel.errors import InvalidInput, Refused
from portal.kernel.tenancy import PLATFORM, PLATFORM_TENANT_ID, platform_alias
from portal.kernel.web.admin import acting
from portal.middleware.errors import error_response
from portal.models import User
from portal.selectors.settings import setting_view
from portal.services.settings import setting_change
from portal.tags import Tag
from portal.web.setting_forms import SettingsForm

_LOOKING: Final = ("_changelist", "_change", "_history")


class PlatformAdminSite(UnfoldAdminSite):
    """Every view runs in one transaction of the platform role; looking at tenants' rows is audited."""

    index_title = gettext_lazy("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.may_administer

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one sign-in page; who is signed in and may not enter is told so."""
        if request.user.is_authenticated:
            return error_response(request, Refused())
        wanted = request.GET.get("next") or "/admin/"
        return HttpResponseRedirect(f"/sign-in?{urlencode({'next': wanted})}")

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ends the one session there is."""
        logout(request)
        return HttpResponseRedirect("/sign-in")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        def on_platform(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            address = context.current().address or None
            with (
                platform_alias(),
                transaction.atomic(using=PLATFORM),
                set_actor(actor=request.user, remote_addr=address),
            ):
                response: HttpResponse = view(request, *args, **kwargs)
                if isinstance(response, TemplateResponse):
                    response.render()  # lists are read while rendering, which needs the alias as well
                _view_record(request)
            return response

        return super().admin_view(on_platform, cacheable)

    def extra_urls(self) -> list[URLPattern]:
        """Pages beside those of the models."""
        return [path("settings", self.admin_view(self.settings_page), name="settings")]

    def settings_page(self, request: HttpRequest) -> HttpResponse:
        """All system settings in one form; what is wrong is said beside its field and nothing is saved."""
        if request.POST.get("reset"):
            return _setting_reset(request, request.POST["reset"])
        form = SettingsForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and _settings_save(form):
            messages.success(request, _("The settings are saved. Every process uses them already."))
            return HttpResponseRedirect(request.path)
        values = self.each_context(request) | {"title": _("System settings"), "form": form}
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/settings.html", values, status=status)


def _setting_reset(request: HttpRequest, name: str) -> HttpResponse:
    """One setting back to its default; what else was typed is not saved."""
    default = setting_view(name).definition.default
    setting_change(actor=acting(), name=name, value=default)
    messages.success(request, _("%(name)s is back to its default.") % {"name": name})
    return HttpResponseRedirect(request.path)


def _settings_save(form: SettingsForm) -> bool:
    with transaction.atomic(using=PLATFORM):
        for name, value in form.changed_values().items():
            try:
                setting_change(actor=acting(), name=name, value=value)
            except InvalidInput as error:
                form.add_error(form.field_of(name), error.message)
        if form.errors:
            transaction.set_rollback(True, using=PLATFORM)
    return not form.errors


def _view_record(request: HttpRequest) -> None:
    match = request.resolver_match
    name = match.url_name if match and match.url_name else ""
    if request.method != "GET" or not name.endswith(_LOOKING):
        return
    trail.record(
        tag=Tag.ADMIN_VIEWED,
        target_type=name.rpartition("_")[0].replace("_", ".", 1),
        target_id=str(match.kwargs.get("object_id", "")) if match else "",
        detail={"path": request.get_full_path()[:300]},
        tenant_id=PLATFORM_TENANT_ID,
    )
