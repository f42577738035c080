"""The search page: what the palette finds, as a page of its own that needs no script."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from portal.kernel.authz import SIGNED_IN
from portal.kernel.commands import Asking, search_provider
from portal.kernel.matching import QUERY_MOST, words_of
from portal.kernel.tenancy import current_tenant_id
from portal.kernel.web.views import PortalView
from portal.web.palette import reply_to
from portal.web.palette_options import Group, Option, found_options

PAGE_SIZE = 25
PAGES_MOST = 8
_GROUP_SIZE = 10


class Search(PortalView):
    """`/search?q=`, and `&kind=&page=` for more of one kind."""

    permission = SIGNED_IN
    template_name = "portal/search/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        query = request.GET.get("q", "")[:QUERY_MOST].replace("\x00", "")
        asking = Asking(self.actor, "/search", request)
        values: dict[str, Any] = {"query": query, "next": request.get_full_path()}
        kind = request.GET.get("kind", "")
        paged = _paged(asking, query, kind, _number(request)) if kind else None
        if paged is None:
            values["reply"] = reply_to(asking, query, shown=_GROUP_SIZE) if query.strip() else None
        return self.page(values | (paged or {}))


def _number(request: HttpRequest) -> int:
    """The page asked for; the first for what is no number."""
    text = request.GET.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return max(1, min(PAGES_MOST, number))


def _paged(asking: Asking, query: str, kind: str, number: int) -> dict[str, Any] | None:
    """One page of one kind; None for a kind that is unknown or not for this person."""
    provider = search_provider(asking, kind)
    if provider is None or current_tenant_id() is None:
        return None
    words = words_of(query.removeprefix(provider.prefix) if provider.prefix else query)
    end = number * PAGE_SIZE
    options: list[Option] = found_options(asking, provider, words, PAGE_SIZE * PAGES_MOST + 1)
    has_next = len(options) > end and number < PAGES_MOST
    group = Group(kind, provider.label, options[end - PAGE_SIZE : end], kind=kind)
    return {
        "only": group,
        "previous": _address(query, kind, number - 1) if number > 1 else None,
        "following": _address(query, kind, number + 1) if has_next else None,
    }


def _address(query: str, kind: str, number: int) -> str:
    wanted = QueryDict(mutable=True)
    wanted.update({"q": query, "kind": kind, "page": str(number)})
    return f"?{wanted.urlencode()}"
