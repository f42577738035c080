"""`/live`: one stream per page that says which of its parts have changed."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _

from portal.errors import TooManyStreams
from portal.kernel.authz import SIGNED_IN
from portal.kernel.errors import Fault, InvalidInput, NotFound
from portal.kernel.live import may_listen
from portal.kernel.web.views import PortalView
from portal.services.live_access import Listener
from portal.services.live_hub import HUB

_LARGEST_ID: Final = 2**63 - 1


class Live(PortalView):
    """Answers `text/event-stream`: `change` with topics, `reset` when more was missed than is known, `close`.

    A server without an event loop would spend a thread on every page that is open: there the answer is
    empty, and pages look for themselves.
    """

    permission = SIGNED_IN
    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        topics, last_id = _topics(request), _last_id(request)
        user_id, tenant_id = self.actor.user_id, self.actor.tenant_id
        if user_id is None or tenant_id is None or not may_listen(self.actor, topics):
            raise NotFound(_("There is nothing of that name to listen to."))
        if not isinstance(request, ASGIRequest):
            return HttpResponse(status=204)
        if not HUB.has_room(user_id):
            raise TooManyStreams(limit=settings.LIVE["STREAMS_PER_USER"])
        listener = Listener(user_id, tenant_id, request.session.session_key or "", topics)
        response = StreamingHttpResponse(
            HUB.stream(listener, last_id), content_type="text/event-stream"
        )
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"
        return response


def _topics(request: HttpRequest) -> frozenset[str]:
    topics = frozenset(request.GET.get("topics", "").split())
    most = settings.LIVE["TOPICS"]
    if not 0 < len(topics) <= most:
        message = _("Name 1 to %(most)s topics, separated by spaces.") % {"most": most}
        raise InvalidInput(faults=(Fault("topics", "invalid", message),))
    return topics


def _last_id(request: HttpRequest) -> int | None:
    """Where the browser was: the header when it reconnects by itself, the address when the page does."""
    text = request.headers.get("Last-Event-ID") or request.GET.get("last", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text[:20]) > _LARGEST_ID:
        message = _("The last event's id is a number.")
        raise InvalidInput(faults=(Fault("last", "invalid", message),))
    return int(text)
