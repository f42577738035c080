"""The period a page is about: the address says it, else what this browser was told last."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from portal.kernel import clock
from portal.kernel.ui import once
from portal.logic.periods import DEFAULT, Period, period_key, period_of

COOKIE: Final = "period"


def period_of_request(request: HttpRequest) -> Period:
    """The same for all parts of one page, in the reader's time zone."""
    return once(request, "period", lambda: _period(request))


def _period(request: HttpRequest) -> Period:
    asked = period_key(request.GET.get("period"))
    key = asked or period_key(request.COOKIES.get(COOKIE)) or DEFAULT
    return period_of(key, clock.now(), timezone.get_current_timezone())
