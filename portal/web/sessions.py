"""Where one is signed in: the list on the profile, and ending what stands there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kernel.authz import SIGNED_IN
from portal.kernel.errors import NotFound
from portal.kernel.web.views import PortalView
from portal.logic.agents import agent_words
from portal.middleware.identity import session_mark
from portal.selectors.sessions import session_list
from portal.services import sessions


def session_cards(request: HttpRequest, user_id: UUID) -> list[dict[str, Any]]:
    """One's sessions as the profile shows them."""
    return [
        {
            "id": view.id,
            "kind": view.kind.label,
            "agent": agent_words(view.agent) or _("Unknown program"),
            "address": view.address,
            "created_at": view.created_at,
            "last_used_at": view.last_used_at,
            "is_current": view.is_current,
        }
        for view in session_list(user_id=user_id, current=session_mark(request))
    ]


class SessionRevoke(PortalView):
    """Ends one of one's own sessions."""

    permission = SIGNED_IN
    http_method_names = ["post"]

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        try:
            wanted = UUID(session_id)
        except ValueError as error:
            raise NotFound(_("There is no such session.")) from error
        sessions.session_revoke(actor=self.actor, session_id=wanted)
        messages.success(request, _("The session is ended."))
        return HttpResponseRedirect(reverse("portal:profile") + "#sessions")


class OtherSessionsRevoke(PortalView):
    """Ends all of one's own sessions but this one."""

    permission = SIGNED_IN
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        count = sessions.sessions_revoke_others(actor=self.actor, current=session_mark(request))
        told = ngettext("%(count)d session is ended.", "%(count)d sessions are ended.", count)
        messages.success(request, told % {"count": count})
        return HttpResponseRedirect(reverse("portal:profile") + "#sessions")
