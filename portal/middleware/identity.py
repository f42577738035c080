"""Who asks and for which tenant: resolved once, before the view and its transaction begin.

Tokens are read here as well and not in the API's authentication classes, because the tenant has to be
in scope when the transaction around the view starts. Those classes answer what was found here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

from portal.errors import NotSignedIn, PasswordChangeRequired, TenantRequired
from portal.kernel import context
from portal.kernel.authz import ANONYMOUS
from portal.kernel.errors import DomainError, NotFound
from portal.kernel.tenancy import tenant_scope, user_scope
from portal.middleware.errors import error_response
from portal.middleware.requests import channel_of
from portal.models import Language, User
from portal.selectors.identities import Person, person_find
from portal.selectors.memberships import TenantChoice, actor_of, tenant_choices
from portal.services.preferences import person_zone
from portal.services.tokens import access_token_person, access_token_read

GetResponse = Callable[[HttpRequest], HttpResponse]
SESSION_TENANT: Final = "tenant"
PASSWORD_CHANGE_PATH: Final = "/password-change"  # noqa: S105 - an address
_OPEN_WITHOUT_CHANGE: Final = frozenset(
    {
        PASSWORD_CHANGE_PATH,
        "/brand.css",
        "/brand.svg",
        "/sign-out",
        "/theme",
        "/language",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/me/password",
        "/api/auth/token",
        "/api/auth/revoke",
    }
)
_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: `method` is session, bearer or empty; `error` is what the answer must say instead."""

    user: User | None = None
    method: str = ""
    tenants: tuple[TenantChoice, ...] = ()
    tenant: TenantChoice | None = None
    error: DomainError | None = None


def identity_of(request: HttpRequest) -> Identity:
    """What the middleware found; nobody for requests that did not pass it."""
    return getattr(request, "identity", None) or Identity()


def session_mark(request: HttpRequest) -> UUID | str:
    """What tells the session of this request from the person's others: its family, or its key."""
    if identity_of(request).method == "bearer":
        header = request.headers.get("Authorization", "")
        return access_token_read(header[len(_BEARER) :].strip()).family
    return request.session.session_key or ""


def _resolve(request: HttpRequest, *, is_api: bool) -> Identity:
    header = request.headers.get("Authorization", "")
    if is_api and header[: len(_BEARER)].lower() == _BEARER:
        try:
            person = access_token_person(header[len(_BEARER) :].strip())
        except NotSignedIn as error:
            return Identity(method="bearer", error=error)
        return _placed(request, person, "bearer")
    person_here = _of_session(request)
    return _placed(request, person_here, "session") if person_here else Identity()


def _of_session(request: HttpRequest) -> Person | None:
    """The person of the session, with the same proof that Django asks for.

    What does not pass it, say a session older than a rotated key, is left for Django to decide.
    """
    session = request.session
    try:
        person = person_find(UUID(session[SESSION_KEY]))
    except (KeyError, ValueError):
        return None
    proof = session.get(HASH_SESSION_KEY, "")
    is_ours = session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    if person and is_ours and constant_time_compare(proof, person.user.get_session_auth_hash()):
        request._cached_user = person.user  # type: ignore[attr-defined]  # noqa: SLF001 - get_user's
        return person
    if isinstance(request.user, User):
        return Person(request.user, tenant_choices(request.user.id))
    return None


def _placed(request: HttpRequest, person: Person, method: str) -> Identity:
    user, tenants = person.user, person.tenants
    try:
        tenant = _chosen(request, tenants, method)
    except DomainError as error:
        return Identity(user, method, tenants, None, error)
    return Identity(user, method, tenants, tenant)


def _chosen(
    request: HttpRequest, tenants: tuple[TenantChoice, ...], method: str
) -> TenantChoice | None:
    """The tenant asked for, else the session's, else the only one; pages fall back to the first.

    Raises:
        NotFound: the person is no member of the tenant asked for.
        TenantRequired: an API client of several tenants named none.
    """
    is_api = channel_of(request.path_info) == "api"
    wanted = request.headers.get("X-Tenant") if is_api else request.GET.get("tenant")
    by_slug = {tenant.slug: tenant for tenant in tenants}
    if wanted:
        if wanted not in by_slug:
            raise NotFound(gettext("There is no such organisation."))
        return by_slug[wanted]
    remembered = request.session.get(SESSION_TENANT) if method == "session" else None
    if remembered in by_slug:
        return by_slug[remembered]
    if is_api and len(tenants) > 1:
        raise TenantRequired
    return tenants[0] if tenants else None


class SessionActorMiddleware:
    """Puts actor, tenant, language and time zone into force for the rest of the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        channel = channel_of(request.path_info)
        identity = _resolve(request, is_api=channel == "api")
        request.identity = identity  # type: ignore[attr-defined]
        request.tenant_choice = identity.tenant  # type: ignore[attr-defined]
        request.tenant_choices = identity.tenants  # type: ignore[attr-defined]
        with _in_force(identity, _language(request, identity)):
            if identity.error and channel != "api":
                response = error_response(request, identity.error)
            else:
                if identity.tenant and request.GET.get("tenant") == identity.tenant.slug:
                    request.session[SESSION_TENANT] = identity.tenant.slug
                response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "")
            return response


def _language(request: HttpRequest, identity: Identity) -> str:
    """The profile's; where that names none, what LocaleMiddleware found: cookie, browser, ours.

    A program that names a language in its header is answered in that one, whoever it works for.
    """
    found = translation.get_language() or settings.LANGUAGE_CODE
    is_told = identity.method == "bearer" and "Accept-Language" in request.headers
    user = identity.user
    is_open = user is None or is_told or user.language == Language.BROWSER
    return found if is_open or user is None else user.language


@contextmanager
def _in_force(identity: Identity, language: str) -> Iterator[None]:
    user = identity.user
    with ExitStack() as stack:
        if user is None:
            context.current().actor = ANONYMOUS
        else:
            context.current().actor = actor_of(user, identity.tenant)
            names = {"user_id": str(user.id)}
            if identity.tenant:
                names["tenant_id"] = str(identity.tenant.id)
            stack.enter_context(structlog.contextvars.bound_contextvars(**names))
            stack.enter_context(translation.override(language))
            stack.enter_context(timezone.override(person_zone(user)))
            if identity.tenant:
                stack.enter_context(tenant_scope(identity.tenant.id, user_id=user.id))
            else:
                stack.enter_context(user_scope(user.id))
        yield


class PasswordChangeMiddleware:
    """Until the first password is replaced, everything but the replacement is closed."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = identity_of(request).user
        if user is None or not user.must_change_password:
            return self.get_response(request)
        if request.path_info in _OPEN_WITHOUT_CHANGE:
            return self.get_response(request)
        error = PasswordChangeRequired()
        if channel_of(request.path_info) == "api":
            fault = {"code": error.error_code, "detail": error.message, "attr": None}
            return JsonResponse(
                {"type": "client_error", "errors": [fault]}, status=error.http_status
            )
        if getattr(request, "htmx", False):
            response = HttpResponse(status=204)
            response["HX-Redirect"] = PASSWORD_CHANGE_PATH
            return response
        return redirect(PASSWORD_CHANGE_PATH)
